/** Runs the tests of a place with its mistake in a copy of the tree, few at a time. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SourceFile } from '../../tools/imports.ts';
import { testsPass, testsOf } from './copy.ts';
import type { MutationSite } from './sites.ts';

export type SourceLocation = MutationSite & { file: string };

/** What a run knows already, and how to keep what was added. */
export interface MutationState {
  done: Record<string, boolean>;
  keep(): void;
}

/** Few at first, since most mistakes are noticed by the nearest test. */
const AT_ONCE = [1, 3, 8];

export class MutationBatches {
  readonly #dir: string;
  readonly #sources: readonly SourceFile[];
  readonly #within: readonly string[];
  readonly #limitMs: number;
  readonly #signal: AbortSignal;
  readonly #state: MutationState;

  constructor(
    dir: string,
    sources: readonly SourceFile[],
    within: readonly string[],
    limitMs: number,
    signal: AbortSignal,
    state: MutationState,
  ) {
    this.#dir = dir;
    this.#sources = sources;
    this.#within = within;
    this.#limitMs = limitMs;
    this.#signal = signal;
    this.#state = state;
  }

  /** Whether a test that passes without the mistake fails with it. */
  async notice({ file, start, end, to }: SourceLocation): Promise<boolean> {
    const path = join(this.#dir, file);
    const text = readFileSync(path, 'utf8');
    const tests = testsOf(file, this.#sources).filter(
      (each) => this.#within.length === 0 || this.#within.some((folder) => each.startsWith(`${folder}/`)),
    );
    for (let at = 0, round = 0; at < tests.length && !this.#signal.aborted; round += 1) {
      const count = AT_ONCE[Math.min(round, AT_ONCE.length - 1)] as number;
      const batch: string[] = [];
      for (const each of tests.slice(at, at + count)) if (await this.#isSound(each)) batch.push(each);
      at += count;
      if (batch.length === 0 || this.#signal.aborted) continue;
      writeFileSync(path, text.slice(0, start) + to + text.slice(end));
      try {
        if (!(await testsPass(this.#dir, batch, this.#limitMs, this.#signal)) && !this.#signal.aborted) return true;
      } finally {
        writeFileSync(path, text);
      }
    }
    return false;
  }

  async #isSound(file: string): Promise<boolean> {
    const { done, keep } = this.#state;
    const name = JSON.stringify(['sound', file]);
    const known = done[name];
    if (known !== undefined) return known;
    const isSound = await testsPass(this.#dir, [file], this.#limitMs, this.#signal);
    if (this.#signal.aborted) return false;
    if (!isSound) process.stderr.write(`left out: ${file} fails without any mistake\n`);
    done[name] = isSound;
    keep();
    return isSound;
  }
}
