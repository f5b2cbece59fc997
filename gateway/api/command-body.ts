/** What an operator sends to give a command. */
import { z } from 'zod';
import { IDS } from '../../core/event.ts';
import { COMMAND_ID, CONDITION_SCHEMA, MAX_LIFE_MS, MAX_POINTS, WRITABLE_SCHEMA } from '../../core/wire/commands.ts';

const common = {
  id: z.string().regex(COMMAND_ID).optional().meta({ description: 'your own; given again with the same content it is the same command' }),
  device: z.string().regex(IDS.device),
  reason: z.string().min(1).max(500).meta({ description: 'why; stands in the record on both sides' }),
  expiresInMs: z.int().min(1000).max(MAX_LIFE_MS).default(30_000).meta({ description: 'not begun later than this' }),
};
const point = z.string().regex(IDS.point);
export const COMMAND_BODY = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('read'), points: z.array(point).min(1).max(MAX_POINTS).exactOptional().meta({ description: 'left out: all of the device' }) }),
  z.strictObject({
    ...common, kind: z.literal('write'), point, value: WRITABLE_SCHEMA.meta({ description: 'in the point\'s own unit' }),
    unit: z.string().max(64).exactOptional().meta({ description: 'refused when the point is in another one' }),
    ifState: CONDITION_SCHEMA.exactOptional().meta({ description: 'refused unless this holds, by a good, fresh value' }),
  }),
  z.strictObject({ ...common, kind: z.literal('snapshot') }),
]);
export type CommandBody = z.output<typeof COMMAND_BODY>;
