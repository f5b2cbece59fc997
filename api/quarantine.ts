/** What was refused, and why. */
import { z } from 'zod';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { count, time } from './fields.ts';

export const QuarantineItem = component('QuarantineItem', 'what was refused, and why', '被拒收的内容及原因', z.object({
  id: z.int(),
  at: time,
  sender: z.string(),
  code: z.string(),
  detail: z.string(),
  sha256: z.string(),
  bytes: count,
  excerpt: z.string().meta({ en: 'first bytes, as text where they are text', zh: '最初的字节，可读时以文本给出' }),
}));
export type QuarantineItem = z.infer<typeof QuarantineItem>;

export const QUARANTINE_EXAMPLE: QuarantineItem = {
  id: 17, at: EXAMPLE_AT, sender: 'pump-07', code: 'CV_EVENT_INVALID', detail: 'value: null, which only bad quality allows',
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', bytes: 212, excerpt: '{"v":1,"from":"pump-07"',
};
