/** How often each file has run, and which tests failed how often; kept in a file, so that an ended run goes on. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { TestFailure } from './reporter.ts';

export interface Flake {
  file: string;
  test: string;
  times: number;
  /** Of the first time. */
  error: string;
}

export class FlakeTally {
  readonly #runs: Map<string, number>;
  readonly #failed: Flake[];

  constructor(runs: Record<string, number> = {}, failed: readonly Flake[] = []) {
    this.#runs = new Map(Object.entries(runs));
    this.#failed = structuredClone([...failed]);
  }

  static read(path: string | undefined): FlakeTally {
    if (!path || !existsSync(path)) return new FlakeTally();
    const { runs, failed } = JSON.parse(readFileSync(path, 'utf8')) as { runs: Record<string, number>; failed: Flake[] };
    return new FlakeTally(runs, failed);
  }

  runsOf(file: string): number {
    return this.#runs.get(file) ?? 0;
  }

  add(file: string, failures: readonly TestFailure[]): void {
    this.#runs.set(file, this.runsOf(file) + 1);
    // Several of one name are told apart by nothing; one run of a file counts once.
    const counted = new Set<Flake>();
    for (const { test, error } of failures) {
      let flake = this.#failed.find((known) => known.file === file && known.test === test);
      if (!flake) this.#failed.push(flake = { file, test, times: 0, error });
      if (!counted.has(flake)) flake.times += 1;
      counted.add(flake);
    }
  }

  /** Those of these files; a state may hold others as well. */
  failedOf(files: readonly string[]): Flake[] {
    return this.#failed.filter(({ file }) => files.includes(file));
  }

  write(path: string): void {
    const part = `${path}.part`;
    writeFileSync(part, `${JSON.stringify({ runs: Object.fromEntries(this.#runs), failed: this.#failed }, null, 1)}\n`);
    renameSync(part, path);
  }
}
