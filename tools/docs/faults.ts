/** The reference of faults: a page an area, and the index in which a code is looked up. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FAULTS, type FaultCode } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import '../../cli/all-faults.ts';
import type { Driver } from '../../core/driver.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { GENERATED } from './tables.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What each file of `core/faults/` is about, and each `faults.ts` by its folder, in the order of the index; a driver's is about the driver. */
const TITLES: Readonly<Record<string, BilingualText>> = {
  config: { en: 'Configuration files', zh: '配置文件' },
  device: { en: 'Devices and their links', zh: '设备与链路' },
  vision: { en: 'Cameras, clips and detectors', zh: '摄像机、视频文件与检测' },
  models: { en: 'Models', zh: '模型' },
  evidence: { en: 'Pictures and clips of events', zh: '事件画面与短视频' },
  live: { en: 'Live view', zh: '实时视频' },
  log: { en: 'The durable log', zh: '事件日志（断网缓存）' },
  clock: { en: 'The clock of an edge', zh: '边缘节点的时钟' },
  wire: { en: 'Between edge and gateway', zh: '边缘节点与中心网关之间' },
  identity: { en: 'The identity of an edge', zh: '边缘节点的身份' },
  command: { en: 'Commands from the centre', zh: '中心下达的命令' },
  gateway: { en: 'The gateway', zh: '中心网关' },
  sinks: { en: 'Sinks', zh: '数据转发' },
  api: { en: 'The HTTP API', zh: 'HTTP 接口' },
  certificates: { en: 'Certificates and enrolment', zh: '证书与入网' },
  tls: { en: 'TLS', zh: 'TLS' },
  people: { en: 'Users and what they may', zh: '用户与权限' },
  audit: { en: 'The audit record', zh: '审计记录' },
  'at-rest': { en: 'Encryption on disk', zh: '磁盘加密' },
  cases: { en: 'Cases, recording and replay', zh: '案例、录制与回放' },
  cli: { en: 'The command line', zh: '命令行' },
  doctor: { en: 'The machine an edge runs on', zh: '边缘节点所在的主机' },
};

const LEGEND = `| acts 处理人 | | retry 重试 | |
|---|---|---|---|
| \`field-engineer\` | the field engineer · 现场工程师 | \`never\` | trying again does not help · 重试无效 |
| \`operator\` | the operator, or whoever keeps the machine · 值班员或主机管理员 | \`next\` | the next value, message or picture is tried as usual · 下一次照常处理 |
| \`developer\` | whoever writes the program or the driver · 程序或驱动的开发者 | \`backoff\` | tried again by itself, after longer and longer waits · 自动重试，间隔逐步加长 |
| \`nobody\` | nobody has to · 无需处理 | \`after-change\` | once something was changed · 修改后才有效 |`;

interface Area {
  id: string;
  title: BilingualText;
  codes: FaultCode[];
  /** Of a driver's area. */
  driver?: string;
}

/** Path → text. @throws Error where a code is in no area, or in two, or an area has no title */
export function faultsPages(drivers: readonly Driver[]): Record<string, string> {
  const areas = areasOf(drivers);
  return {
    'docs/faults.md': indexPage(areas),
    ...Object.fromEntries(areas.map((area) => [`docs/faults/${area.id}.md`, areaPage(area)])),
  };
}

const anchorOf = (code: string): string => code.toLowerCase();
const rowOf = (code: FaultCode): FaultRow => FAULTS[code];
/** As it stands in the file of its area. */
const codesIn = (file: string): FaultCode[] =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^ {2}(CV_\w+):/gm)].map(([, code]) => code as FaultCode).toSorted();

function areasOf(drivers: readonly Driver[]): Area[] {
  const shared = globSync('core/faults/*.ts', { cwd: ROOT }).map((file) => ({ id: basename(file, '.ts'), codes: codesIn(file) }));
  const own = globSync('{cases,cli,drivers,edge,gateway,log,models}/**/faults.ts', { cwd: ROOT })
    .map((file) => ({ id: basename(dirname(file)), codes: codesIn(file) }));
  const order = [...Object.keys(TITLES), ...drivers.map(({ id }) => id).toSorted()];
  const areas = [...shared, ...own]
    .filter(({ codes }) => codes.length > 0)
    .toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id))
    .map(({ id, codes }): Area => {
      const driver = drivers.find((one) => one.id === id);
      if (driver) return { id, codes, driver: id, title: { en: `Driver \`${id}\`: ${driver.title.en}`, zh: driver.title.zh } };
      const title = TITLES[id];
      if (!title) throw new Error(`tools/docs/faults.ts has no title for the faults of ${id}`);
      return { id, codes, title };
    });
  const listed = areas.flatMap(({ codes }) => codes);
  const wrong = Object.keys(FAULTS).filter((code) => listed.filter((other) => other === code).length !== 1);
  if (wrong.length > 0) throw new Error(`not in one file of faults each: ${wrong.join(', ')}`);
  return areas;
}

function indexPage(areas: readonly Area[]): string {
  const pages = areas.map(({ id, title, codes }) => `| [${title.en} · ${title.zh}](faults/${id}.md) | ${codes.length} |`);
  const rows = areas
    .flatMap(({ id, codes }) => codes.map((code) => ({ code, id })))
    .toSorted((a, b) => (a.code < b.code ? -1 : 1))
    .map(({ code, id }) => {
      const { stage, actor } = rowOf(code);
      return `| <a id="${anchorOf(code)}"></a>[\`${code}\`](faults/${id}.md#${anchorOf(code)}) | \`${stage}\` | \`${actor}\` | [${id}](faults/${id}.md) |`;
    });
  return [
    GENERATED,
    '# Faults 故障代码', '',
    'Everything that can go wrong has a code. Its page says what happened and what to do, in both languages; `{…}` is filled in.', '',
    '每个故障都有代码；各页以中英文说明现象与处理办法，`{…}` 为实际内容。', '',
    LEGEND, '',
    '## Areas 分类', '', '| area 分类 | codes 数量 |', '|---|---|', ...pages, '',
    '## Codes 代码', '', '| code 代码 | stage 环节 | acts 处理人 | page 所在页 |', '|---|---|---|---|', ...rows, '',
  ].join('\n');
}

function areaPage({ title, codes, driver }: Area): string {
  return [
    GENERATED,
    `# ${title.en} · ${title.zh}`,
    '',
    `[All faults 全部故障代码](../faults.md)${driver === undefined ? '' : ` · [README](../../drivers/${driver}/README.md) · [settings 设置](../configuration/driver-${driver}.md)`}`,
    '',
    ...codes.flatMap((code) => [`### ${code}`, '', ...factsOf(rowOf(code)), '']),
  ].join('\n');
}

function factsOf({ stage, retry, actor, flag, status, en, zh }: FaultRow): string[] {
  return [
    `- stage \`${stage}\` · retry \`${retry}\` · acts: \`${actor}\`${flag ? ` · flag \`${flag}\`` : ''}${status ? ` · HTTP ${status}` : ''}`,
    `- ${en[0]}${en[1] ? ` → ${en[1]}` : ''}`,
    `- ${zh[0]}${zh[1] ? ` → ${zh[1]}` : ''}`,
  ];
}
