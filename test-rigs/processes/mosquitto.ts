/** An external broker for rigs: mosquitto as a child, in a folder of its own, with the files that we ship for it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { mosquittoConf } from '../../gateway/broker/mosquitto.ts';

export interface Mosquitto {
  readonly port: number;
  /** Of the running process; 0 when there is none. */
  readonly pid: number;
  readonly running: boolean;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Debian puts it where a plain user's PATH does not look. */
export function mosquittoProgram(): string | null {
  return ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find((path) => existsSync(path)) ?? null;
}

export interface MosquittoFiles {
  /** Text of the ACL file, and of the password file as mosquitto hashes it. */
  acl: string;
  passwords: string;
  gatewayPasswords?: string;
}

/** @param gatewayPort with it, by the `mosquitto.conf` that we ship, and as the user mosquitto where we may become it */
export async function startMosquitto(dir: string, port: number, files: MosquittoFiles, gatewayPort?: number): Promise<Mosquitto> {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'acl'), files.acl, { mode: 0o600 });
  writeFileSync(join(dir, 'passwords'), files.passwords, { mode: 0o600 });
  writeFileSync(
    join(dir, 'mosquitto.conf'),
    [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous false',
      `password_file ${join(dir, 'passwords')}`,
      `acl_file ${join(dir, 'acl')}`,
      'max_inflight_messages 0',
      'max_queued_messages 0',
      'persistence false',
      'log_dest stderr',
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      '',
    ].join('\n'),
  );
  if (gatewayPort !== undefined) {
    const at = (name: string) => join(dir, name);
    writeFileSync(at('gateway-passwords'), files.gatewayPasswords ?? '', { mode: 0o600 });
    const isRoot = process.getuid?.() === 0;
    if (isRoot) execFileSync('chown', ['-R', 'mosquitto', dir]);
    const conf = mosquittoConf({
      acl: at('acl'),
      passwords: at('passwords'),
      gatewayPasswords: at('gateway-passwords'),
      port,
      gateway: { host: '127.0.0.1', port: gatewayPort },
    });
    writeFileSync(at('mosquitto.conf'), `${conf}persistence false\nlog_dest stderr\n${isRoot ? 'user mosquitto\n' : ''}`);
  }
  return runMosquitto(join(dir, 'mosquitto.conf'), port);
}

/** @param port one that its configuration opens */
export async function runMosquitto(conf: string, port: number): Promise<Mosquitto> {
  const program = mosquittoProgram();
  if (!program) throw new Error('mosquitto is not installed: apt-get install mosquitto');
  let child: ChildProcess | null = null;
  const errors: string[] = [];
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    const ending = child;
    child = null;
    if (!ending || ending.exitCode !== null) return;
    const gone = new Promise((resolve) => ending.once('close', resolve));
    ending.kill(signal);
    await gone;
  };
  const mosquitto: Mosquitto = {
    port,
    get pid() { return child?.pid ?? 0; },
    get running() { return child !== null; },
    async start() {
      const starting = spawn(program, ['-c', conf], { stdio: ['ignore', 'ignore', 'pipe'] });
      starting.stderr.setEncoding('utf8').on('data', (text: string) => { errors.push(text); errors.splice(0, errors.length - 20); });
      child = starting;
      await portOpen(port, () => starting.exitCode !== null, () => errors.join(''));
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
  await mosquitto.start();
  return mosquitto;
}

async function portOpen(port: number, ended: () => boolean, why: () => string): Promise<void> {
  for (const untilMs = Date.now() + 60_000; Date.now() < untilMs;) {
    if (ended()) break;
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => { socket.destroy(); resolve(true); });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  throw new Error(`mosquitto did not open port ${port}\n${why()}`);
}
