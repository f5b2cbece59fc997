/** Reads groups in order across files, has damaged files put right, and names every number that should be there and is not. */
import type { LogFile } from './log-file.ts';
import { storageFailureOf, isCorruption, isIoError, type ReadReply, type ReadRequest } from './storage.ts';

type ReadPart = ReadRequest['parts'][number];

/** A read that the disk refuses may well succeed the next moment; only then is it damage. */
const MAX_READ_TRIES = 3;

export interface PartFiles {
  /** The file of a part; null when it is gone. */
  open(part: ReadPart): LogFile | null;
  /** Makes `open` give a fresh handle. */
  reopen(part: ReadPart): void;
  /** Makes `open` give what can be saved of a damaged file. */
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

  /** @returns false when the limit came first */
  function readPart(part: ReadPart): boolean {
    let expected = part.from;
    let detail = 'rows are missing';
    let tries = 1;
    let isSaved = false;
    const hole = (to: number) => { if (expected <= to) reply.missing.push({ name: part.name, epoch: part.epoch, from: expected, to, detail }); };

    /** @returns what is wrong with the file, null at its end, or that the limit came first */
    const readOn = (): 'full' | { wrong: string } | null => {
      const file = files.open(part);
      if (!file) {
        detail = 'the file is gone';
        return null;
      }
      // Rows that are missing from a salvaged file are known to be lost.
      const mayMiss = isSaved || file.isSalvaged;
      // The group that holds the first number may begin before it.
      for (const group of file.groups(file.groupAt(expected)?.seq ?? expected, part.to)) {
        if (!group && !isSaved) return { wrong: 'wrong checksum' };
        if (!group || group.seq + group.count <= expected) continue;
        if (group.seq > expected && !mayMiss) return { wrong: 'rows are missing' };
        if (full(group.payload.length)) return 'full';
        hole(group.seq - 1);
        reply.groups.push({ ...group, epoch: part.epoch });
        bytes += group.payload.length;
        expected = group.seq + group.count;
      }
      return expected <= part.to && !mayMiss ? { wrong: 'rows are missing' } : null;
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
      // What was just put together fails again: the rest is lost, or the disk is.
      if (isSaved) break;
      files.salvage(part, detail);
      isSaved = true;
    }
    hole(part.to);
    return true;
  }
}
