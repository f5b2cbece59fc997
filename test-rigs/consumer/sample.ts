/** The sample consumer of the docs as a process, and what its file holds. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Taken {
  cursor: string;
  previous?: string | null;
  epoch: number;
  value: number;
  indicator: string;
}

export const SAMPLE = join(import.meta.dirname, '..', '..', 'docs', 'samples', 'consumer.ts');

export class SampleConsumer {
  readonly #file: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #onLine: () => void = () => {};
  /** What it printed, both streams. */
  said = '';
  /** Events in its file, counting on from what was there by what it says. */
  count: number;
  /** Of these, taken alone since its start: as a message, mostly. */
  single = 0;

  constructor(brokerUrl: string, apiUrl: string, file: string) {
    this.#file = file;
    this.count = this.taken().length;
    this.#child = spawn(process.execPath, [SAMPLE, brokerUrl, apiUrl, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#ended = new Promise((resolve) => { this.#child.once('close', resolve); });
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
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line) as Taken | { place: string });
    return lines.filter((line) => 'cursor' in line);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
