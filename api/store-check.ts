/** Reading the whole store back: how far it is, and what it found. */
import { z } from 'zod';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { count, faultText, time, WORDS } from './fields.ts';
import { SeriesGap } from './series.ts';

export const StoreCheckView = component(
  'StoreCheck', 'reading the whole store back: how far it is, and what it found', '时序库全量回读校验：进度与结果',
  z.object({
    state: z.enum(['never', 'running', 'done', 'failed']),
    startedAt: time.nullable(),
    endedAt: time.nullable(),
    done: count.meta({ en: 'chunks and blocks that were read', zh: '已读数据块' }),
    of: count.meta({ en: 'of so many', zh: '总数' }),
    chunks: count,
    blocks: count,
    points: count.meta({ en: 'in chunks that are sound', zh: '完好压缩块中的点' }),
    rows: count.meta({ en: 'not in chunks yet', zh: '尚未压缩的点' }),
    damages: count.meta({ en: 'how many are damaged; the first thousand are named', zh: '损坏块数；最多列出一千个' }),
    /** `series` is null where it is not known. */
    damaged: z.array(z.object({ series: z.string().nullable(), ...SeriesGap.shape })),
    problems: z.array(WORDS).meta({ en: 'what is wrong with the file\'s structure, or does not fit together', zh: '文件结构的错误，或前后不一致之处' }),
    fault: faultText.nullable().meta({ en: 'what ended it early', zh: '中途终止的原因' }),
  }),
);
export type StoreCheckView = z.infer<typeof StoreCheckView>;

export const STORE_CHECK_EXAMPLE: StoreCheckView = {
  state: 'done',
  startedAt: EXAMPLE_AT - 4000,
  endedAt: EXAMPLE_AT,
  done: 9120,
  of: 9120,
  chunks: 8600,
  blocks: 520,
  points: 4_300_000,
  rows: 81_000,
  damages: 1,
  damaged: [{ series: 'YJ-FLD-001|pump-07-plc|level', from: EXAMPLE_AT - 7_200_000, to: EXAMPLE_AT - 3_600_000, count: 512 }],
  problems: [],
  fault: null,
};
