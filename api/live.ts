/** What `GET /api/v1/live` sends; `event:` is the kind, `data:` the whole message as JSON. */
import { z } from 'zod';
import { component } from './component.ts';
import { DemoView } from './demo.ts';
import { DeviceView } from './devices.ts';
import { EXAMPLE_AT, EXAMPLE_SERIES } from './example-values.ts';
import { flags, quality, time, value } from './fields.ts';
import { StatusView } from './status.ts';
import { WarningView } from './warnings.ts';

export const LiveMessage = component(
  'LiveMessage',
  'what /live sends: `event:` is the kind, `data:` this',
  '/live 推送的内容：event 为种类，data 为此对象',
  z.union([
    z.object({ kind: z.literal('status'), status: StatusView }),
    z.object({
      kind: z.literal('value'),
      indicator: z.string(),
      device: z.string(),
      point: z.string(),
      at: time,
      value,
      unit: z.string(),
      quality,
      flags,
    }),
    z.object({ kind: z.literal('warning'), warning: WarningView }),
    z.object({ kind: z.literal('device'), device: DeviceView }),
    z.object({ kind: z.literal('demo'), demo: DemoView }),
  ]),
);
export type LiveMessage = z.infer<typeof LiveMessage>;

export const LIVE_EXAMPLE: LiveMessage = {
  kind: 'value',
  ...EXAMPLE_SERIES,
  at: EXAMPLE_AT,
  value: 3.2,
  unit: 'm',
  quality: 'good',
  flags: [],
};
