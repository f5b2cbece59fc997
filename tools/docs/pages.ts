/** Every generated page, by its path. */
import { z } from 'zod';
import { INDICATOR_SCHEMA } from '../../city/catalogue/indicator.ts';
import { RULE_SCHEMA } from '../../city/rules/rule.ts';
import type { Driver } from '../../core/driver.ts';
import type { Sink } from '../../core/sink.ts';
import { DRIVERS } from '../../drivers/index.ts';
import { EDGE_SCHEMA } from '../../edge/config/schema.ts';
import { GATEWAY_SCHEMA } from '../../gateway/config/schema.ts';
import { SINKS } from '../../gateway/sinks/index.ts';
import { driverCards } from './cards.ts';
import { settingsTable } from './settings.ts';
import { messagePages } from './messages.ts';
import { editorSchemas } from './schemas.ts';
import { faultsPage, GENERATED, lossesPage, metricsPage } from './tables.ts';

export async function allPages(): Promise<Record<string, string>> {
  const drivers = await Promise.all(DRIVERS.map((entry) => entry.load()));
  const sinks = await Promise.all(SINKS.map((entry) => entry.load()));
  return {
    'docs/faults.md': faultsPage(),
    'docs/losses.md': lossesPage(),
    'docs/metrics.md': metricsPage(),
    'docs/configuration.md': configurationPage(drivers, sinks),
    ...await driverCards(drivers),
    ...editorSchemas(drivers, sinks),
    ...messagePages(),
  };
}

function configurationPage(drivers: readonly Driver[], sinks: readonly Sink[]): string {
  return [
    GENERATED,
    '# Configuration 配置参考', '',
    'YAML; every key with a default may be left out. Durations `500ms 1s 5m 2h 90d 2y forever`, sizes `64MB 1GB`, rates `60/1m`; `${env:NAME}` and `${file:PATH}` for secrets; relative paths are relative to the file that names them. `cityvitals check --config FILE` finds every mistake at once.', '',
    'YAML；有默认值的键都可省略。时长、大小、速率按上述写法；密钥用 `${env:NAME}` 或 `${file:PATH}`；相对路径以所在文件为准。`cityvitals check --config FILE` 一次找出全部错误。', '',
    '## Edge 边缘节点', '', settingsTable(EDGE_SCHEMA), '',
    ...drivers.flatMap(driverSection),
    '## Gateway 网关', '', settingsTable(GATEWAY_SCHEMA), '',
    ...sinks.flatMap(sinkSection),
    '## Rule files 规则文件', '', ...options(RULE_SCHEMA).flatMap((option) => [settingsTable(option), '']),
    '## Catalogue entries 指标目录', '', settingsTable(INDICATOR_SCHEMA), '',
  ].join('\n');
}

const DERIVED_ROW = '| `…` | further points follow from the settings, see the README | 另有由设置产生的测点，见 README | | |';

function driverSection(driver: Driver): string[] {
  const points = driver.points
    ? ['| point 测点 | meaning | 含义 | unit 单位 | indicator 指标 |', '|---|---|---|---|---|', ...Object.entries(driver.points).map(([id, point]) => `| \`${id}\` | ${point.en} | ${point.zh} | \`${point.unit}\` | ${point.indicator ?? '–'} |`), ...(driver.derived ? [DERIVED_ROW] : [])].join('\n')
    : driver.point ? settingsTable(driver.point) : '';
  return [
    `## Driver \`${driver.id}\`: ${driver.title.en} · ${driver.title.zh}`, '', `${driver.traits.join(', ')}. [README](../drivers/${driver.id}/README.md)`, '',
    'settings 设置', '', settingsTable(driver.settings), '', 'points 测点', '', points, '',
  ];
}

const sinkSection = (sink: Sink): string[] => [`## Sink \`${sink.id}\`: ${sink.title.en} · ${sink.title.zh}`, '', '[sinks.md](sinks.md)', '', settingsTable(sink.settings), ''];

const options = (schema: typeof RULE_SCHEMA): z.ZodType[] => [...schema.options];
