/** A disk in memory for identity folders, on which the power is cut at a step: before it, or when it had been done. */
import type { IdentityFiles } from '../identity-folder.ts';

export class PowerCut extends Error {
  override message = 'the power is cut';
}

export class MemoryFiles implements IdentityFiles {
  readonly texts = new Map<string, string>();
  readonly modes = new Map<string, number>();
  /** Steps that changed something. */
  steps = 0;
  /** 1 for the first step; 0: never. */
  cutAtStep = 0;
  cutIsAfter = false;

  read(path: string): Promise<string | null> {
    return Promise.resolve(this.texts.get(path) ?? null);
  }

  write(path: string, text: string, mode: number): Promise<void> {
    return this.#step(() => {
      this.texts.set(path, text);
      this.modes.set(path, mode);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step(() => {
      const [text, mode] = [this.texts.get(from), this.modes.get(from)];
      if (text === undefined || mode === undefined) throw Object.assign(new Error('not there'), { code: 'ENOENT' });
      this.texts.delete(from);
      this.texts.set(to, text);
      this.modes.set(to, mode);
    });
  }

  remove(path: string): Promise<void> {
    return this.#step(() => { this.texts.delete(path); });
  }

  makeFolder(): Promise<void> {
    return this.#step(() => {});
  }

  // async: what it throws rejects.
  async #step(act: () => void): Promise<void> {
    this.steps += 1;
    const isCut = this.steps === this.cutAtStep;
    if (isCut && !this.cutIsAfter) throw new PowerCut();
    act();
    if (isCut) throw new PowerCut();
  }
}
