/**
 * What waits of one camera while one of its pictures is worked on. At most one picture waits, the newest: an older one is
 * dropped and counted. Pictures that must not be lost all wait, and their source waits for us.
 */
import type { Picture } from '../../../core/driver.ts';
import { isPicture, type DecodedItem, type PictureItem } from '../../item.ts';
import type { PictureCounts } from '../picture-counts.ts';

export interface QueuedItem {
  item: DecodedItem;
  /** Lets go of a picture's memory, and of its source. */
  release(): void;
}

export type QueuedPicture = QueuedItem & { item: PictureItem };

export class CameraQueue {
  /** One of its pictures is being worked on. */
  isBusy = false;
  readonly #counts: PictureCounts;
  readonly #waiting: QueuedItem[] = [];

  constructor(counts: PictureCounts) {
    this.#counts = counts;
  }

  push(queued: QueuedItem): void {
    if (isDroppable(queued)) {
      const older = this.#waiting.findIndex(isDroppable);
      if (older >= 0) this.#drop(this.#waiting.splice(older, 1)[0] as QueuedPicture);
    }
    this.#waiting.push(queued);
  }

  shift(): QueuedItem | undefined {
    return this.#waiting.shift();
  }

  /** Puts the next picture that waits in the place of this one, which is dropped. @returns false where none may take it */
  replaceByNewer(current: QueuedPicture): boolean {
    const newer = this.#waiting[0];
    if (!newer || !isDroppable(newer) || !isDroppable(current)) return false;
    this.#waiting.shift();
    this.#drop({ ...current });
    Object.assign(current, newer);
    return true;
  }

  #drop({ item, release }: QueuedPicture): void {
    this.#counts.pictureLost(item, 'picture_late');
    release();
  }
}

function isDroppable(queued: QueuedItem): queued is QueuedPicture {
  return isPicture(queued.item) && !queued.item.picture.hold;
}

/** Keeps a picture's memory, and its source where that loses nothing, until it is released. */
export function holdPicture({ hold, keep }: Picture): () => void {
  const releases = [hold?.(), keep?.()];
  return () => {
    for (const release of releases) release?.();
  };
}
