/**
 * An entry of the catalogue of vital signs (体征指标): what a code means, and its four mandatory blocks. A definition
 * that lacks one is refused at load.
 */
import { z } from 'zod';
import { IDS } from '../../core/event.ts';
import { settingIssue, durationMs, rate } from '../../core/setting.ts';
import { checkUnit } from './units.ts';
import { DIRECTION_SCHEMA, LEVELS_SCHEMA, OFF_SCHEMA } from '../rules/rule.ts';
import { BOARDS } from './boards.ts';

const words = (zh: string, en: string) => z.strictObject({
  zh: z.string().min(1).meta({ zh: '中文', en: 'in Chinese' }),
  en: z.string().min(1).meta({ zh: '英文', en: 'in English' }),
}).meta({ zh, en });
const text = (zh: string, en: string, maxLength = 200) => z.string().min(1).max(maxLength).meta({ zh, en });
const duration = (zh: string, en: string, example: string) => durationMs().meta({ zh, en, examples: [example] });
const boardCodes = Object.keys(BOARDS) as [keyof typeof BOARDS, ...(keyof typeof BOARDS)[]];

const realtime = z
  .strictObject({
    sources: z
      .array(z.object({ driver: text('驱动', 'Driver', 64) }).catchall(z.union([z.string(), z.number(), z.boolean()])))
      .min(1)
      .meta({ zh: '数据来源', en: 'Where values come from' }),
    samplePeriod: duration('采样周期', 'Sample period', '1s'),
    reportPeriod: duration('上报周期', 'Report period', '60s'),
    reportOnChange: z
      .strictObject({ deadband: z.number().min(0).meta({ zh: '死区', en: 'Deadband' }) })
      .optional()
      .meta({ zh: '变化上报', en: 'Report by exception' }),
    range: z
      .tuple([z.number(), z.number()])
      .refine(([low, high]) => low < high, settingIssue('the first must be below the second', '前者必须小于后者'))
      .optional()
      .meta({ zh: '合理范围', en: 'Plausible range' }),
    offlineAfter: duration('多久无数据视为离线', 'Offline after', '5m'),
    quality: z
      .strictObject({
        stuckFor: duration('多久不变视为恒值', 'Stuck when unchanged for', '1h').optional(),
        maxRate: rate()
          .optional()
          .meta({ zh: '最大变化率', en: 'Largest rate of change', examples: ['2/1m'] }),
        calibrationDue: duration('校准周期', 'Calibration due', '180d').optional(),
      })
      .optional()
      .meta({ zh: '质量规则', en: 'Quality rules' }),
  })
  .meta({ zh: '实时', en: 'Real time' });

const warning = z.strictObject({
  basis: text('依据的标准和条款', 'Standard and clause it rests on', 400),
  direction: DIRECTION_SCHEMA,
  minQuality: z.enum(['good', 'uncertain']).default('good').meta({ zh: '最低数据质量', en: 'Lowest quality that counts' }),
  levels: LEVELS_SCHEMA,
  off: OFF_SCHEMA,
  responsible: z.strictObject({
    unit: text('责任单位', 'Responsible unit'),
    supervisor: text('监管单位', 'Supervising unit').optional(),
  }).meta({ zh: '责任', en: 'Responsibility' }),
  plan: text('预案编号', 'Id of the plan', 64).optional(),
  suggestion: words('处置建议', 'What to do'),
}).meta({ zh: '预警', en: 'Warning' });

const retro = z
  .strictObject({
    keep: z
      .strictObject({
        raw: duration('原始数据保留', 'Raw values', '90d'),
        m5: duration('5 分钟值保留', 'Values of 5 min', '2y'),
        hour: duration('小时值保留', 'Values of an hour', '10y'),
        day: duration('日值保留', 'Values of a day', 'forever'),
      })
      .meta({ zh: '保留多久', en: 'How long what is kept' }),
    aggregates: z
      .array(z.enum(['min', 'max', 'avg', 'sum', 'last', 'count', 'p95', 'goodRatio']))
      .min(1)
      .meta({ zh: '聚合', en: 'Aggregates' }),
    backfill: z
      .strictObject({
        acceptOlderThan: duration('接受多旧的补录', 'Accepts values older than', '1m'),
        live: z.boolean().default(false).meta({ zh: '补录是否参与实时预警', en: 'Whether backfill counts as live' }),
        recompute: z.boolean().default(true).meta({ zh: '补录后重算', en: 'Aggregates are computed anew' }),
      })
      .meta({ zh: '补录', en: 'Backfill' }),
    evidence: z.array(text('证据', 'Evidence')).default([]).meta({ zh: '证据', en: 'Evidence' }),
  })
  .meta({ zh: '回溯', en: 'Looking back' });

const evaluate = z.strictObject({
  score: text('评分公式', 'Formula of the score', 400),
  period: duration('评价周期', 'Period', '1d'),
  target: text('目标', 'Target', 64),
  minCoverage: z.number().min(0).max(1).meta({ zh: '最低数据覆盖率', en: 'Least share of the period with data' }),
  responsible: text('责任单位', 'Responsible unit'),
}).meta({ zh: '评价', en: 'Evaluation' });

export const INDICATOR_SCHEMA = z
  .strictObject({
    code: z
      .string()
      .regex(IDS.indicator)
      .meta({ zh: '指标代码', en: 'Code', examples: ['YJ-FLD-001'] }),
    version: z.int().min(1).meta({ zh: '版本', en: 'Version' }),
    validFrom: z.iso.datetime({ offset: true }).meta({ zh: '生效时间', en: 'Valid from', examples: ['2026-01-01T00:00:00+08:00'] }),
    name: words('名称', 'Name'),
    unit: z
      .string()
      .refine((unit) => unit === '' || checkUnit(unit).ok, settingIssue('not a UCUM unit', '不是 UCUM 单位'))
      .meta({ zh: '单位（UCUM）', en: 'Unit (UCUM)', examples: ['m'] }),
    board: z.enum(boardCodes).meta({ zh: '板块', en: 'Board' }),
    runway: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .meta({ zh: '跑道', en: 'Runway', examples: ['FLD'] }),
    subRunway: z
      .string()
      .regex(/^[A-Z]{3}-\d{2}$/)
      .optional()
      .meta({ zh: '子跑道', en: 'Sub-runway', examples: ['FLD-01'] }),
    kpi: z.boolean().default(false).meta({ zh: '是否核心指标', en: 'Key indicator' }),
    local: z.boolean().default(false).meta({ zh: '本地自定代码', en: 'A code of our own, not of the common catalogue' }),
    ownerUnit: text('归口单位', 'Owner'),
    sharing: z.enum(['town', 'district', 'city', 'public']).meta({ zh: '共享范围', en: 'Shared with' }),
    kind: z.enum(['gauge', 'counter', 'state', 'event', 'derived']).meta({ zh: '类型', en: 'Kind' }),
    subject: z.enum(['device', 'facility', 'area']).meta({ zh: '对象', en: 'What it is about' }),
    realtime,
    warning,
    retro,
    evaluate,
  })
  .superRefine((indicator, context) => {
    const [board, runway] = indicator.code.split('-');
    const expected = { board, runway } as const;
    for (const part of ['board', 'runway'] as const) {
      if (indicator[part] === expected[part]) continue;
      context.addIssue({
        code: 'custom',
        path: [part],
        input: indicator[part],
        ...settingIssue(`must be ${expected[part]}, as in the code`, `应与代码一致：${expected[part]}`),
      });
    }
  });

export type Indicator = z.infer<typeof INDICATOR_SCHEMA>;

/** A catalogue file: indicators of one board, usually. */
export const CATALOGUE_SCHEMA = z.strictObject({
  indicators: z.array(INDICATOR_SCHEMA).min(1).meta({ zh: '指标', en: 'Indicators' }),
});
