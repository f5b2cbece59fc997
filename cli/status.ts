/** `cityvitals status`: status of a running edge or gateway, with live counts. */
import './all-faults.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { StatusView } from '../api/status.ts';
import { dayOf } from '../core/certificates.ts';
import type { ConfigState } from '../core/config/reload.ts';
import { explain, FAULTS, FaultError, type Fault, type FaultCode } from '../core/faults.ts';
import { isLocalHost } from '../core/http-host.ts';
import { formatBytes, formatDuration } from '../core/quantity.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';
import type { EdgeHealth } from '../edge/http/health.ts';
import { AUTHORITY_FILES } from '../gateway/certificates/authority.ts';
import { isTlsUsed } from '../gateway/certificates/open.ts';
import type { GatewaySetup } from '../gateway/config/setup.ts';
import { configKind } from './check.ts';
import { commandKeyText } from './doctor/command-key.ts';
import { identityText } from './doctor/identity.ts';
import { loadEdge, loadGateway } from './load.ts';
import { parseCounts, type ServiceCounts } from './status-counts.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import { trustAuthority } from './trusted-authority.ts';

interface Options {
  url?: string;
  config?: string;
  watch?: true;
}

const WATCH_MS = 2_000;

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  return new Command()
    .option('--url <url>', text({ en: 'HTTP address; default http://127.0.0.1:8080', zh: 'HTTP 地址；默认 http://127.0.0.1:8080' }))
    .option('-c, --config <file>', text({ en: 'configuration file, for address and token', zh: '其配置文件，用于取得地址和令牌' }))
    .option('--watch', text({ en: 'refresh every two seconds', zh: '每两秒刷新' }))
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals status\n  cityvitals status --config gateway.yaml --watch\n  cityvitals status --url http://127.0.0.1:9091 --json`,
    )
    .action(async (options: Options) => {
      const found =
        options.config === undefined ? { url: 'http://127.0.0.1:8080', token: undefined } : await addressOf(terminal, options.config);
      const token = process.env.CITYVITALS_READ_TOKEN ?? found.token;
      const address: ServiceAddress = {
        url: (options.url ?? found.url).replace(/\/$/, ''),
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      };
      do {
        process.exitCode = await printStatus(terminal, address, options.watch === true);
        if (options.watch) await new Promise((resolve) => { setTimeout(resolve, WATCH_MS); });
      } while (options.watch);
    });
}

interface ServiceAddress {
  url: string;
  headers: Record<string, string>;
}

async function addressOf(terminal: CommandTerminal, path: string): Promise<{ url: string; token: string | undefined }> {
  try {
    const text = readFileSync(path, 'utf8');
    const { setup } = configKind(text) === 'gateway' ? await loadGateway({ path, text }) : await loadEdge({ path, text });
    if (setup && setup.http.port > 0) return { url: urlOf(setup), token: tokenOf(setup) };
  } catch (error) {
    return exitWithFault(
      terminal,
      new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as NodeJS.ErrnoException).code ?? String(error) }),
      EXIT.usage,
    );
  }
  return exitWithFault(terminal, new FaultError('CV_STATUS_NO_ADDRESS', { path }), EXIT.usage);
}

function urlOf(setup: GatewaySetup | EdgeSetup): string {
  const { host: given, port } = setup.http;
  const host = given === '0.0.0.0' ? '127.0.0.1' : given === '::' ? '::1' : given;
  // Only loopback is this machine: at any other address the gateway wants TLS, and shows a certificate of its own CA.
  const isSecure = 'broker' in setup && isTlsUsed(setup) && !isLocalHost(host);
  const ca = isSecure && setup.tls ? join(setup.tls.dir, AUTHORITY_FILES.ca) : null;
  if (ca !== null && existsSync(ca)) trustAuthority(ca);
  return `${isSecure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Of whoever may read there. */
const tokenOf = (setup: GatewaySetup | EdgeSetup): string | undefined =>
  'broker' in setup ? [...(setup.http.readers ?? []), ...(setup.operators ?? [])][0]?.token : setup.http.token;

async function printStatus(terminal: CommandTerminal, { url, headers }: ServiceAddress, goesOn: boolean): Promise<number> {
  try {
    const gateway = await get(`${url}/api/v1/status`, headers);
    const found = gateway ?? await get(`${url}/healthz`, headers);
    if (!found) throw new Error('404');
    const counts = parseCounts(await metricsAt(url, headers));
    if (terminal.json) terminal.record(counts ? { ...found, counts } : found);
    if (goesOn && !terminal.json && process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[2J');
    const exit = gateway ? showGateway(terminal, gateway as StatusView) : showEdge(terminal, found as EdgeHealth);
    if (counts && !terminal.json) showCounts(terminal, counts, gateway !== null);
    return exit;
  } catch (error) {
    const fault =
      error instanceof FaultError
        ? error.fault
        : ({
            code: 'CV_STATUS_UNREACHABLE',
            params: { url, detail: ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message },
          } satisfies Fault);
    if (!goesOn) return exitWithFault(terminal, new FaultError(fault.code, fault.params), EXIT.found);
    terminal.fault(fault);
    return EXIT.found;
  }
}

/** @returns null when there is no such page */
async function get(url: string, headers: Record<string, string>): Promise<object | null> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5_000) });
  // An edge whose log cannot write answers 503, with its health.
  if (response.status === 404) return null;
  if (response.status === 401) {
    const { code } = (await response.json()) as { code?: string };
    throw new FaultError(code === 'CV_EDGE_READ_TOKEN' ? code : 'CV_API_READ_TOKEN');
  }
  return (await response.json()) as object;
}

/** Those who count nothing have none. */
async function metricsAt(url: string, headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${url}/metrics`, { headers, signal: AbortSignal.timeout(5_000) });
  return response.ok ? response.text() : '';
}

function showEdge(terminal: CommandTerminal, health: EdgeHealth): number {
  const { ok, edge, centre, version, now, log, uplink, identity, commandKey, devices, config } = health;
  const { text } = terminal;
  const silent = devices.filter(({ online }) => !online);
  const impaired = devices.filter(({ online, reason }) => online && Object.hasOwn(FAULTS, reason));
  const isKnown = (!identity || 'validity' in identity) && !(commandKey && 'code' in commandKey);
  const isWell = ok && isKnown && silent.length + impaired.length === 0 && uplink.online && !config?.refused;
  if (terminal.json) return isWell ? EXIT.ok : EXIT.found;
  terminal.print(`${text({ en: 'edge', zh: '边缘节点' })} ${edge} · ${centre} · ${version}`);
  terminal.print(
    `  ${text({ en: 'devices', zh: '设备' })} ${devices.length - silent.length}/${devices.length} → ${text({ en: 'log', zh: '日志' })} ${log.depth} (${formatBytes(log.bytes)}) → ${text({ en: 'gateway', zh: '网关' })} ${uplink.online ? (uplink.address ?? '') : text({ en: 'offline', zh: '离线' })}${uplink.clockOffsetMs === null ? '' : ` · ${text({ en: 'clock', zh: '时钟' })} ${uplink.clockOffsetMs} ms`}`,
  );
  for (const [stream, events] of Object.entries(log.byStream))
    if (events > 0) terminal.print(`    ${stream}: ${events} ${text({ en: 'not acknowledged', zh: '条待确认' })}`);
  if (identity) showIdentity(terminal, identity);
  if (commandKey !== undefined) showCommandKey(terminal, commandKey);
  if (!log.writing) terminal.print(`  ✗ ${text({ en: 'the log cannot write', zh: '事件日志无法写入' })}`);
  for (const { id, driver, reason, lastAt } of silent)
    terminal.print(`  ✗ ${id} (${driver}) ${reason} · ${age(terminal, now, lastAt)}${remedy(terminal, reason)}`);
  for (const { id, driver, reason } of impaired)
    terminal.print(`  ! ${id} (${driver}) ${text({ en: 'answers', zh: '在线' })} · ${reason}${remedy(terminal, reason)}`);
  showConfig(terminal, config);
  return isWell ? EXIT.ok : EXIT.found;
}

function showIdentity(terminal: CommandTerminal, identity: NonNullable<EdgeHealth['identity']>): void {
  if ('validity' in identity) return terminal.print(`  ${terminal.text(identityText(identity))}`);
  showFault(terminal, identity);
}

function showCommandKey(terminal: CommandTerminal, key: NonNullable<EdgeHealth['commandKey']> | null): void {
  if (key && 'code' in key) return showFault(terminal, key);
  terminal.print(`  ${terminal.text(commandKeyText(key?.id ?? null))}`);
}

function showFault(terminal: CommandTerminal, fault: Fault): void {
  const { message, remedy } = explain(fault, terminal.language);
  terminal.print(`  ✗ ${message} [${fault.code}]\n    → ${remedy}`);
}

function showGateway(
  terminal: CommandTerminal,
  { gateway, centre, exercise, now, devices, edges, plaintext, path, sinks = [], config }: StatusView,
): number {
  const { text } = terminal;
  const away = edges.filter(({ online }) => !online);
  const isWell = away.length === 0 && devices.lost === 0 && sinks.every(({ problem }) => !problem) && !config?.refused;
  if (terminal.json) return isWell ? EXIT.ok : EXIT.found;
  terminal.print(
    `${text({ en: 'gateway', zh: '网关' })} ${gateway} · ${centre}${exercise ? ` · ${text({ en: 'exercise', zh: '演练' })}` : ''}`,
  );
  terminal.print(
    `  ${text({ en: 'devices', zh: '设备' })} ${devices.fresh}/${devices.total} → ${text({ en: 'edge backlog', zh: '边缘积压' })} ${path.edgeDepth} → ${text({ en: 'accepted', zh: '已接收' })} ${path.accepted} → ${text({ en: 'stored', zh: '已入库' })} ${path.stored} (${text({ en: 'lag', zh: '积压' })} ${path.storeLag}) → ${text({ en: 'rules lag', zh: '规则积压' })} ${path.rulesLag} → ${text({ en: 'warnings open', zh: '未结预警' })} ${path.warningsOpen}`,
  );
  if (path.duplicates + path.refused > 0)
    terminal.print(
      `    ${text({ en: 'duplicates', zh: '重复' })} ${path.duplicates} · ${text({ en: 'quarantined', zh: '隔离' })} ${path.refused}`,
    );
  for (const { id, online, logDepth, clockOffsetMs, seenAt } of edges)
    terminal.print(
      `  ${online ? '●' : '✗'} ${id}${online ? ` · ${text({ en: 'backlog', zh: '积压' })} ${logDepth ?? '–'}${clockOffsetMs === null ? '' : ` · ${text({ en: 'clock', zh: '时钟' })} ${clockOffsetMs} ms`}` : ` · ${age(terminal, now, seenAt || null)}`}`,
    );
  if (plaintext && plaintext.edges.length > 0) {
    const [list, day] = [plaintext.edges.join(', '), plaintext.until === null ? null : dayOf(plaintext.until)];
    const end = day === null ? '' : text({ en: `; refused from ${day} on`, zh: `；${day} 起拒绝接入` });
    terminal.print(`  ! ${text({ en: 'without TLS: ', zh: '未使用 TLS：' })}${list}${end}`);
  }
  for (const { id, kind, lag, written, setAside, missed, problem } of sinks)
    terminal.print(
      `  ${problem ? '✗' : '●'} ${id} (${kind}) ${text({ en: 'written', zh: '已写入' })} ${written} · ${text({ en: 'lag', zh: '积压' })} ${lag} · ${text({ en: 'quarantined', zh: '隔离' })} ${setAside} · ${text({ en: 'missed', zh: '未写入即舍弃' })} ${missed}${problem ? ` · ${text(problem)}` : ''}`,
    );
  showConfig(terminal, config);
  return isWell ? EXIT.ok : EXIT.found;
}

function showCounts(terminal: CommandTerminal, { read, kept, settled, lost, behind, compacting }: ServiceCounts, isGateway: boolean): void {
  const { text } = terminal;
  if (!isGateway)
    terminal.print(
      `  ${text({ en: 'samples read', zh: '已采集样本' })} ${read} → ${text({ en: 'events kept', zh: '已缓存事件' })} ${kept} → ${text({ en: 'acknowledged', zh: '已确认' })} ${settled}`,
    );
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .toSorted(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`)
      .join(' · ');
  if (Object.keys(behind).length > 0)
    terminal.print(`  ${text({ en: 'lag by consumer, events: ', zh: '各下游积压事件数：' })}${list(behind)}`);
  if (compacting > 0) terminal.print(`  ${text({ en: 'compacting, points left:', zh: '正在压缩，剩余点数：' })} ${compacting}`);
  if (Object.keys(lost).length > 0)
    terminal.print(`  ${text({ en: 'dropped, by reason (docs/losses.md): ', zh: '已舍弃，按原因（docs/losses.md）：' })}${list(lost)}`);
}

function showConfig(terminal: CommandTerminal, config: ConfigState | undefined): void {
  for (const problem of config?.refused?.problems ?? [])
    terminal.print(`  ✗ ${problem.place}: ${terminal.text(problem)} [${problem.code}]`);
  if (config && config.restartNeeded.length > 0)
    terminal.print(`  ! ${terminal.text({ en: 'restart required for', zh: '需重启后生效' })}: ${config.restartNeeded.join(', ')}`);
}

function age(terminal: CommandTerminal, now: number, atMs: number | null): string {
  if (atMs === null) return terminal.text({ en: 'never seen', zh: '从未收到' });
  return terminal.text({
    en: `last seen ${formatDuration(Math.round((now - atMs) / 1000) * 1000)} ago`,
    zh: `最后收到于 ${formatDuration(Math.round((now - atMs) / 1000) * 1000)} 前`,
  });
}

function remedy(terminal: CommandTerminal, reason: string): string {
  if (!Object.hasOwn(FAULTS, reason)) return '';
  const words = explain({ code: reason as FaultCode, params: {} }, terminal.language).remedy;
  return words && !words.includes('{') ? `\n    → ${words}` : '';
}
