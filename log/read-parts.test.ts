/** Reading over files that refuse, are damaged or gone: what is tried again, what is salvaged, and which numbers are named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogFile } from './log-file.ts';
import { readParts, type PartFiles } from './read-parts.ts';
import type { LogGroup } from './storage.ts';

const PART = { name: 'log-1-1.db', epoch: 7, first: 1, from: 1, to: 6 };
const group = (seq: number, count = 2): LogGroup => ({ seq, count, payload: new Uint8Array(10) });
const failing = (errcode: number) => Object.assign(new Error('refused'), { errcode, errstr: 'refused' });

interface Content {
  groups: (LogGroup | null | Error)[];
  isSalvaged?: boolean;
}

/** Opens one content after the other: each `reopen` and `salvage` goes on to the next, and the last one stays. */
function files(...contents: (Content | null)[]): PartFiles & { calls: string[] } {
  const calls: string[] = [];
  const next = () => { if (contents.length > 1) contents.shift(); };
  return {
    calls,
    open() {
      const content = contents[0];
      if (!content) return null;
      const rows = (from: number) =>
        content.groups.filter((one): one is LogGroup | null | Error => one === null || one instanceof Error || one.seq + one.count > from);
      return {
        isSalvaged: content.isSalvaged ?? false,
        groupAt: (seq: number) =>
          content.groups.find((one) => one !== null && !(one instanceof Error) && one.seq <= seq && one.seq + one.count > seq) ?? null,
        *groups(from: number) {
          for (const one of rows(from)) {
            if (one instanceof Error) throw one;
            yield one;
          }
        },
      } as unknown as LogFile;
    },
    reopen() {
      calls.push('reopen');
      next();
    },
    salvage(_part, detail) {
      calls.push(`salvage: ${detail}`);
      next();
    },
  };
}

const read = (given: PartFiles, more: Partial<Parameters<typeof readParts>[0]> = {}) => {
  const { groups, missing, complete } = readParts({ chain: 'log', parts: [PART], maxGroups: 100, maxBytes: 1000, ...more }, given);
  return { numbers: groups.map(({ seq }) => seq), holes: missing.map(({ from, to, detail }) => [from, to, detail]), complete };
};

test('a whole file gives its groups and no hole, and nothing is done to it', () => {
  const whole = files({ groups: [group(1), group(3), group(5)] });
  assert.deepEqual(read(whole), { numbers: [1, 3, 5], holes: [], complete: true });
  assert.deepEqual(whole.calls, []);
});

test('a disk that refuses a read is asked three times before the file counts as damaged', () => {
  const flaky = files(
    { groups: [group(1), failing(266)] },
    { groups: [group(1), failing(266)] },
    { groups: [group(1), group(3), group(5)] },
  );
  assert.deepEqual(read(flaky), { numbers: [1, 3, 5], holes: [], complete: true });
  assert.deepEqual(flaky.calls, ['reopen', 'reopen']);
  const broken = files({ groups: [failing(266)] });
  assert.deepEqual(read(broken), { numbers: [], holes: [[1, 6, 'refused (SQLite 266)']], complete: true });
  assert.deepEqual(broken.calls, ['reopen', 'reopen', 'salvage: refused (SQLite 266)']);
});

test('damage is salvaged at once, and once; what is missing then is named, each number once', () => {
  const damaged = files({ groups: [group(1), failing(11)] }, { groups: [group(1), group(5)], isSalvaged: true });
  assert.deepEqual(read(damaged), { numbers: [1, 5], holes: [[3, 4, 'refused (SQLite 11)']], complete: true });
  assert.deepEqual(damaged.calls, ['salvage: refused (SQLite 11)']);
  const twice = files({ groups: [group(1), null, group(5)] }, { groups: [group(1), null, group(5)] });
  assert.deepEqual(read(twice), { numbers: [1, 5], holes: [[3, 4, 'wrong checksum']], complete: true });
  assert.deepEqual(twice.calls, ['salvage: wrong checksum']);
});

test('rows that should be there and are not are damage; in a salvaged file they are known to be lost', () => {
  const short = files({ groups: [group(1), group(3)] });
  assert.deepEqual([read(short).holes, short.calls], [[[5, 6, 'rows are missing']], ['salvage: rows are missing']]);
  const inside = files({ groups: [group(1), group(5)] });
  assert.deepEqual([read(inside).holes, inside.calls], [[[3, 4, 'rows are missing']], ['salvage: rows are missing']]);
  const last = files({ groups: [group(1), group(3), group(5, 1)] });
  assert.deepEqual([read(last).holes, last.calls], [[[6, 6, 'rows are missing']], ['salvage: rows are missing']]);
  const one = files({ groups: [group(1), group(4, 3)], isSalvaged: true });
  assert.deepEqual([read(one).holes, one.calls], [[[3, 3, 'rows are missing']], []]);
  const known = files({ groups: [group(5)], isSalvaged: true });
  assert.deepEqual([read(known), known.calls], [{ numbers: [5], holes: [[1, 4, 'rows are missing']], complete: true }, []]);
});

test('a row that holds nothing new is passed over', () => {
  const double = files({ groups: [group(1), group(2, 1), group(3), group(5)] });
  assert.deepEqual(read(double), { numbers: [1, 3, 5], holes: [], complete: true });
  assert.deepEqual(double.calls, []);
});

test('a file that is gone is one hole; an error that is none of the disk goes on to the caller', () => {
  assert.deepEqual(read(files(null)), { numbers: [], holes: [[1, 6, 'file is missing']], complete: true });
  assert.throws(() => read(files({ groups: [new TypeError('a mistake')] })), TypeError);
});

test('the group that holds the first number comes whole, and limits end a page where they say', () => {
  const whole = () => files({ groups: [group(1), group(3), group(5)] });
  assert.deepEqual(read(whole(), { parts: [{ ...PART, from: 4 }] }), { numbers: [3, 5], holes: [], complete: true });
  assert.deepEqual(read(whole(), { maxGroups: 2 }), { numbers: [1, 3], holes: [], complete: false });
  assert.deepEqual(read(whole(), { maxBytes: 20 }), { numbers: [1, 3], holes: [], complete: false });
  assert.deepEqual(read(whole(), { maxBytes: 30 }), { numbers: [1, 3, 5], holes: [], complete: true });
  // One group comes however large it is.
  assert.deepEqual(read(whole(), { maxBytes: 1 }), { numbers: [1], holes: [], complete: false });
  const second = { ...PART, name: 'log-1-7.db', first: 7, from: 7, to: 7 };
  assert.deepEqual(read(whole(), { maxGroups: 3, parts: [PART, second] }).complete, false);
  // Full to the byte, and nothing of the second is there.
  const { complete, holes } = read(whole(), { maxBytes: 30, parts: [PART, second] });
  assert.deepEqual([complete, holes], [true, [[7, 7, 'rows are missing']]]);
  assert.deepEqual(read(files(null), { parts: [] }), { numbers: [], holes: [], complete: true });
});
