/** What committed pages name and code does not have, and the other way round: codes, losses, metrics, settings, kinds of events. */
import type { z } from 'zod';
import { INDICATOR_SCHEMA } from '../../city/catalogue/indicator.ts';
import { RULE_SCHEMA } from '../../city/rules/rule.ts';
import type { Driver } from '../../core/driver.ts';
import { KINDS } from '../../core/event.ts';
import { FAULTS } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import { LOSSES } from '../../core/losses.ts';
import type { Sink } from '../../core/sink.ts';
import { TELEMETRY, type MetricRow } from '../../core/telemetry.ts';
import '../../cli/all-faults.ts';
import { EDGE_SCHEMA } from '../../edge/config/schema.ts';
import { GATEWAY_SCHEMA } from '../../gateway/config/schema.ts';

/** Path → text. */
export type Pages = ReadonlyMap<string, string>;

const METRICS = Object.values(TELEMETRY as Record<string, readonly MetricRow[]>).flat().map(({ metric }) => metric);
/** Names that other databases have for what a sink writes, and the codes of the guide's own driver, which is no part of the program. */
const FOREIGN = /^(?:cityvitals_(?:value|value_bool|sink)|CV_GAUGE_\w*)$/;
const rows = Object.entries(FAULTS) as [string, FaultRow][];

/** One sentence each; empty when pages and code agree. */
export function documentationGaps(pages: Pages, drivers: readonly Driver[], sinks: readonly Sink[]): string[] {
  const textOf = (path: string): string => pages.get(path) ?? '';
  const faultPages = [...pages].filter(([path]) => path.startsWith('docs/faults/'));
  return [
    ...compare(
      'docs/faults/',
      faultPages.flatMap(([, text]) => all(text, /^### (CV_\w+)$/gm)),
      rows.map(([code]) => code),
    ),
    ...compare(
      'docs/faults.md',
      all(textOf('docs/faults.md'), /^\| (<a id=.*) \|$/gm),
      rows.map(([code, row]) => indexRow(code, row, faultPages)),
    ),
    ...compare('docs/losses.md', all(textOf('docs/losses.md'), /^\| `(\w+)` \|/gm), Object.keys(LOSSES)),
    ...compare('docs/metrics.md', all(textOf('docs/metrics.md'), /^\| `(\w+)` \|/gm), METRICS),
    ...settingsPages(drivers, sinks).flatMap(([path, keys]) => compare(path, all(textOf(path), /^\| `([^`…]+)` \|/gm), keys)),
    ...compare('docs/events.md', all(textOf('docs/events.md'), /^\| `(\w+)` \|/gm), KINDS),
    ...compare('docs/events.zh-CN.md', all(textOf('docs/events.zh-CN.md'), /^\| `(\w+)` \|/gm), KINDS),
    ...[...pages].flatMap(([path, text]) => unknownNames(text).map((name) => `${path} names ${name}, which there is not`)),
  ];
}

const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, ...groups]) => groups.find((group) => group !== undefined) ?? '');

/** Each as often on the page as in code: keys of both kinds of rules come twice. */
function compare(path: string, named: readonly string[], wanted: readonly string[]): string[] {
  const times = (names: readonly string[], wantedName: string): number => names.filter((name) => name === wantedName).length;
  return [...new Set([...wanted, ...named])].flatMap((name) => {
    const [here, there] = [times(named, name), times(wanted, name)];
    if (here === there) return [];
    return [
      here === 0
        ? `${path} lacks ${name}`
        : there === 0
          ? `${path} names ${name}, which there is not`
          : `${path} names ${name} ${here} times, not ${there}`,
    ];
  });
}

/** As the index has to say it, with the page on which the code really stands. */
function indexRow(code: string, { stage, actor }: FaultRow, faultPages: readonly [path: string, text: string][]): string {
  const page = (faultPages.find(([, text]) => text.includes(`### ${code}\n`))?.[0] ?? '').replace('docs/', '');
  const anchor = code.toLowerCase();
  return `<a id="${anchor}"></a>[\`${code}\`](${page}#${anchor}) | \`${stage}\` | \`${actor}\` | [${page.replace(/^faults\/|\.md$/g, '')}](${page})`;
}

function settingsPages(drivers: readonly Driver[], sinks: readonly Sink[]): [path: string, keys: string[]][] {
  return [
    ['docs/configuration/edge.md', keysOf(EDGE_SCHEMA)],
    ['docs/configuration/gateway.md', keysOf(GATEWAY_SCHEMA)],
    ['docs/configuration/rules.md', keysOf(RULE_SCHEMA)],
    ['docs/configuration/catalogue.md', keysOf(INDICATOR_SCHEMA)],
    ...drivers.map((driver): [string, string[]] => [
      `docs/configuration/driver-${driver.id}.md`,
      [...keysOf(driver.settings), ...(driver.points ? Object.keys(driver.points) : driver.point ? keysOf(driver.point) : [])],
    ]),
    ...sinks.map((sink): [string, string[]] => [`docs/configuration/sink-${sink.id}.md`, keysOf(sink.settings)]),
  ];
}

/** Of the schema itself, not by way of what the tables are made from. */
function keysOf(schema: z.ZodType, path = ''): string[] {
  const { def } = (schema as unknown as { _zod: { def: Definition } })._zod;
  if (def.shape) return Object.entries(def.shape).flatMap(([name, field]) => [path + name, ...keysOf(field, `${path}${name}.`)]);
  if (def.element) return keysOf(def.element, path.replace(/\.$/, '[].'));
  if (def.options) return def.options.flatMap((option) => keysOf(option, path));
  const inner = def.innerType ?? def.in;
  return inner ? keysOf(inner, path) : [];
}

interface Definition {
  shape?: Record<string, z.ZodType>;
  element?: z.ZodType;
  options?: readonly z.ZodType[];
  innerType?: z.ZodType;
  in?: z.ZodType;
}

/** `CV_CAMERA_…` and `CV_CAMERA_*` stand for all that begin so. */
function unknownNames(text: string): string[] {
  const codes = [...text.matchAll(/\b(CV_[A-Z0-9_]+)([…*]?)/g)]
    .filter(([, name = '', more]) => (more === '' ? !Object.hasOwn(FAULTS, name) : !rows.some(([code]) => code.startsWith(name))))
    .map(([, name]) => name as string);
  const metrics = [...text.matchAll(/\b(cityvitals_\w+)([…*]?)/g)]
    .filter(
      ([, name = '', more]) =>
        !METRICS.some((metric) =>
          more === '' ? name === metric || name.replace(/_(?:bucket|sum|count)$/, '') === metric : metric.startsWith(name),
        ),
    )
    .map(([, name]) => name as string);
  const losses = [...text.matchAll(/\breason="(\w+)"/g)]
    .map(([, reason]) => reason as string)
    .filter((reason) => !Object.hasOwn(LOSSES, reason));
  return [...new Set([...codes, ...metrics, ...losses])].filter((name) => !FOREIGN.test(name));
}
