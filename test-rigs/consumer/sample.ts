/** The sample consumers of the docs as processes, and what their files hold. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';

export interface Taken {
  cursor: string;
  previous?: string | null;
  epoch: number;
  value: number;
  indicator: string;
}

/** How a sample is started (with broker, API and file behind it), and what its file holds. */
export interface Sample {
  name: string;
  command: readonly [string, ...string[]];
  taken(file: string): Taken[];
}

const SAMPLES = join(import.meta.dirname, '..', '..', 'docs', 'samples');

export const TYPESCRIPT: Sample = {
  name: 'consumer.ts', command: [process.execPath, join(SAMPLES, 'consumer.ts')],
  taken: (file) => readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as Taken | { place: string }).filter((line) => 'cursor' in line),
};

export const PYTHON: Sample = {
  // The package belongs to Debian's own Python, which need not be the first in PATH.
  name: 'consumer.py', command: ['/usr/bin/python3', join(SAMPLES, 'consumer.py')],
  taken(file) {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      return database.prepare('SELECT cursor, event FROM events').all().map(({ cursor, event }) => Object.assign(JSON.parse(String(event)) as Taken, { cursor: String(cursor) }));
    } finally {
      database.close();
    }
  },
};

export class SampleConsumer {
  readonly #file: string;
  readonly #sample: Sample;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #onLine: () => void = () => {};
  /** What it printed, both streams. */
  said = '';
  /** Events in its file, counting on from what was there by what it says. */
  count: number;
  /** Of these, taken alone since its start: as a message, mostly. */
  single = 0;

  constructor(sample: Sample, brokerUrl: string, apiUrl: string, file: string) {
    this.#sample = sample;
    this.#file = file;
    this.count = this.taken().length;
    const [program, ...args] = sample.command;
    this.#child = spawn(program, [...args, brokerUrl, apiUrl, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', resolve);
      this.#child.once('error', resolve);
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#hear(line));
    }
  }

  #hear(line: string): void {
    this.said += `${line}\n`;
    const taken = Number(/^(\d+) taken$/.exec(line)?.[1] ?? 0);
    this.count += taken;
    if (taken === 1) this.single += 1;
    this.#onLine();
  }

  /** Asks again at each line it prints. @throws when it ends before */
  async until(met: () => boolean): Promise<void> {
    while (!met()) {
      await Promise.race([
        new Promise<void>((resolve) => { this.#onLine = resolve; }),
        this.#ended.then(() => { throw new Error(`the sample ended:\n${this.said}`); }),
      ]);
    }
  }

  taken(): Taken[] {
    return existsSync(this.#file) ? this.#sample.taken(this.#file) : [];
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
