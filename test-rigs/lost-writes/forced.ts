/** A folder on a disk that loses what was not forced: the environment that a process needs, and the loss itself after its end. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileShim } from '../fsync-shim/compile.ts';

const SOURCE = join(import.meta.dirname, 'forced-writes.c');
const PAGE_BYTES = 4096;

/** What a kill has taken. */
export interface LostWrite {
  /** Names that are there again, or not any more. */
  names: number;
  /** Files whose content is another one, and pages of them that are. */
  files: number;
  pages: number;
}

interface Entry {
  kind: 'd' | 'f';
  mode: number;
  id: string;
  name: string;
}

export class ForcedFolder {
  readonly #root: string;
  readonly #kept: string;
  readonly #not: string | undefined;

  /**
   * @param root all that lies there now is forced
   * @param kept a folder for copies, elsewhere on the same machine
   * @param not forced writes of files whose path has this text in it count as nothing: '' for all
   */
  constructor(root: string, kept: string, not?: string) {
    this.#root = root;
    this.#kept = kept;
    this.#not = not;
    this.#keepAll();
  }

  /** For a process that works in the folder. @throws when gcc is not there */
  async env(): Promise<Record<string, string>> {
    return {
      LD_PRELOAD: await compileShim(SOURCE),
      UV_USE_IO_URING: '0',
      FORCED_ROOT: this.#root,
      FORCED_KEPT: this.#kept,
      ...(this.#not !== undefined && { FORCED_NOT: this.#not }),
    };
  }

  /** When no process works in it any more: what was not forced is lost, and what is there then is forced. */
  lose(): LostWrite {
    const lost: LostWrite = { names: 0, files: 0, pages: 0 };
    this.#restore(this.#root, idOf(this.#root), lost);
    this.#keepAll();
    return lost;
  }

  #keepAll(): void {
    rmSync(this.#kept, { recursive: true, force: true });
    for (const folder of ['files', 'folders']) mkdirSync(join(this.#kept, folder), { recursive: true });
    this.#keepFolder(this.#root);
  }

  #keepFolder(dir: string): void {
    const entries = readdirSync(dir).map((name): Entry => {
      const path = join(dir, name);
      const found = statSync(path);
      if (found.isDirectory()) this.#keepFolder(path);
      else copyFileSync(path, join(this.#kept, 'files', idOf(path)));
      return { kind: found.isDirectory() ? 'd' : 'f', mode: found.mode & 0o7777, id: idOf(path), name };
    });
    writeFileSync(
      join(this.#kept, 'folders', idOf(dir)),
      entries.map(({ kind, mode, id, name }) => `${kind} ${mode.toString(8)} ${id} ${name}\0`).join(''),
    );
  }

  #restore(dir: string, id: string, lost: LostWrite): void {
    const list = join(this.#kept, 'folders', id);
    const entries = existsSync(list) ? readFileSync(list, 'utf8').split('\0').filter(Boolean).map(parsed) : [];
    for (const name of readdirSync(dir)) {
      const entry = entries.find((one) => one.name === name);
      if (entry && (entry.kind === 'd') === statSync(join(dir, name)).isDirectory()) continue;
      lost.names += 1;
      rmSync(join(dir, name), { recursive: true });
    }
    for (const { kind, mode, id: its, name } of entries) {
      const path = join(dir, name);
      if (!existsSync(path)) lost.names += 1;
      if (kind === 'f') this.#restoreFile(path, mode, its, lost);
      else {
        mkdirSync(path, { recursive: true });
        chmodSync(path, mode);
        this.#restore(path, its, lost);
      }
    }
  }

  /** A file that was never forced itself is there without content. */
  #restoreFile(path: string, mode: number, id: string, lost: LostWrite): void {
    const copy = join(this.#kept, 'files', id);
    const isCopied = existsSync(copy);
    const content = isCopied ? readFileSync(copy) : Buffer.alloc(0);
    const there = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    if (!there.equals(content)) {
      lost.files += 1;
      lost.pages += differing(there, content);
    }
    writeFileSync(path, content);
    chmodSync(path, isCopied ? statSync(copy).mode & 0o7777 : mode);
  }
}

function idOf(path: string): string {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${ino}-${birthtimeNs}`;
}

function parsed(text: string): Entry {
  const [, kind, mode = '', id = '', name = ''] = /^([df]) ([0-7]+) (\S+) (.*)$/s.exec(text) ?? [];
  if (kind === undefined) throw new Error(`neither file nor folder: ${text}`);
  return { kind: kind as Entry['kind'], mode: parseInt(mode, 8), id, name };
}

function differing(one: Buffer, other: Buffer): number {
  let pages = 0;
  for (let offset = 0; offset < Math.max(one.length, other.length); offset += PAGE_BYTES) {
    if (!one.subarray(offset, offset + PAGE_BYTES).equals(other.subarray(offset, offset + PAGE_BYTES))) pages += 1;
  }
  return pages;
}
