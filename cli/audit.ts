/**
 * `cityvitals audit show`: who did what at a gateway, by its API or from a folder. `cityvitals audit verify`: whether a
 * gateway's audit record, or the record of commands of an edge or a gateway, is as it was written.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { AUDIT_KINDS, AUDIT_OUTCOMES, type AuditEntryView } from '../api/audit.ts';
import type { Page } from '../api/fields.ts';
import { FaultError } from '../core/faults.ts';
import { parseDurationMs } from '../core/quantity.ts';
import { verifyJournal } from '../log/journal.ts';
import { addOperatorOptions, operatorRequest, type OperatorOptions } from './operator-request.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';

interface FilterOptions {
  since?: string;
  until?: string;
  who?: string;
  kind?: string;
  centre?: string;
  edge?: string;
  outcome?: string;
}

interface ShowOptions extends OperatorOptions, FilterOptions {
  limit: string;
  dir?: string;
}

interface VerifyOptions {
  dir?: string;
  key?: string[];
  config?: string;
}

const MAX_SHOWN = 100_000;
const PAGE = 1000;

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  defineShow(command, terminal);
  command
    .command('verify')
    .description(text({ en: 'check that no line was changed, removed or inserted, and that the end is there', zh: '检查记录未被修改、删除或插入，且末尾完整' }))
    .argument(
      '[folder]',
      text({
        en: 'a folder of the audit record, or of commands beside a log: data/<edge>/commands, data/<gateway>/log/commands',
        zh: '审计记录目录，或日志旁的 commands 目录：data/<edge>/commands、data/<gateway>/log/commands',
      }),
    )
    .option('--dir <folder>', text({ en: 'folder of the audit record, a copy too: <log.dir>/audit', zh: '审计记录目录（可为副本）：<log.dir>/audit' }))
    .option('--key <file...>', text({ en: 'public keys; default: those in <log.dir>/audit-key', zh: '公钥；默认取 <log.dir>/audit-key 中的' }))
    .option('-c, --config <file>', text({ en: 'configuration of the gateway whose record it is', zh: '记录所属网关的配置文件' }))
    .option('--json')
    .option('--lang <language>')
    .action((folder: string | undefined, options: VerifyOptions) =>
      verify(terminal, folder, options).catch((error: unknown) => exitWithFault(terminal, error, EXIT.usage)),
    );
  return command.addHelpText(
    'after',
    `\n${text({ en: 'Exit of verify: 0 as it was written · 1 something was found · 2 usage\n\nExamples', zh: 'verify 的退出码：0 完好 · 1 发现异常 · 2 用法错误\n\n示例' })}:\n  cityvitals audit show --since 24h --kind command\n  cityvitals audit verify --config gateway.yaml\n  cityvitals audit verify --dir /mnt/copy/audit --key town.pub.pem`,
  );
}

function defineShow(command: Command, terminal: CommandTerminal): void {
  const { text } = terminal;
  addOperatorOptions(
    command.command('show').description(text({ en: 'who did what, newest first', zh: '查看谁做了什么，最新在前' })),
    terminal,
  )
    .option('--since <when>', text({ en: 'from then on: 24h ago, or 2026-06-18T06:30:00Z', zh: '起始：24h（此前时长）或 2026-06-18T06:30:00Z' }))
    .option('--until <when>', text({ en: 'before then, likewise', zh: '截止，写法同上' }))
    .option('--who <name>', text({ en: 'of this person or token', zh: '仅此人员或令牌' }))
    .addOption(new Option('--kind <kind>', text({ en: 'of this kind', zh: '仅此类别' })).choices(AUDIT_KINDS))
    .option('--centre <code>', text({ en: 'of this centre', zh: '仅此治理中心' }))
    .option('--edge <id>', text({ en: 'told by this edge', zh: '仅由此边缘节点上报' }))
    .addOption(new Option('--outcome <outcome>', text({ en: 'with this outcome', zh: '仅此结果' })).choices(AUDIT_OUTCOMES))
    .option('--limit <count>', text({ en: 'most that are shown', zh: '最多显示条数' }), '100')
    .option('--dir <folder>', text({ en: 'from this folder, a copy or one of a gateway that is stopped', zh: '从此目录读取（副本，或已停止网关的目录）' }))
    .action((options: ShowOptions) => show(terminal, options).catch((error: unknown) => exitWithFault(terminal, error)));
}

async function show(terminal: CommandTerminal, options: ShowOptions): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_SHOWN) return usage(terminal, 'limit', options.limit);
  const filter = filterOf(terminal, options);
  const { dir } = options;
  const pages = dir === undefined ? pagesByApi(terminal, options, filter, limit) : await pagesOfFolder(resolve(dir), filter, limit);
  let left = limit;
  for await (const items of pages)
    for (const entry of items.slice(0, left)) {
      left -= 1;
      print(terminal, entry);
    }
}

function filterOf(terminal: CommandTerminal, { since, until, who, kind, centre, edge, outcome }: FilterOptions) {
  const time = (key: 'since' | 'until', given: string | undefined): number | undefined => {
    if (given === undefined) return undefined;
    const agoMs = parseDurationMs(given);
    const atMs = agoMs === null ? Date.parse(given) : Date.now() - agoMs;
    return Number.isFinite(atMs) && atMs >= 0 ? Math.floor(atMs) : usage(terminal, key, given);
  };
  return { since: time('since', since), until: time('until', until), who, kind, centre, edge, outcome };
}

type Filter = ReturnType<typeof filterOf>;

async function* pagesByApi(terminal: CommandTerminal, options: ShowOptions, filter: Filter, limit: number) {
  const given = Object.entries(filter).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)] as [string, string]]));
  let count = 0;
  for (let after: string | null = ''; after !== null && count < limit;) {
    const asked = new URLSearchParams(given);
    asked.set('limit', String(Math.min(PAGE, limit - count)));
    if (after !== '') asked.set('after', after);
    const page: Page<AuditEntryView> = await operatorRequest<Page<AuditEntryView>>(terminal, options, `audit?${asked.toString()}`);
    count += page.items.length;
    yield page.items;
    after = page.next;
  }
}

/** @throws CV_AUDIT_NO_FOLDER */
async function pagesOfFolder(dir: string, filter: Filter, limit: number) {
  const { readEntries } = await import('../gateway/audit/read-entries.ts');
  await refuseNoRecord(dir);
  return (async function* pages() {
    let count = 0;
    for (let before: number | null | undefined; before !== null && count < limit;) {
      const page = await readEntries(dir, { filter, limit: Math.min(PAGE, limit - count), before: before ?? null }, null);
      count += page.items.length;
      yield page.items;
      before = page.next;
    }
  })();
}

function print(terminal: CommandTerminal, entry: AuditEntryView): void {
  if (terminal.json) return terminal.record(entry);
  const { at, kind, who, from, what, outcome, centre, origin, occurredAt, details } = entry;
  const more = Object.entries(details ?? {}).map(([key, value]) => `${key}=${value}`);
  const told = occurredAt === undefined ? [] : [`occurredAt=${new Date(occurredAt).toISOString()}`];
  const end = [...(centre === undefined ? [] : [`@${centre}`]), ...(origin === undefined ? [] : [origin]), ...told, ...more].join(' ');
  const refused = outcome === 'refused' ? `${terminal.text({ en: 'refused', zh: '已拒绝' })}  ` : '';
  // Others have chosen these words: none of them moves the cursor.
  const line = `${new Date(at).toISOString()}  ${kind.padEnd(13)} ${(who || '-').padEnd(16)} ${from.padEnd(16)} ${refused}${what}  ${end}`;
  terminal.print(line.replaceAll(/\p{Cc}/gu, '?').trimEnd());
}

async function verify(terminal: CommandTerminal, folder: string | undefined, options: VerifyOptions): Promise<void> {
  const given = options.dir ?? folder;
  if (given !== undefined && !existsSync(given))
    throw new FaultError('CV_CONFIG_UNREADABLE', { path: resolve(given), detail: 'ENOENT' });
  if (given !== undefined && (await isJournal(resolve(given)))) return verifyCommands(terminal, resolve(given));
  const { locateRecord, printAuditVerification } = await import('./verify/audit.ts');
  const place = await locateRecord(terminal, { ...options, ...(given !== undefined && { dir: resolve(given) }) });
  await refuseNoRecord(place.dir);
  process.exitCode = await printAuditVerification(terminal, place);
}

const isJournal = async (dir: string): Promise<boolean> => (await readdir(dir)).some((name) => /^commands-\d+\.jsonl$/.test(name));

/** @throws CV_AUDIT_NO_FOLDER */
async function refuseNoRecord(dir: string): Promise<void> {
  await import('../gateway/audit/faults.ts');
  const names = await readdir(dir).catch(() => []);
  if (!names.some((name) => name.endsWith('.jsonl') || name === 'head.json')) throw new FaultError('CV_AUDIT_NO_FOLDER', { dir });
}

async function verifyCommands(terminal: CommandTerminal, folder: string): Promise<void> {
  const { lines, faults, last } = await verifyJournal(folder);
  for (const fault of faults) terminal.fault(fault);
  if (terminal.json) terminal.record({ folder, lines: lines.length, broken: faults.length, last });
  else
    terminal.print(
      terminal.text({
        en: `${folder}: ${lines.length} lines, ${faults.length} broken; last hash ${last}`,
        zh: `${folder}：${lines.length} 行，${faults.length} 处异常；末行哈希 ${last}`,
      }),
    );
  process.exitCode = faults.length > 0 ? EXIT.found : EXIT.ok;
}

function usage(terminal: CommandTerminal, key: string, given: string): never {
  return exitWithFault(terminal, new FaultError('CV_INPUT_INVALID', { key, given }), EXIT.usage);
}
