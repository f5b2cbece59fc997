/** Reads groups in order across files and names every number that should be there and is not. */
import type { LogFile } from './log-file.ts';
import { failureOf, isDamage, isInputOutput, type ReadReply, type ReadRequest } from './storage.ts';

type Part = ReadRequest['parts'][number];

/** A read that the disk refuses may well succeed the next moment; only then is it damage. */
const MAX_READ_TRIES = 3;

/**
 * @param open gives the file of a part; null when it is gone
 * @param reopen makes `open` give a fresh handle
 */
export function readParts(request: ReadRequest, open: (part: Part) => LogFile | null, reopen: (part: Part) => void): ReadReply {
  const reply: ReadReply = { groups: [], holes: [], complete: false };
  let bytes = 0;
  const full = (next: number) => reply.groups.length >= request.maxGroups || (reply.groups.length > 0 && bytes + next > request.maxBytes);

  for (const part of request.parts) {
    if (full(0)) return reply;
    if (!readPart(part)) return reply;
  }
  reply.complete = true;
  return reply;

  /** @returns false when the limit came first */
  function readPart(part: Part): boolean {
    let expected = part.from;
    let detail = 'rows are missing';
    const hole = (to: number) => { if (expected <= to) reply.holes.push({ name: part.name, epoch: part.epoch, from: expected, to, detail }); };
    let start: number | null = part.from;
    let tries = 1;
    while (start !== null) {
      try {
        const file = open(part);
        if (!file) {
          detail = 'the file is gone';
          break;
        }
        // The group that holds the first number may begin before it.
        if (start === expected) start = file.groupAt(start)?.seq ?? start;
        for (const group of file.groups(start, part.to)) {
          if (!group) {
            detail = 'wrong checksum';
            continue;
          }
          if (group.seq + group.count <= expected) continue;
          if (full(group.payload.length)) return false;
          hole(group.seq - 1);
          reply.groups.push({ ...group, epoch: part.epoch });
          bytes += group.payload.length;
          expected = group.seq + group.count;
        }
        break;
      } catch (error) {
        if (!isDamage(error)) throw error;
        if (isInputOutput(error) && tries < MAX_READ_TRIES) {
          tries += 1;
          reopen(part);
          start = expected;
          continue;
        }
        detail = failureOf(error).detail;
        start = nextReadable(open, part, Math.max(expected, start + 1));
      }
    }
    hole(part.to);
    return true;
  }
}

/** The lowest number from which rows can be read again, found by strides and halving; null when there is none. */
function nextReadable(open: (part: Part) => LogFile | null, part: Part, from: number): number | null {
  const readable = (seq: number): boolean => {
    try {
      const first = open(part)?.groups(seq, part.to).next();
      return first !== undefined;
    } catch (error) {
      if (!isDamage(error)) throw error;
      return false;
    }
  };
  let bad = from - 1;
  for (let step = 1; bad < part.to; step *= 2) {
    const at = Math.min(bad + step, part.to);
    if (readable(at)) return halve(bad, at, readable);
    bad = at;
  }
  return null;
}

function halve(bad: number, good: number, readable: (seq: number) => boolean): number {
  let low = bad;
  let high = good;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (readable(middle)) high = middle;
    else low = middle;
  }
  return high;
}
