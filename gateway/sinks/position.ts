/** How far a sink is, in a small file: written to the side, flushed and renamed, at most once a second. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaultError, faultOf } from '../../core/faults.ts';
import { makeFolder } from '../../core/folder.ts';
import { formatCursor, parseCursor, type Cursor } from '../../log/types.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import type { Timer, World } from '../../core/world.ts';
import './faults.ts';

export interface StoredPosition {
  cursor: Cursor;
  /** When the event there reached the gateway, ms UTC. */
  receivedAt: number;
}

/** What lies between is sent once more after a crash, which changes nothing in the target. */
const SAVE_EVERY_MS = 1000;

export class SinkPosition {
  readonly #path: string;
  readonly #sink: string;
  readonly #world: World;
  #reached: StoredPosition;
  #changed = false;
  #failing = false;
  #timer: Timer | null = null;
  #saving: Promise<void> = Promise.resolve();

  private constructor(path: string, sink: string, reached: StoredPosition, world: World) {
    this.#path = path;
    this.#sink = sink;
    this.#world = world;
    this.#reached = reached;
  }

  /**
   * @throws CV_SINK_UNSAVED when the file is there and cannot be read
   * @param fresh where a sink begins that was never here; saved at once, so that what is let go from now on counts as missed
   */
  static async open(path: string, sink: string, fresh: StoredPosition, world: World): Promise<SinkPosition> {
    const saved = await readPlace(path, sink);
    const place = new SinkPosition(path, sink, saved ?? fresh, world);
    if (!saved) {
      place.#changed = true;
      await place.save();
    }
    return place;
  }

  get reached(): StoredPosition {
    return this.#reached;
  }

  move(reached: StoredPosition): void {
    this.#reached = reached;
    this.#changed = true;
    this.#timer ??= this.#world.clock.after(SAVE_EVERY_MS, () => {
      this.#timer = null;
      void this.save();
    });
  }

  /** On disk when this resolves; a disk that fails is told, and tried again with the next move. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write());
    return this.#saving;
  }

  close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    return this.save();
  }

  async #write(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    const { cursor, receivedAt } = this.#reached;
    try {
      await makeFolder(dirname(this.#path));
      // An older place is as good, and what lies between is sent once more: once a second is too often to force its name.
      await writeFileAtomically(this.#path, `${JSON.stringify({ v: 1, cursor: formatCursor(cursor), receivedAt })}\n`, {
        forcesName: false,
      });
      if (this.#failing) this.#world.tell({ kind: 'fault_cleared', code: 'CV_SINK_UNSAVED' });
      this.#failing = false;
    } catch (error) {
      this.#changed = true;
      if (!this.#failing)
        this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_SINK_UNSAVED', { sink: this.#sink, path: this.#path }) });
      this.#failing = true;
    }
  }
}

async function readPlace(path: string, sink: string): Promise<StoredPosition | null> {
  try {
    const { cursor, receivedAt } =
      (JSON.parse(await readFile(path, 'utf8')) as Partial<{ cursor: string; receivedAt: number }> | null) ?? {};
    const at = typeof cursor === 'string' ? parseCursor(cursor) : null;
    return at && Number.isSafeInteger(receivedAt) ? { cursor: at, receivedAt: receivedAt as number } : null;
  } catch (error) {
    // Not there yet, or not ours any more: all that the log holds is sent again, and changes nothing where it was before.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new FaultError('CV_SINK_UNSAVED', faultOf(error, 'CV_SINK_UNSAVED', { sink, path }).params, { cause: error });
  }
}
