/** `cityvitals demo`, the main job of `npm start`: a small town on loopback, from device to warning. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { emitKeypressEvents, type Key } from 'node:readline';
import { Command, InvalidArgumentError } from 'commander';
import { parseDurationMs } from '../core/quantity.ts';
import { FaultError } from '../core/faults.ts';
import { clipFault } from '../test-rigs/demo/footage.ts';
import { startDemo, type RunningDemo } from '../test-rigs/demo/run.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';

interface Options {
  for?: number;
  clip?: string;
  camera: boolean;
  tls?: true;
  seed: number;
  port: number;
  dir: string;
  open: boolean;
}

/** The two ways to this command: from a checkout and from the installed package. */
const CALL = import.meta.url.endsWith('.ts') ? 'npm start -- ' : 'cityvitals demo ';

export function define(terminal: CommandTerminal): Command {
  const text = terminal.text;
  return new Command()
    .option(
      '--for <duration>',
      text({
        en: 'run unattended for this long after `demo running`, e.g. 90s, then print the result',
        zh: '无人值守运行指定时长（从 `demo running` 起，如 90s），然后输出结果',
      }),
      durationSeconds,
    )
    .option('--clip <file>', text({ en: 'video file for the camera', zh: '摄像机使用的视频文件' }))
    .option('--no-camera', text({ en: 'without camera', zh: '不含摄像机' }))
    .option(
      '--tls',
      text({ en: 'TLS between edge and gateway; the edge is enrolled by a code', zh: '边缘节点与网关之间使用 TLS；边缘节点凭入网码入网' }),
    )
    .option('--seed <number>', text({ en: 'random seed of the storm', zh: '降雨过程的随机种子；种子相同则时间相同' }), whole, 1)
    .option('--port <number>', text({ en: 'port of the console; another one if in use', zh: '控制台端口；被占用时另选' }), portNumber, 8080)
    .option('--dir <folder>', text({ en: 'data folder of the demo; may be deleted at any time', zh: '演示数据目录，可随时删除' }), 'data/demo')
    .option('--no-open', text({ en: 'do not open a browser', zh: '不打开浏览器' }))
    .addHelpText('after', `\n${text({ en: 'Examples', zh: '示例' })}:\n  ${CALL}\n  ${CALL}--clip ~/street.mp4\n  ${CALL}--for 90s --json`)
    .action((options: Options) => run(terminal, options));
}

async function run(terminal: CommandTerminal, options: Options): Promise<void> {
  // Files are readable by the own user only.
  process.umask(0o077);
  const fault = options.clip === undefined || !options.camera ? null : await clipFault(resolve(options.clip));
  if (fault) {
    terminal.fault(fault);
    process.exit(fault.code.startsWith('CV_VIDEO_') ? EXIT.usage : EXIT.missing);
  }
  const stop = new AbortController();
  const say = (words: { en: string; zh: string }) => (terminal.json ? terminal.remark : terminal.print)(terminal.text(words));
  const demo = startDemo({
    dir: resolve(options.dir), seed: options.seed, httpPort: options.port, clip: options.clip === undefined ? null : resolve(options.clip),
    camera: options.camera, tls: options.tls === true, forSeconds: options.for ?? null, say, signal: stop.signal,
    onUrl(url) {
      say({ en: `console: ${url}`, zh: `控制台：${url}` });
      if (options.port !== 0 && !url.endsWith(`:${options.port}`))
        say({ en: `(port ${options.port} is in use)`, zh: `（端口 ${options.port} 已被其他程序占用）` });
      say({
        en: `a browser on this machine is signed in by itself as demo, an administrator (password: ${options.dir}/administrator.password)`,
        zh: `本机浏览器自动以管理员 demo 登录（密码见 ${options.dir}/administrator.password）`,
      });
      if (options.tls)
        say({
          en: 'edge and gateway speak TLS; this page needs none on this machine',
          zh: '边缘节点与网关之间使用 TLS；本机访问此页面无需 TLS',
        });
      say({ en: `data: ${options.dir} (may be deleted)`, zh: `数据目录：${options.dir}（可删除）` });
      if (options.open && options.for === undefined && (process.env.DISPLAY || process.env.WAYLAND_DISPLAY)) openBrowser(url);
    },
    onRunning() {
      terminal.print('demo running');
      if (options.for === undefined)
        say({ en: 'keys: c cuts the network for 20 s, k kills the edge, q ends', zh: '按键：c 断网 20 秒，k 终止边缘节点，q 结束' });
    },
  });
  const end = () => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    stop.abort();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  const quiet = listenToKeys(demo, end);
  try {
    const { ok, outcome } = await demo.done;
    if (outcome) terminal.record(outcome);
    quiet();
    process.exit(stop.signal.aborted && options.for !== undefined ? EXIT.interrupted : ok ? EXIT.ok : EXIT.found);
  } catch (error) {
    quiet();
    if (error instanceof FaultError) exitWithFault(terminal, error, EXIT.usage);
    terminal.fault({ code: 'CV_DEMO_FAILED', params: { detail: (error as Error).message } });
    process.exit(EXIT.found);
  }
}

/** Single keys, where there is a terminal. @returns the way back to a normal terminal */
function listenToKeys(demo: RunningDemo, end: () => void): () => void {
  if (!process.stdin.isTTY) return () => {};
  emitKeypressEvents(process.stdin);
  process.stdin.setRawMode(true);
  process.stdin.on('keypress', (_text: string | undefined, key: Key) => {
    if (key.name === 'c' && key.ctrl) end();
    else if (key.name === 'c') demo.cut();
    else if (key.name === 'k') demo.kill();
    else if (key.name === 'q') end();
  });
  process.stdin.resume();
  return () => process.stdin.setRawMode(false);
}

function openBrowser(url: string): void {
  const child = spawn('xdg-open', [url], { stdio: 'ignore', detached: true });
  // Without a browser the URL was printed above.
  child.on('error', () => child.unref());
  child.unref();
}

function durationSeconds(value: string): number {
  const durationMs = parseDurationMs(value);
  if (durationMs === null || durationMs < 1000 || durationMs > 86_400_000) throw new InvalidArgumentError('1s … 24h');
  return durationMs / 1000;
}

function portNumber(value: string): number {
  const port = whole(value);
  if (port > 65_535) throw new InvalidArgumentError('0 … 65535');
  return port;
}

function whole(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('0, 1, 2 …');
  return number;
}
