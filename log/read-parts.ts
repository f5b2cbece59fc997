/** Reads groups in order across files, salvages damaged files and lists missing numbers. */
import type { LogFile } from './log-file.ts';
import { storageFailureOf, isCorruption, isIoError, type ReadReply, type ReadRequest } from './storage.ts';

type ReadPart = ReadRequest['parts'][number];

/** An I/O error may be transient: retried before it counts as damage. */
const MAX_READ_TRIES = 3;

export interface PartFiles {
  /** The file of a part; null when missing. */
  open(part: ReadPart): LogFile | null;
  /** Makes `open` return a new handle. */
  reopen(part: ReadPart): void;
  /** Replaces a damaged file by what can be recovered. */
  salvage(part: ReadPart, detail: string): void;
}

export function readParts(request: ReadRequest, files: PartFiles): Omit<ReadReply, 'salvages'> {
  const reply: Omit<ReadReply, 'salvages'> = { groups: [], missing: [], complete: false };
  let bytes = 0;
  const full = (next: number) => reply.groups.length >= request.maxGroups || (reply.groups.length > 0 && bytes + next > request.maxBytes);

  for (const part of request.parts) {
    if (full(0)) return reply;
    if (!readPart(part)) return reply;
  }
  reply.complete = true;
  return reply;

  /** @returns false when the limit was reached */
  function readPart(part: ReadPart): boolean {
    let expected = part.from;
    let detail = 'rows are missing';
    let tries = 1;
    let isSalvagedNow = false;
    const addMissing = (to: number) => {
      if (expected <= to) reply.missing.push({ name: part.name, epoch: part.epoch, from: expected, to, detail });
    };

    /** @returns damage, null at the end of the part, or 'full' at the limit */
    const readOn = (): 'full' | { wrong: string } | null => {
      const file = files.open(part);
      if (!file) {
        detail = 'file is missing';
        return null;
      }
      // Rows missing in a salvaged file are known to be lost.
      const mayMissRows = isSalvagedNow || file.isSalvaged;
      // The group with the first number may start before it.
      for (const group of file.groups(file.groupAt(expected)?.seq ?? expected, part.to)) {
        if (!group && !isSalvagedNow) return { wrong: 'wrong checksum' };
        if (!group || group.seq + group.count <= expected) continue;
        if (group.seq > expected && !mayMissRows) return { wrong: 'rows are missing' };
        if (full(group.payload.length)) return 'full';
        addMissing(group.seq - 1);
        reply.groups.push({ ...group, epoch: part.epoch });
        bytes += group.payload.length;
        expected = group.seq + group.count;
      }
      return expected <= part.to && !mayMissRows ? { wrong: 'rows are missing' } : null;
    };

    for (;;) {
      let outcome: ReturnType<typeof readOn>;
      try {
        outcome = readOn();
      } catch (error) {
        if (!isCorruption(error)) throw error;
        if (isIoError(error) && tries < MAX_READ_TRIES) {
          tries += 1;
          files.reopen(part);
          continue;
        }
        outcome = { wrong: storageFailureOf(error).detail };
      }
      if (outcome === 'full') return false;
      if (!outcome) break;
      detail = outcome.wrong;
      // The salvaged file fails too: the rest is lost.
      if (isSalvagedNow) break;
      files.salvage(part, detail);
      isSalvagedNow = true;
    }
    addMissing(part.to);
    return true;
  }
}
