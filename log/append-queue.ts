/** The queue of drafts whose group is open, and the encoding of groups. */
import type { Draft } from '../core/event.ts';
import { encodeBatch, type BatchName } from '../core/wire/batch.ts';
import type { LogGroup } from './storage.ts';

const MAX_GROUP_EVENTS = 500;
const MAX_GROUP_BYTES = 64 << 10;
/** Uncompressed, far below the limit of the wire. */
const MAX_GROUP_JSON_BYTES = 1 << 20;
/** Per commit, so that neither the file size nor the thread is overloaded. */
const MAX_COMMIT_JSON_BYTES = 8 << 20;
const EVENT_JSON_BYTES = 300;
const BOX_JSON_BYTES = 110;

/** One call of append: resolves when all of its drafts are committed. */
export interface AppendCall {
  pendingDrafts: number;
  committedDrafts: number;
  /** The call was rejected; its queued drafts are skipped. */
  isRejected: boolean;
  resolve: () => void;
  reject: (error: Error) => void;
}

export interface QueuedDraft {
  draft: Draft;
  call: AppendCall;
  jsonBytes: number;
}

/** The boot field of a batch, present when its events are unsynced. */
export type BatchBootOf = (drafts: readonly Draft[]) => Pick<BatchName, 'boot'>;

export interface EncodedGroup extends LogGroup {
  queued: QueuedDraft[];
}

/** A draft that cannot be encoded. */
export interface UnencodableDraft {
  queued: QueuedDraft;
  error: Error;
}

export class AppendQueue {
  #queue: QueuedDraft[] = [];
  #bytes = 0;
  /** Arrival of the oldest draft, monotonic clock; NaN before any. */
  sinceMs = NaN;

  get count(): number {
    return this.#queue.length;
  }

  /** A group is full: commit now. */
  get isGroupFull(): boolean {
    return this.#queue.length >= MAX_GROUP_EVENTS || this.#bytes >= MAX_GROUP_JSON_BYTES;
  }

  add(draft: Draft, call: AppendCall, nowMs: number): void {
    if (this.#queue.length === 0) this.sinceMs = nowMs;
    const entry = { draft, call, jsonBytes: jsonBytesOf(draft) };
    this.#queue.push(entry);
    this.#bytes += entry.jsonBytes;
  }

  /** The oldest drafts, as many as fit into one commit of `maxJsonBytes`. */
  take(maxJsonBytes: number): QueuedDraft[] {
    const limit = Math.min(maxJsonBytes, MAX_COMMIT_JSON_BYTES);
    let bytes = 0;
    let end = 0;
    for (const entry of this.#queue) {
      if (end > 0 && bytes + entry.jsonBytes > limit) break;
      bytes += entry.jsonBytes;
      end += 1;
    }
    const taken = this.#queue.slice(0, end);
    this.#replace(this.#queue.slice(end));
    return taken.filter((entry) => !entry.call.isRejected);
  }

  putBack(entries: readonly QueuedDraft[]): void {
    this.#replace([...entries, ...this.#queue]);
  }

  /** Removes and returns the newest drafts beyond `max`. */
  takeOverflow(max: number): QueuedDraft[] {
    const over = this.#queue.splice(max);
    for (const { jsonBytes } of over) this.#bytes -= jsonBytes;
    return over;
  }

  removeRejected(): void {
    this.#replace(this.#queue.filter((entry) => !entry.call.isRejected));
  }

  #replace(entries: QueuedDraft[]): void {
    this.#queue = entries;
    this.#bytes = entries.reduce((sum, entry) => sum + entry.jsonBytes, 0);
  }
}

/**
 * Encodes drafts as groups numbered from `firstSeq` on, each ≤500 events and ≤64 KB (one event may be larger).
 *
 * @returns the groups, and the drafts that cannot be encoded (they get no numbers)
 */
export function encodeGroups(
  name: Omit<BatchName, 'seq' | 'boot'>,
  firstSeq: number,
  entries: readonly QueuedDraft[],
  bootOf: BatchBootOf = () => ({}),
): { groups: EncodedGroup[]; bad: UnencodableDraft[] } {
  const groups: EncodedGroup[] = [];
  const bad: UnencodableDraft[] = [];
  let seq = firstSeq;
  const encode = (part: QueuedDraft[]): void => {
    let payload: Uint8Array;
    try {
      const drafts = part.map((entry) => entry.draft);
      payload = encodeBatch({ ...name, seq, ...bootOf(drafts) }, drafts);
    } catch (error) {
      if (part.length > 1) return halve(part);
      bad.push({ queued: part[0] as QueuedDraft, error: error as Error });
      return;
    }
    if (payload.length > MAX_GROUP_BYTES && part.length > 1) return halve(part);
    groups.push({ seq, count: part.length, payload, queued: part });
    seq += part.length;
  };
  const halve = (part: QueuedDraft[]) => {
    const middle = part.length >> 1;
    encode(part.slice(0, middle));
    encode(part.slice(middle));
  };
  for (const part of portions(entries)) encode(part);
  return { groups, bad };
}

function portions(entries: readonly QueuedDraft[]): QueuedDraft[][] {
  const parts: QueuedDraft[][] = [];
  let part: QueuedDraft[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (part.length > 0 && (part.length >= MAX_GROUP_EVENTS || bytes + entry.jsonBytes > MAX_GROUP_JSON_BYTES)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(entry);
    bytes += entry.jsonBytes;
  }
  return part.length > 0 ? [...parts, part] : parts;
}

/** An estimate to bound memory and frames; encoding gives the exact size. */
function jsonBytesOf(draft: Draft): number {
  const parts = draft.evidence?.reduce((sum, evidence) => sum + (evidence.kind === 'boxes' ? evidence.boxes.length : 1), 0) ?? 0;
  return EVENT_JSON_BYTES + parts * BOX_JSON_BYTES + (typeof draft.value === 'string' ? draft.value.length : 0);
}
