/** PostgreSQL 17 with TimescaleDB (Debian's, whose licence leaves compression out), spoken to through one psql. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { chmodSync, chownSync, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../core/free-port.ts';
import type { Rig } from '../rig.ts';

const BIN = '/usr/lib/postgresql/17/bin';

export const hasTimescale = (): boolean => existsSync(join(BIN, 'initdb'));

export interface Timescale {
  /** Runs statements, and says what they answered. */
  run(sql: string): Promise<string>;
  /** As `run`, its answer thrown away; ms as psql counted them, the answer's way included. */
  timed(sql: string): Promise<number>;
}

/** It refuses to run as root: then it runs as the user that its package made. */
export async function startTimescale(rig: Rig): Promise<Timescale> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-pg-'));
  rig.undo(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const asRoot = process.getuid?.() === 0;
  const as = asRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  if (asRoot) {
    const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
    chownSync(dir, id('-u'), id('-g'));
  }
  chmodSync(dir, 0o755);
  const data = join(dir, 'data');
  const made = spawnCommand([
    ...as,
    join(BIN, 'initdb'),
    '-D',
    data,
    '-U',
    'app',
    '-A',
    'trust',
    '--no-sync',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
  ]);
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: dir,
    shared_preload_libraries: 'timescaledb',
    'timescaledb.telemetry_level': 'off',
    max_wal_size: '4GB',
  };
  await rig.start(
    'postgres',
    [...as, join(BIN, 'postgres'), '-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    async () => spawnCommand([join(BIN, 'pg_isready'), '-h', '127.0.0.1', '-p', String(port)]).status === 0,
  );
  const psql = spawn(join(BIN, 'psql'), [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-U',
    'app',
    '-d',
    'postgres',
    '-qAtX',
    '-v',
    'ON_ERROR_STOP=1',
  ]);
  rig.undo(() => {
    psql.kill();
  });
  const session = new Session(psql);
  await session.run('CREATE EXTENSION timescaledb;');
  return session;
}

const spawnCommand = ([file = '', ...args]: string[]) => spawnSync(file, args, { encoding: 'utf8', cwd: '/' });

/** One psql: statements go in, and their end is told by an echo. */
class Session implements Timescale {
  readonly #psql: ChildProcessWithoutNullStreams;
  #said = '';
  #asked = 0;
  #wake: () => void = () => {};
  #ended = false;

  constructor(psql: ChildProcessWithoutNullStreams) {
    this.#psql = psql;
    for (const stream of [psql.stdout, psql.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        this.#said += text;
        this.#wake();
      });
    }
    psql.on('exit', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  async run(sql: string): Promise<string> {
    const mark = `done-${(this.#asked += 1)}`;
    if (!this.#psql.stdin.write(`${sql}\n\\echo ${mark}\n`))
      await new Promise<void>((resolve) => {
        this.#psql.stdin.once('drain', resolve);
      });
    for (;;) {
      const at = this.#said.indexOf(`${mark}\n`);
      if (at >= 0) {
        const answer = this.#said.slice(0, at);
        this.#said = this.#said.slice(at + mark.length + 1);
        return answer;
      }
      if (this.#ended) throw new Error(`psql ended: ${this.#said.slice(-500)}`);
      await new Promise<void>((resolve) => { this.#wake = resolve; });
    }
  }

  async timed(sql: string): Promise<number> {
    const answer = await this.run(`\\o /dev/null\n\\timing on\n${sql}\n\\timing off\n\\o`);
    const match = /Time: ([\d.]+) ms/.exec(answer);
    if (!match) throw new Error(`psql told no time: ${answer.slice(-200)}`);
    return Number(match[1]);
  }
}
