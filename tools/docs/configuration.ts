/** The reference of settings: a page for each file, driver and sink, and the index of all keys. */
import type { z } from 'zod';
import { INDICATOR_SCHEMA } from '../../city/catalogue/indicator.ts';
import { RULE_SCHEMA } from '../../city/rules/rule.ts';
import type { Driver } from '../../core/driver.ts';
import type { Sink } from '../../core/sink.ts';
import { EDGE_SCHEMA } from '../../edge/config/schema.ts';
import { GATEWAY_SCHEMA } from '../../gateway/config/schema.ts';
import { settingsTable } from './settings.ts';
import { GENERATED } from './tables.ts';

const INTRODUCTION = [
  'YAML; every key with a default may be left out. Durations `500ms 1s 5m 2h 90d 2y forever`, sizes `64MB 1GB`, rates `60/1m`; `${env:NAME}`, `${file:PATH}` and `${credential:NAME}` for secrets; relative paths are relative to the file that names them. `cityvitals check --config FILE` finds every mistake at once.',
  '',
  'YAML；有默认值的键都可省略。时长、大小、速率按上述写法；密钥用 `${env:NAME}`、`${file:PATH}` 或 `${credential:NAME}`；相对路径以所在文件为准。`cityvitals check --config FILE` 一次找出全部错误。',
];

const DERIVED_ROW = '| `…` | further points follow from the settings, see the README | 另有由设置产生的测点，见 README | | |';

interface Page {
  id: string;
  title: string;
  /** What stands between the heading and the tables. */
  lead: string;
  sections: { heading: string | null; table: string }[];
}

/** Path → text. */
export function configurationPages(drivers: readonly Driver[], sinks: readonly Sink[]): Record<string, string> {
  const pages: Page[] = [
    filePage('edge', 'Edge 边缘节点', EDGE_SCHEMA),
    ...drivers.map(driverPage),
    filePage('gateway', 'Gateway 网关', GATEWAY_SCHEMA),
    ...sinks.map(sinkPage),
    {
      id: 'rules',
      title: 'Rule files 规则文件',
      lead: '',
      sections: RULE_SCHEMA.options.map((option: z.ZodType) => ({ heading: headingOf(option), table: settingsTable(option) })),
    },
    filePage('catalogue', 'Catalogue entries 指标目录', INDICATOR_SCHEMA),
  ];
  return {
    'docs/configuration.md': indexPage(pages),
    ...Object.fromEntries(pages.map((page) => [`docs/configuration/${page.id}.md`, textOf(page)])),
  };
}

const filePage = (id: string, title: string, schema: z.ZodType): Page => ({
  id,
  title,
  lead: '',
  sections: [{ heading: null, table: settingsTable(schema) }],
});

/** A rule's kind, by the constant that its `type` is. */
function headingOf(option: z.ZodType): string {
  const { type } = (option as z.ZodObject<{ type: z.ZodLiteral<string> }>).shape;
  return `\`type: ${type.value}\``;
}

function driverPage(driver: Driver): Page {
  const pointsTable = driver.points
    ? [
        '| point 测点 | meaning | 含义 | unit 单位 | indicator 指标 |',
        '|---|---|---|---|---|',
        ...Object.entries(driver.points).map(
          ([id, point]) => `| \`${id}\` | ${point.en} | ${point.zh} | \`${point.unit}\` | ${point.indicator ?? '–'} |`,
        ),
        ...(driver.derivedPoints ? [DERIVED_ROW] : []),
      ].join('\n')
    : driver.point
      ? settingsTable(driver.point)
      : '';
  return {
    id: `driver-${driver.id}`, title: `Driver \`${driver.id}\`: ${driver.title.en} · ${driver.title.zh}`,
    lead: `${driver.traits.join(', ')}. [README](../../drivers/${driver.id}/README.md) · [quality card 质量卡](../drivers/${driver.id}.md)`,
    sections: [{ heading: 'Settings 设置', table: settingsTable(driver.settings) }, { heading: 'Points 测点', table: pointsTable }],
  };
}

const sinkPage = (sink: Sink): Page => ({
  id: `sink-${sink.id}`,
  title: `Sink \`${sink.id}\`: ${sink.title.en} · ${sink.title.zh}`,
  lead: '[Guide](../sinks.md) · [说明](../sinks.zh-CN.md)',
  sections: [{ heading: null, table: settingsTable(sink.settings) }],
});

function textOf({ title, lead, sections }: Page): string {
  return [
    GENERATED,
    `# ${title}`, '',
    `[All settings 全部设置](../configuration.md)${lead === '' ? '' : ` · ${lead}`}`, '',
    ...sections.flatMap(({ heading, table }) => [...(heading === null ? [] : [`## ${heading}`, '']), table, '']),
  ].join('\n');
}

/** The first cells of a table. */
const keysOf = (table: string): string[] =>
  [...table.matchAll(/^\| (`[^`]+`) \|/gm)].map(([, key]) => key as string).filter((key) => key !== '`…`');

function indexPage(pages: readonly Page[]): string {
  return [
    GENERATED,
    '# Configuration 配置参考', '', ...INTRODUCTION, '',
    ...pages.flatMap(({ id, title, sections }) => [
      `## ${title}`,
      '',
      `[Its page 详见本页](configuration/${id}.md)`,
      '',
      ...sections.flatMap(({ heading, table }) => [
        `${heading === null ? '' : `${heading}: `}${[...new Set(keysOf(table))].join(' · ')}`,
        '',
      ]),
    ]),
  ].join('\n');
}
