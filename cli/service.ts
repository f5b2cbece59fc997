/** What the long-running commands share: reading the file, saying its problems, running until told to stop. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { problemLine, type ConfigProblem } from '../core/config/check.ts';
import { FaultError, type FaultCode } from '../core/faults.ts';
import type { Tell } from '../core/telemetry.ts';
import { uncaughtErrorHandler } from './uncaught-errors.ts';
import { openProgress } from './progress.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';

const SHOW_EVERY_MS = 200;
/** Limit of a graceful stop. */
const STOP_WITHIN_MS = 5_000;

/** The text of a configuration file; ends the command when it cannot be read. */
export function configText(terminal: CommandTerminal, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return exitWithFault(
      terminal,
      new FaultError('CV_CONFIG_UNREADABLE', { path, detail: (error as Error).message }, { cause: error }),
      EXIT.usage,
    );
  }
}

export function printProblems(terminal: CommandTerminal, problems: readonly ConfigProblem[]): void {
  for (const problem of problems) {
    if (terminal.json) terminal.record(problemLine(problem, terminal.language));
    else terminal.fault(problem.fault, `${problem.file}:${problem.line}:${problem.column}`);
  }
}

export interface Service<R extends { close(): Promise<void> }> {
  /** @param stop aborts when it is told to end meanwhile: it may close what is open and reject with its reason */
  start(stop: AbortSignal): Promise<R>;
  announce(running: R): void;
  /** Faults of the start that no second try would help: the command was called or configured wrongly. */
  nonRetryable: ReadonlySet<FaultCode>;
  /** What is on disk and not passed on yet, in events; asked while it stops and after that. */
  pendingEvents?(running: R): number;
  /** What `held` counts. */
  pendingText?: { en: string; zh: string };
  /** Of what nothing has dealt with; without it such an error ends the process. */
  tell?: Tell;
  /** SIGHUP; never rejects. */
  reload?(running: R): Promise<void>;
}

/** Starts, runs until SIGINT or SIGTERM, closes in order, and ends the program. */
export async function runService<R extends { close(): Promise<void> }>(terminal: CommandTerminal, service: Service<R>): Promise<never> {
  // What it keeps is for its own user alone: measured values, tokens in journals, pictures of people.
  process.umask(0o077);
  const { stop, end } = whenStopped(() => printForcedStop(terminal));
  const onHangUp = reloadOnHangUp(end);
  if (service.tell) handleUncaught(service.tell);
  const stopping = new AbortController();
  void stop.then(() => stopping.abort());
  const running = await service.start(stopping.signal).catch((error: unknown) => {
    if (stopping.signal.aborted && error === stopping.signal.reason) return null;
    return exitWithFault(
      terminal,
      error,
      error instanceof FaultError && service.nonRetryable.has(error.fault.code) ? EXIT.usage : EXIT.found,
    );
  });
  if (!running) return endBeforeStart(terminal);
  service.announce(running);
  onHangUp(async () => service.reload?.(running));
  await stop;
  terminal.remark(terminal.text({ en: 'stopping …', zh: '正在停止…' }));
  await closeWithProgress(terminal, service, running);
  process.exit(EXIT.ok);
}

function endBeforeStart(terminal: CommandTerminal): never {
  if (terminal.json) terminal.record({ stopped: true });
  else terminal.remark(terminal.text({ en: 'stopped during start', zh: '启动完成前已停止' }));
  process.exit(EXIT.ok);
}

function handleUncaught(tell: Tell): void {
  const take = uncaughtErrorHandler({
    report: (fault) => tell({ kind: 'fault', fault }),
    nowMs: () => performance.now(),
    end: () => process.exit(EXIT.found),
  });
  process.on('uncaughtException', take);
  process.on('unhandledRejection', take);
}

/** Says what is still to do while it closes, and at the end what stays on disk for the next start. */
async function closeWithProgress<R extends { close(): Promise<void> }>(
  terminal: CommandTerminal,
  { pendingEvents, pendingText }: Service<R>,
  running: R,
): Promise<void> {
  if (!pendingEvents || !pendingText) return running.close();
  const progress = openProgress(terminal, { id: 'stop', ...pendingText });
  const show = () => progress.update(pendingEvents(running), null);
  show();
  const timer = setInterval(show, SHOW_EVERY_MS);
  await running.close().finally(() => {
    clearInterval(timer);
    progress.end();
  });
  const count = pendingEvents(running);
  if (terminal.json) return terminal.record({ stopped: true, held: count });
  const words = terminal.text(pendingText);
  terminal.remark(
    terminal.text({
      en: `stopped; ${words}: ${count}${count > 0 ? ', kept on disk' : ''}`,
      zh: `已停止；${words}：${count}${count > 0 ? '，已保存在磁盘上，下次启动后继续' : ''}`,
    }),
  );
}

/** It has not closed in time, and is ended as a power cut would end it. */
function printForcedStop(terminal: CommandTerminal): void {
  if (terminal.json) return terminal.record({ stopped: false, afterMs: STOP_WITHIN_MS });
  // On a terminal the line of the progress stands there.
  const clear = process.stderr.isTTY ? '\r\x1b[K' : '';
  const seconds = STOP_WITHIN_MS / 1000;
  terminal.remark(
    clear +
      terminal.text({
        en: `not stopped within ${seconds} s, terminated; acknowledged data is on disk`,
        zh: `${seconds} 秒内未能停止，已强制结束；已确认的数据均在磁盘上`,
      }),
  );
}

/** Resolves at the first SIGINT or SIGTERM, during the start too; the second SIGINT, and time, end the program whatever it does. */
function whenStopped(onLate: () => void): { stop: Promise<void>; end(): void } {
  let end = () => {};
  const stop = new Promise<void>((resolve) => {
    let asked = false;
    const ask = (signal: NodeJS.Signals) => {
      if (asked && signal === 'SIGINT') process.exit(EXIT.interrupted);
      if (!asked) setTimeout(() => {
        onLate();
        process.exit(EXIT.found);
      }, STOP_WITHIN_MS);
      asked = true;
      resolve();
    };
    process.on('SIGINT', ask);
    process.on('SIGTERM', ask);
    end = () => ask('SIGTERM');
  });
  return { stop, end };
}

/**
 * SIGHUP says "read your file anew", one after the other, and one that comes during the start waits for its end. The
 * terminal that we were started from says the same when it closes: then we end, as programs do.
 */
function reloadOnHangUp(end: () => void): (run: () => Promise<void>) => void {
  const hadTerminal = hasTerminal();
  let run: (() => Promise<void>) | null = null;
  let asked = 0;
  let turn = Promise.resolve();
  const take = () => {
    const now = run;
    // Several that wait are one: the file is read as it is then.
    if (now && asked > 0) turn = turn.then(() => (asked > 0 ? ((asked = 0), now()) : undefined));
  };
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) return end();
    asked += 1;
    take();
  });
  return (given) => {
    run = given;
    take();
  };
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    // A service has none.
    return false;
  }
}
