/**
 * Bindings on disk: a line for each, the later one counts. Appended and forced; written anew at opening once most lines
 * have been overtaken. A last line that was cut short was never answered for and is dropped.
 */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { IDS } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { makeFolder } from '../../core/folder.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';

const LINE_SCHEMA = z.object({
  at: z.number(),
  edge: z.string().regex(IDS.edge),
  device: z.string().regex(IDS.device).optional(),
  centre: z.string().regex(IDS.centre).optional(),
});

/** `device` is the edge's, or the edge speaks for `centre`. */
export interface BindingLine {
  at: number;
  edge: string;
  device?: string | undefined;
  centre?: string | undefined;
}

export interface BindingFile {
  /** Goes to disk with all others that come before the disk is ready. */
  add(line: BindingLine): void;
  /** Resolves when all that was added is on disk; null when it is. Rejects with CV_BINDINGS_UNSAVED: asked again, it tries again. */
  written(): Promise<void> | null;
  close(): Promise<void>;
}

/** @throws CV_BINDINGS_UNSAVED */
export async function openBindingFile(path: string): Promise<{ file: BindingFile; lines: BindingLine[]; isNew: boolean }> {
  const unsaved = (error: unknown) => new FaultError('CV_BINDINGS_UNSAVED', { path, detail: (error as Error).message }, { cause: error });
  try {
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    const text = (bytes ?? Buffer.alloc(0)).toString('utf8');
    const all = text.slice(0, text.lastIndexOf('\n') + 1).split('\n').flatMap(parsed);
    const lines = [...new Map(all.map((line) => [keyOf(line), line])).values()];
    // Whatever was cut short, or stands there twice, is gone from the new one.
    await makeFolder(dirname(path));
    await writeFileAtomically(path, textOf(lines), { mode: 0o600 });
    return { file: appending(path, await open(path, 'a', 0o600), unsaved), lines, isNew: bytes === null };
  } catch (error) {
    throw unsaved(error);
  }
}

const keyOf = ({ device, edge }: BindingLine): string => (device === undefined ? `edge ${edge}` : `device ${device}`);
const textOf = (lines: readonly BindingLine[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

function parsed(text: string): BindingLine[] {
  try {
    const line = LINE_SCHEMA.safeParse(JSON.parse(text));
    return line.success ? [line.data] : [];
  } catch {
    // A line that a failing disk has spoiled: the device is bound anew when it is next seen.
    return [];
  }
}

function appending(path: string, handle: FileHandle, unsaved: (error: unknown) => FaultError): BindingFile {
  let file: FileHandle | null = handle;
  let waiting: BindingLine[] = [];
  let writing: Promise<void> | null = null;

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      try {
        file ??= await open(path, 'a', 0o600);
        // A line break first: nothing is ever written behind half a line.
        await file.appendFile(`\n${textOf(lines)}`);
        await file.datasync();
      } catch (error) {
        waiting = [...lines, ...waiting];
        await file?.close().catch(() => undefined);
        file = null;
        throw unsaved(error);
      }
    }
  }

  return {
    add(line) {
      waiting.push(line);
    },
    written() {
      if (waiting.length === 0 && !writing) return null;
      writing ??= write().finally(() => { writing = null; });
      return writing;
    },
    async close() {
      await this.written()?.catch(() => undefined);
      await file?.close();
      file = null;
    },
  };
}
