/**
 * A rule: what a centre must act on, as data. Rules are YAML files, one rule a file; only files that the gateway's
 * `rules:` names are evaluated.
 */
import { z } from 'zod';
import { LEVELS, IDS, type Level } from '../../core/event.ts';
import { settingIssue, durationMs } from '../../core/setting.ts';
import { parseWhen, type RuleHours } from './when.ts';

const words = (zh: string, en: string) => z.strictObject({
  zh: z.string().min(1).meta({ zh: '中文', en: 'in Chinese' }),
  en: z.string().min(1).meta({ zh: '英文', en: 'in English' }),
}).meta({ zh, en });

/** Whole milliseconds: event times are whole, and a sum of both must be too. */
const finiteMs = (zh: string, en: string, examples: unknown[]) =>
  durationMs()
    .refine(Number.isFinite, settingIssue('"forever" is not possible here', '此处不能为 forever'))
    .transform(Math.round)
    .meta({ zh, en, examples });

const select = z.strictObject({
  indicator: z.string().regex(IDS.indicator).meta({ zh: '指标代码', en: 'Code of the indicator', examples: ['YJ-FLD-001'] }),
  device: z.string().regex(IDS.device).optional().meta({ zh: '只看此设备', en: 'This device only' }),
  point: z.string().regex(IDS.point).optional().meta({ zh: '只看此测点', en: 'This point only' }),
  subject: z.string().min(1).max(128).optional().meta({ zh: '只看此对象', en: 'This subject only' }),
  centre: z.string().regex(IDS.centre).optional().meta({ zh: '只看此中心', en: 'This centre only' }),
}).meta({ zh: '规则针对哪些数据', en: 'Which values the rule looks at' });

const common = {
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/).meta({ zh: '规则编号', en: 'Id of the rule', examples: ['pump-water-level'] }),
  version: z.int().min(1).meta({ zh: '版本，改动规则时加一', en: 'Version; one higher with each change' }),
  title: words('规则名称，缺省用指标名称', 'Name of the rule; default is the indicator\'s').optional(),
  basis: z.string().max(400).optional().meta({ zh: '依据的标准和条款', en: 'Standard and clause it rests on' }),
  select,
  autoClose: z.boolean().default(false).meta({ zh: '条件消除后自动关闭', en: 'Closes by itself when the condition has cleared' }),
  edge: z.boolean().default(false).meta({ zh: '由边缘节点计算', en: 'Evaluated by the edge' }),
  plan: z.string().min(1).max(64).optional().meta({ zh: '预案编号', en: 'Id of the plan' }),
  responsible: z.string().min(1).max(128).optional().meta({ zh: '责任单位', en: 'Responsible unit' }),
  lateness: finiteMs('允许延迟的时间', 'How late a value may come and still count', ['15m']).prefault('0s'),
};

const levelOf = (zh: string, en: string) =>
  z
    .strictObject({
      when: z
        .string()
        .refine(
          (text) => parseWhen(text) !== null,
          settingIssue('not a condition such as ">= 2.0", "< 0.14" or "== true"', '不是条件，例如 ">= 2.0"、"< 0.14"、"== true"'),
        )
        .meta({ zh: '条件', en: 'Condition', examples: ['>= 2.0', '== true'] }),
      onDelay: finiteMs('条件持续多久才预警', 'How long the condition must hold', ['30s']).prefault('0s'),
    })
    .optional()
    .meta({ zh, en });

/** Conditions by level; a rule and the catalogue's template of one write them alike. */
export const LEVELS_SCHEMA = z
  .strictObject({ 1: levelOf('红', 'Red'), 2: levelOf('橙', 'Orange'), 3: levelOf('黄', 'Yellow'), 4: levelOf('蓝', 'Blue') })
  .meta({ zh: '各级条件，1 最重', en: 'Condition of each level, 1 is the most severe' });
export const DIRECTION_SCHEMA = z.enum(['high', 'low', 'state']).default('high')
  .meta({ zh: 'high 过高、low 过低、state 状态（== 和 !=）', en: 'high: too high, low: too low, state: a state (== and !=)' });
export const OFF_SCHEMA = z.strictObject({
  hysteresis: z.number().min(0).default(0).meta({ zh: '回差：回到限值以内多少才算恢复', en: 'How far inside the limit a value must be to end a level' }),
  offDelay: finiteMs('恢复持续多久才消除', 'How long it must stay inside', ['60s']).prefault('0s'),
}).prefault({}).meta({ zh: '消除条件', en: 'How a level ends' });

const threshold = z
  .strictObject({
    ...common,
    type: z.literal('threshold').meta({ zh: '阈值', en: 'A value beyond a limit' }),
    direction: DIRECTION_SCHEMA,
    levels: LEVELS_SCHEMA,
    off: OFF_SCHEMA,
    idleTimeout: durationMs()
      .transform(Math.round)
      .prefault('5m')
      .meta({ zh: '多久没有数据后时间自行前进', en: 'After how long without values time goes on by itself', examples: ['5m', 'forever'] }),
  })
  .superRefine(checkLevels);

const absence = z.strictObject({
  ...common,
  type: z.literal('absence').meta({ zh: '无数据', en: 'Values that do not come' }),
  level: z.literal([1, 2, 3, 4]).meta({ zh: '级别', en: 'Level' }),
  after: finiteMs('多久没有数据即预警，应大于心跳的两倍', 'After how long; more than twice the heartbeat', ['3m']).refine(
    (ms) => ms > 0,
    settingIssue('must be longer than 0', '必须大于 0'),
  ),
});

/** The schema of a rule file. */
export const RULE_SCHEMA = z.discriminatedUnion('type', [threshold, absence]).meta({ zh: '预警规则', en: 'A rule for warnings' });

export type Rule = z.infer<typeof RULE_SCHEMA>;
export type ThresholdRule = Extract<Rule, { type: 'threshold' }>;
export type AbsenceRule = Extract<Rule, { type: 'absence' }>;

const FITTING = { high: ['>=', '>'], low: ['<=', '<'], state: ['==', '!='] } as const;

/** Levels that contradict each other or their direction, told where they stand. */
function checkLevels(
  rule: { direction: keyof typeof FITTING; levels: { [level in Level]?: { when: string } | undefined } },
  context: z.core.$RefinementCtx,
): void {
  const given = LEVELS.flatMap((level) => {
    const when = parseWhen(rule.levels[level]?.when ?? '');
    return when ? [{ level, when }] : [];
  });
  const complain = (en: string, zh: string, ...path: (string | number)[]) => {
    context.addIssue({ code: 'custom', path, input: rule.levels, ...settingIssue(en, zh) });
  };
  if (!LEVELS.some((level) => rule.levels[level]))
    complain('needs at least one of the levels 1 to 4', '至少需要 1 到 4 级中的一级', 'levels');
  for (const { level, when } of given) {
    const fitting: readonly string[] = FITTING[rule.direction];
    if (!fitting.includes(when.operator)) {
      complain(
        `"${when.operator}" does not fit direction ${rule.direction}: use ${fitting.join(' or ')}`,
        `“${when.operator}”与方向 ${rule.direction} 不符，应为 ${fitting.join(' 或 ')}`,
        'levels',
        level,
        'when',
      );
    }
  }
  if (rule.direction === 'state') return;
  for (const [index, { level, when }] of given.entries()) {
    const milder = given[index + 1];
    if (!milder) continue;
    const further = rule.direction === 'high' ? when.limit >= milder.when.limit : when.limit <= milder.when.limit;
    if (!further)
      complain(
        `level ${level} must lie further out than level ${milder.level}`,
        `${level} 级的限值应比 ${milder.level} 级更极端`,
        'levels',
        level,
        'when',
      );
  }
}

export interface LevelCondition {
  level: Level;
  when: RuleHours;
  onDelayMs: number;
}

/** The levels of a threshold rule, most severe first, their conditions read. */
export function conditionsOf(rule: ThresholdRule): LevelCondition[] {
  return LEVELS.flatMap((level) => {
    const given = rule.levels[level];
    const when = given && parseWhen(given.when);
    return given && when ? [{ level, when, onDelayMs: given.onDelay }] : [];
  });
}

export interface SelectableSeries {
  indicator: string;
  device: string;
  point: string;
  subject?: string;
  centre: string;
}

/** Whether a rule looks at an event. */
export function selects(rule: Pick<Rule, 'select'>, event: SelectableSeries): boolean {
  const { select } = rule;
  return select.indicator === event.indicator
    && (select.device === undefined || select.device === event.device)
    && (select.point === undefined || select.point === event.point)
    && (select.subject === undefined || select.subject === (event.subject ?? event.device))
    && (select.centre === undefined || select.centre === event.centre);
}

export interface ChartLimit {
  level: Level;
  value: number;
  direction: 'high' | 'low';
}

/** The limits that rules put on a series, for drawing: worst last. */
export function limitsOf(rules: readonly Rule[], series: SelectableSeries): ChartLimit[] {
  return rules.flatMap((rule) => {
    if (rule.type !== 'threshold' || rule.direction === 'state' || !selects(rule, series)) return [];
    const { direction } = rule;
    return conditionsOf(rule).map(({ level, when }) => ({ level, value: when.limit as number, direction }));
  }).toSorted((a, b) => b.level - a.level);
}
