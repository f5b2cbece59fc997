/** The list of what never reached a sink's target, with the reason: JSON Lines beside its place, the oldest let go. */
import { open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { faultOf, FaultError } from '../../core/faults.ts';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import type { SkippedEvents } from '../../core/sink.ts';
import './faults.ts';

export type SetAsideEntry =
  /** `event` is its name, `cursor` its place in the gateway's log, `line` the first bytes of what was refused. */
  | { at: number; kind: 'refused'; event: string; cursor: string; status: number; detail: string; line: string }
  | ({ at: number; kind: 'missed' } & SkippedEvents);

/** Two files of this size at most. */
const MAX_BYTES = 4 << 20;

export class SetAsideFile {
  readonly path: string;
  readonly #sink: string;

  constructor(path: string, sink: string) {
    this.path = path;
    this.#sink = sink;
  }

  /** On disk when this resolves. @throws CV_SINK_UNSAVED */
  async add(entry: SetAsideEntry): Promise<void> {
    try {
      await makeFolder(dirname(this.path));
      const bytes = await sizeOf(this.path);
      if (bytes > MAX_BYTES) await rename(this.path, `${this.path}.1`);
      const file = await open(this.path, 'a');
      try {
        await file.writeFile(`${JSON.stringify(entry)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      if (bytes === 0 || bytes > MAX_BYTES) await forceFolder(dirname(this.path));
    } catch (error) {
      const { code, params } = faultOf(error, 'CV_SINK_UNSAVED', { sink: this.#sink, path: this.path });
      throw new FaultError(code, params, { cause: error });
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
