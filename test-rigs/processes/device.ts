/** A simulated device as a process of its own: it speaks its protocol on a port and takes one word, `start`, on stdin. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface DeviceProcess {
  readonly name: string;
  readonly port: number;
  /** Time 0 of its script is now. */
  start(): void;
  stop(): Promise<void>;
}

const READY_MS = 30_000;

/** Starts a module that prints `{"ready":true,"port":N}` as its first line of JSON; `signal` ends it while it is not ready yet. */
export function startDevice(name: string, module: string, args: readonly string[], signal?: AbortSignal): Promise<DeviceProcess> {
  const child = spawn(process.execPath, [module, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors.push(text); });
  child.stdin.on('error', () => { errors.push('stdin closed'); });
  const exited = new Promise<void>((resolve) => { child.once('close', () => resolve()); });
  return new Promise((resolve, reject) => {
    const fail = (what: string, signal: NodeJS.Signals = 'SIGKILL') => {
      clearTimeout(timer);
      child.kill(signal);
      reject(new Error(`${name} ${what}\n${errors.join('').slice(-2000)}`));
    };
    const timer = setTimeout(() => fail(`was not ready within ${READY_MS} ms`), READY_MS);
    const abandon = () => fail('was stopped before it was ready', 'SIGTERM');
    if (signal?.aborted) return abandon();
    signal?.addEventListener('abort', abandon, { once: true });
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal} before it was ready`));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const port = readyPort(line);
      if (port === null) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      signal?.removeEventListener('abort', abandon);
      resolve({
        name,
        port,
        start: () => { child.stdin.write('start\n'); },
        async stop() {
          child.kill('SIGTERM');
          const hard = setTimeout(() => child.kill('SIGKILL'), 3000);
          await exited;
          clearTimeout(hard);
        },
      });
    });
  });
}

function readyPort(line: string): number | null {
  if (!line.startsWith('{')) return null;
  const message = JSON.parse(line) as { ready?: boolean; port?: number };
  return message.ready === true && typeof message.port === 'number' ? message.port : null;
}
