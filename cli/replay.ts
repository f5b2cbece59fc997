/** `cityvitals replay CASE…`: recorded devices through the real link and decoder, on a virtual clock. */
import { openSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { comparableLines, resultDifferences } from '../cases/difference.ts';
import { formatJunit, formatTap, type CaseResult } from '../cases/report.ts';
import type { Draft } from '../core/event.ts';
import { FaultError, type FaultCode } from '../core/faults.ts';
import { parseDurationMs } from '../core/quantity.ts';
import type { ResultLine } from '../cases/result-lines.ts';
import { foldersOf, loadCase, replaySamples, type LoadedCase } from '../test-rigs/replay/cases.ts';
import { replayEvents } from '../test-rigs/replay/events.ts';
import { paceAt, type Speed } from '../test-rigs/replay/pace.ts';
import { MESSAGE_FAULTS, type MessageFault } from '../test-rigs/replay/message-fault.ts';
import { openProgress } from './progress.ts';
import { printResultLine } from './print-result.ts';
import { printProblems, runService } from './service.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import '../cases/faults.ts';
import './faults.ts';

interface Options {
  speed: Speed;
  to: 'samples' | 'events' | 'edge';
  tap?: boolean;
  junit?: string;
  serve?: number;
  host: string;
  times: number;
  fault?: MessageFault;
  seed: number;
  loop?: boolean;
  acknowledged?: string;
}

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  return new Command()
    .argument('<case...>', text({ en: 'folders of cases, or of folders of cases', zh: '案例目录，或含多个案例的目录' }))
    .option(
      '--speed <speed>',
      text({ en: '1 as recorded, 60 for a minute per second, max', zh: '1 为原速，60 为一秒一分钟，max 为最快' }),
      speedOf,
      'max',
    )
    .option(
      '--to <stage>',
      text({
        en: 'samples (from drivers), events (as an edge would store them), edge (a complete edge and gateway)',
        zh: 'samples（驱动给出的样本）、events（边缘节点将保存的事件）、edge（完整的边缘节点与网关）',
      }),
      stageOf,
      'samples',
    )
    .option('--tap', text({ en: 'only whether each case passes, as TAP', zh: '只输出各案例是否符合预期，TAP 格式' }))
    .option('--junit <file>', text({ en: 'the same as JUnit XML into a file', zh: '同上，以 JUnit XML 写入文件' }))
    .option(
      '--serve <port>',
      text({
        en: 'simulate the device on a socket: listen on this port, or connect to it if the device does',
        zh: '在套接字上充当该设备：在此端口监听；主动连接的设备则连接此端口',
      }),
      whole,
    )
    .option(
      '--host <host>',
      text({ en: 'with --serve: address to listen on or to connect to', zh: '与 --serve 同用：监听或连接的地址' }),
      '127.0.0.1',
    )
    .option(
      '--times <number>',
      text({
        en: 'with --serve: number of devices, each with its own id and phase; listening devices use one port each',
        zh: '与 --serve 同用：充当多台设备，编号和相位各不相同；监听的设备各占一个端口',
      }),
      whole,
      1,
    )
    .option(
      '--fault <kind@time>',
      text({
        en: 'with --serve: drop, delay, cut, corrupt or reorder a message, e.g. cut@30s',
        zh: '与 --serve 同用：drop、delay、cut、corrupt、reorder 一个报文，如 cut@30s',
      }),
      troubleOf,
    )
    .option('--seed <number>', text({ en: 'random seed of faults and phases', zh: '故障与相位的随机种子' }), whole, 1)
    .option('--loop', text({ en: 'with --serve: restart at the end of the recording', zh: '与 --serve 同用：录制结束后从头开始' }))
    .option(
      '--acknowledged <file>',
      text({
        en: 'with --serve: write each acknowledged report to a file, as JSON lines (for devices that resend)',
        zh: '与 --serve 同用：每条已得到应答的上报以一行 JSON 写入文件（适用于未应答则保留重发的设备）',
      }),
    )
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals replay drivers/modbus/recorded/pymodbus-rtu\n  cityvitals replay drivers/modbus/recorded --tap\n  cityvitals replay CASE --speed 60 --to events --json\n  cityvitals replay CASE --serve 5020\n  cityvitals replay CASE --serve 8212 --times 500 --fault cut@30s`,
    )
    .action((paths: string[], options: Options) =>
      run(terminal, paths, options).catch((error: unknown) => exitWithFault(terminal, error, EXIT.usage)),
    );
}

async function run(terminal: CommandTerminal, paths: readonly string[], options: Options): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const folders = (await Promise.all(paths.map(foldersOf))).flat();
  if (options.serve !== undefined) return serve(terminal, folders, options.serve, options);
  const isJudged = options.tap === true || options.junit !== undefined;
  const results: CaseResult[] = [];
  // A screen of results is progress enough.
  const progress = process.stdout.isTTY && !isJudged ? null : openProgress(terminal, { id: 'replay', en: 'replaying cases', zh: '正在回放案例' });
  for (const [index, folder] of folders.entries()) {
    progress?.update(index, folders.length, folder);
    const { loaded, problems } = await loadCase(folder);
    if (!loaded) {
      printProblems(terminal, problems);
      process.exitCode = EXIT.usage;
      results.push({ suite: '-', name: folder, problems: problems.map(({ fault }) => new FaultError(fault.code, fault.params).message) });
      continue;
    }
    // What was asked to stop throws that, or comes to an end before its time.
    const result = await play(terminal, loaded, options, stop.signal, isJudged).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    if (stop.signal.aborted || !result) {
      progress?.end();
      process.exit(EXIT.interrupted);
    }
    results.push(result);
    if (result.problems.length > 0) {
      process.exitCode ??= EXIT.found;
      if (!isJudged)
        terminal.remark(
          terminal.text({
            en: `${folder}: ${result.problems.length} line(s) differ from expected.jsonl; cityvitals case accept shows them`,
            zh: `${folder}：与 expected.jsonl 有 ${result.problems.length} 行不同；cityvitals case accept 可查看`,
          }),
        );
    }
  }
  progress?.end();
  if (options.tap) process.stdout.write(formatTap(results));
  if (options.junit !== undefined) writeFileSync(options.junit, formatJunit(results));
}

/** Runs until it is told to stop. */
async function serve(
  terminal: CommandTerminal,
  [folder, ...others]: readonly string[],
  port: number,
  { host, times, fault, seed, loop, acknowledged }: Options,
): Promise<void> {
  if (folder === undefined || others.length > 0)
    throw new FaultError('CV_INPUT_INVALID', { key: '--serve', given: `${1 + others.length} cases` });
  const { loaded, problems } = await loadCase(folder);
  if (!loaded) {
    printProblems(terminal, problems);
    process.exit(EXIT.usage);
  }
  const { serveDevices } = await import('../test-rigs/replay/serve.ts');
  const list = acknowledged === undefined ? null : openSync(acknowledged, 'w');
  await runService(terminal, {
    start: () =>
      serveDevices(loaded, {
        host,
        port,
        times,
        trouble: fault ?? null,
        seed,
        isLoop: loop ?? false,
        ...(list === null
          ? {}
          : {
              onSettled: (number, { bytes }) => {
                writeSync(list, `${JSON.stringify({ number, at: Date.now(), bytes: bytes.toString('hex') })}\n`);
              },
            }),
      }),
    announce(standing) {
      for (const { number, port: taken, identities } of standing.devices) {
        if (terminal.json) terminal.record({ standing: loaded.recorded.name, number, host, port: taken, identities });
        else
          terminal.print(
            `${loaded.recorded.name} ${number}: ${host}:${taken} ${Object.entries(identities)
              .map(([name, id]) => `${name}=${id}`)
              .join(' ')}`.trimEnd(),
          );
      }
      process.once('exit', () => {
        const counts = standing.counts();
        if (terminal.json) terminal.record(counts);
        else
          terminal.remark(
            terminal.text({
              en: `reports sent: ${counts.said}, acknowledged: ${counts.acknowledged}, pending: ${counts.unanswered}`,
              zh: `已上报 ${counts.said} 条，已应答 ${counts.acknowledged} 条，等待应答 ${counts.unanswered} 条`,
            }),
          );
      });
    },
    nonRetryable: new Set<FaultCode>(['CV_RECORDING_NOT_OFFERED', 'CV_API_LISTEN', 'CV_INPUT_INVALID']),
  });
}

/** Plays one case to where it was asked for. What is printed depends on the case alone, never on speed or language of the machine. */
async function play(
  terminal: CommandTerminal,
  loaded: LoadedCase,
  { speed, to }: Options,
  signal: AbortSignal,
  isQuiet: boolean,
): Promise<CaseResult> {
  const { recorded, drivers } = loaded;
  const pace = paceAt(speed, recorded.startsAt, signal);
  const how = { signal, ...(pace ? { pace } : {}) };
  const named = { suite: recorded.devices[0].driver, name: `${kindOf(recorded.folder)}${recorded.name}` };
  if (to === 'edge') {
    const { replayToEdge } = await import('../test-rigs/replay/edge.ts');
    const outcome = await replayToEdge(loaded, how, (event) => terminal.record(event));
    return { ...named, problems: outcome.problems };
  }
  if (to === 'events') {
    await replayEvents(recorded, { drivers, ...how }, (draft) => printEvent(terminal, draft, isQuiet));
    return { ...named, problems: [] };
  }
  const lines: ResultLine[] = [];
  await replaySamples(loaded, how, (line) => {
    lines.push(line);
    if (!isQuiet) printResultLine(terminal, line);
  });
  if (!recorded.expected) return { ...named, problems: [], skipped: 'no expected.jsonl' };
  return { ...named, problems: resultDifferences(recorded.expected, comparableLines(recorded.expected, lines)).map(({ en }) => en) };
}

/** The folder that a case lies in, where that says something. */
function kindOf(folder: string): string {
  const kind = basename(dirname(resolve(folder)));
  return kind === 'recorded' || kind === '' ? '' : `${kind}/`;
}

function printEvent(terminal: CommandTerminal, draft: Draft, isQuiet: boolean): void {
  if (isQuiet) return;
  if (terminal.json) return terminal.record(draft);
  const { occurredAt, device, point, value, unit, quality, flags = [] } = draft;
  terminal.print(
    `${new Date(occurredAt).toISOString()}  ${`${device}/${point}`.padEnd(28)} ${JSON.stringify(value)} ${unit}  ${[quality, ...flags].join(' ')}`,
  );
}

function speedOf(given: string): Speed {
  if (given === 'max') return 'max';
  const speed = Number(given);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new InvalidArgumentError('1, 60, max …');
}

function whole(given: string): number {
  const number = Number(given);
  if (Number.isSafeInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new InvalidArgumentError('0 … 65535');
}

function troubleOf(given: string): MessageFault {
  const [, kind, time] = /^(\w+)@(.+)$/.exec(given) ?? [];
  const atMs = time === undefined ? null : parseDurationMs(time);
  const known = MESSAGE_FAULTS.find((one) => one === kind);
  if (known && atMs !== null) return { kind: known, atMs };
  throw new InvalidArgumentError(`${MESSAGE_FAULTS.join(', ')} @ 30s`);
}

function stageOf(given: string): Options['to'] {
  if (given === 'samples' || given === 'events' || given === 'edge') return given;
  throw new InvalidArgumentError('samples, events, edge');
}
