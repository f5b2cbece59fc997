/** The sample consumers of the docs as processes, and what their files hold. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';

export interface ConsumedValue {
  cursor: string;
  previous?: string | null;
  epoch: number;
  value: number;
  indicator: string;
}

/** A change of a warning as it was taken. */
export interface ConsumedChange {
  cursor: string;
  previous?: string | null;
  id: string;
  condition: string;
}

/** How a sample is started (with broker, API and file behind it), and what its file holds. */
export interface ConsumerSample {
  name: string;
  command: readonly [string, ...string[]];
  taken(file: string): ConsumedValue[];
  changes(file: string): ConsumedChange[];
}

const SAMPLES = join(import.meta.dirname, '..', '..', 'docs', 'samples');

export const TYPESCRIPT: ConsumerSample = {
  name: 'consumer.ts', command: [process.execPath, join(SAMPLES, 'consumer.ts')],
  taken: (file) => linesOf(file).filter((line) => 'cursor' in line),
  changes: (file) => linesOf(file).flatMap((line) => ('changed' in line ? [line.changed] : [])),
};

export const PYTHON: ConsumerSample = {
  // The package belongs to Debian's own Python, which need not be the first in PATH.
  name: 'consumer.py', command: ['/usr/bin/python3', join(SAMPLES, 'consumer.py')],
  taken: (file) => rowsOf(file, 'events', 'event'),
  changes: (file) => rowsOf(file, 'warnings', 'warning'),
};

type Line = ConsumedValue | { place: string } | { changed: ConsumedChange };
const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as Line);

/** A file from before the sample took warnings has no such table until it runs. */
function rowsOf<T extends { cursor: string }>(file: string, table: string, column: string): T[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    if (!database.prepare('SELECT 1 FROM sqlite_master WHERE name = ?').get(table)) return [];
    return database
      .prepare(`SELECT cursor, ${column} AS json FROM ${table}`)
      .all()
      .map(({ cursor, json }) => Object.assign(JSON.parse(String(json)) as T, { cursor: String(cursor) }));
  } finally {
    database.close();
  }
}

export class SampleConsumer {
  readonly #file: string;
  readonly #sample: ConsumerSample;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #onLine: () => void = () => {};
  /** What it printed, both streams. */
  said = '';
  /** Events in its file, counting on from what was there by what it says. */
  count: number;
  /** Of these, taken alone since its start: as a message, mostly. */
  single = 0;
  /** Changes of warnings in its file, counted likewise. */
  changeCount: number;

  constructor(sample: ConsumerSample, brokerUrl: string, apiUrl: string, file: string) {
    this.#sample = sample;
    this.#file = file;
    this.count = this.taken().length;
    this.changeCount = this.changes().length;
    const [program, ...args] = sample.command;
    this.#child = spawn(program, [...args, brokerUrl, apiUrl, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', resolve);
      this.#child.once('error', resolve);
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#receive(line));
    }
  }

  #receive(line: string): void {
    this.said += `${line}\n`;
    const taken = Number(/^(\d+) taken$/.exec(line)?.[1] ?? 0);
    this.count += taken;
    if (taken === 1) this.single += 1;
    this.changeCount += Number(/^(\d+) changes of warnings taken$/.exec(line)?.[1] ?? 0);
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

  /** Changes of warnings in its file, in the order in which they were taken. */
  changes(): ConsumedChange[] {
    return existsSync(this.#file) ? this.#sample.changes(this.#file) : [];
  }

  taken(): ConsumedValue[] {
    return existsSync(this.#file) ? this.#sample.taken(this.#file) : [];
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
