/** Why a request was refused. */
import { z } from 'zod';
import { component } from './component.ts';

export const Problem = component(
  'Problem',
  'RFC 9457; `code` is of docs/faults.md, `remedy` says what to do',
  'RFC 9457；code 见 docs/faults.md，remedy 说明如何处理',
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    remedy: z.string(),
  }),
);
export type Problem = z.infer<typeof Problem>;
