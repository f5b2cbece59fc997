/** Cells and records by hand, at the bounds of what counts as one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLeafCells, PAGE_BYTES, readCellPayload, decodeRecord } from './sqlite-page.ts';

const LEAF = 13;

/** A leaf that points to one place, where these bytes lie. */
function pageWith(offset: number, bytes: number[]): Buffer {
  const page = Buffer.alloc(PAGE_BYTES);
  page[0] = LEAF;
  page.writeUInt16BE(offset, 8);
  Buffer.from(bytes).copy(page, offset);
  return page;
}
const found = (offset: number, bytes: number[]) =>
  findLeafCells(pageWith(offset, bytes)).map(({ rowid, bytes: size, local, overflowPage }) => [rowid, size, local.length, overflowPage]);

test('a cell is its size, its number and its bytes', () => {
  assert.deepEqual(found(100, [5, 7, 1, 2, 3, 4, 5]), [[7, 5, 5, 0]]);
  assert.deepEqual(
    findLeafCells(pageWith(100, [4, 0x81, 0x00, 1, 2, 3, 4])).map(({ rowid, local }) => [rowid, [...local]]),
    [[128, [1, 2, 3, 4]]],
  );
});

test('each pointer of a leaf is tried, the last one that it can hold too', () => {
  for (const slot of [8, 10, 12, PAGE_BYTES - 2]) {
    const page = Buffer.alloc(PAGE_BYTES);
    page[0] = LEAF;
    page.writeUInt16BE(2000, slot);
    Buffer.from([4, 7, 1, 2, 3, 4]).copy(page, 2000);
    assert.deepEqual(findLeafCells(page).map(({ local }) => [...local]), [[1, 2, 3, 4]], `at ${slot}`);
  }
});

test('a number may take nine bytes, of which the last has eight bits', () => {
  const nine = (...last: number[]) => [4, ...Array<number>(9 - last.length).fill(0x80), ...last, 1, 2, 3, 4];
  assert.deepEqual(found(100, nine(0x81, 0x05)), [[0x105, 4, 4, 0]]);
  assert.deepEqual(found(100, nine(0xff)), [[0xff, 4, 4, 0]]);
  assert.deepEqual([...findLeafCells(pageWith(100, nine(0xff)))[0]?.local ?? []], [1, 2, 3, 4]);
  // Its size in nine bytes as well.
  assert.deepEqual(found(100, [...Array<number>(8).fill(0x80), 4, 7, 1, 2, 3, 4]), [[7, 4, 4, 0]]);
});

test('what is too small, too large, without a safe number, or beyond the page is none', () => {
  assert.deepEqual(found(100, [3, 7, 1, 2, 3]), []);
  assert.deepEqual(found(100, [4, 7]), [[7, 4, 4, 0]]);
  // 64 MB, and one more.
  assert.deepEqual(found(100, [0xa0, 0x80, 0x80, 0x00, 7]).map(([rowid, bytes]) => [rowid, bytes]), [[7, 64 << 20]]);
  assert.deepEqual(found(100, [0xa0, 0x80, 0x80, 0x01, 7]), []);
  assert.deepEqual(found(100, [4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]), []);
  assert.deepEqual(found(PAGE_BYTES - 1, [4]), []);
  assert.deepEqual(found(PAGE_BYTES - 1, [0x84]), []);
  assert.deepEqual(found(PAGE_BYTES - 6, [4, 7]), [[7, 4, 4, 0]]);
  assert.deepEqual(found(PAGE_BYTES - 5, [4, 7]), []);
});

test('a pointer into the header is none, and one past the end begins again at the start, as SQLite does it', () => {
  const header = Buffer.alloc(PAGE_BYTES);
  Buffer.from([LEAF, 0, 0, 0, 0, 0, 0, 0, 4, 7, 0, 8, 5]).copy(header);
  assert.deepEqual(findLeafCells(header), []);
  header[11] = 9;
  header[9] = 9;
  assert.equal(findLeafCells(header).length, 1, 'a cell may begin where pointers end');
  const page = pageWith(100, [4, 7]);
  page.writeUInt16BE(100 + PAGE_BYTES, 8);
  assert.deepEqual(findLeafCells(page).map(({ rowid }) => rowid), [7]);
  page[0] = 0;
  assert.deepEqual(findLeafCells(page), [], 'a page of an overflow chain');
});

test('what does not fit into the leaf goes on in a chain of pages', () => {
  // Up to 4061 bytes lie in the leaf; of one more, 489 and the number of the next page.
  assert.deepEqual(found(20, [0x9f, 0x5d, 7]), [[7, 4061, 4061, 0]]);
  const page = pageWith(20, [0x9f, 0x5e, 7, ...Array<number>(489).fill(1), 0, 0, 0, 9]);
  const [cell] = findLeafCells(page);
  assert.deepEqual([cell?.rowid, cell?.bytes, cell?.local.length, cell?.overflowPage], [7, 4062, 489, 9]);
  const end = PAGE_BYTES - (3 + 489 + 4);
  assert.deepEqual([end, end + 1].map((offset) => found(offset, [0x9f, 0x5e, 7]).length), [1, 0]);
  // One page of 4092 bytes more, and as much lies in the leaf as before.
  assert.deepEqual(found(20, [0xbf, 0x59, 7]), [[7, 8153, 4061, 0]]);
  assert.deepEqual(found(20, [0xbf, 0x5a, 7]), [[7, 8154, 489, 0]]);
  const next = Buffer.alloc(PAGE_BYTES, 2);
  const payload = readCellPayload(cell as never, (number) => (number === 9 ? next : null));
  assert.deepEqual([payload?.length, payload?.[488], payload?.[489], payload?.[4061]], [4062, 1, 2, 2]);
  assert.equal(readCellPayload(cell as never, () => null), null);
});

test('a chain is followed to the last byte, and no further', () => {
  const local = Buffer.alloc(489, 1);
  const pages = new Map([5, 6, 7].map((page) => [page, Buffer.alloc(PAGE_BYTES, page)]));
  for (const [page, image] of pages) image.writeUInt32BE(page + 1, 0);
  const asked: number[] = [];
  const read = (bytes: number) => readCellPayload({ rowid: 1, bytes, local, overflowPage: 5 }, (page) => {
    asked.push(page);
    return pages.get(page) ?? null;
  });
  const whole = Buffer.concat([local, ...[...pages.values()].map((page) => page.subarray(4))]);
  for (const [bytes, count] of [[490, 1], [489 + 4092, 1], [489 + 4093, 2], [489 + 2 * 4092 + 1, 3], [whole.length, 3]] as const) {
    assert.ok(read(bytes)?.equals(whole.subarray(0, bytes)), `${bytes} bytes`);
    assert.deepEqual(asked.splice(0), [5, 6, 7].slice(0, count));
  }
  assert.equal(read(whole.length + 1), null);
  assert.deepEqual(readCellPayload({ rowid: 1, bytes: 489, local, overflowPage: 0 }, () => null), local);
});

test('each type of a column takes its bytes, and says what they are', () => {
  const minusTwo = (bytes: number) => [...Array<number>(bytes - 1).fill(0xff), 0xfe];
  const half = Buffer.alloc(8);
  half.writeDoubleBE(0.5);
  for (const [type, bytes, value] of [
    [0, [], null],
    [1, minusTwo(1), -2],
    [2, minusTwo(2), -2],
    [3, minusTwo(3), -2],
    [4, minusTwo(4), -2],
    [5, minusTwo(6), -2],
    [6, minusTwo(8), -2],
    [7, [...half], 0.5],
    [8, [], 0],
    [9, [], 1],
    [10, [], null],
    [11, [], null],
    [12, [], Buffer.alloc(0)],
    [13, [], ''],
    [14, [66], Buffer.from('B')],
    [15, [66], 'B'],
    [16, [66, 67], Buffer.from('BC')],
    [17, [66, 67], 'BC'],
  ] as const) {
    assert.deepEqual(decodeRecord(Buffer.from([3, type, 1, ...bytes, 77])), [value, 77], `type ${type}`);
    if (bytes.length > 0) assert.equal(decodeRecord(Buffer.from([2, type, ...bytes.slice(1)])), null, `type ${type}, cut short`);
  }
});

test('a record is its columns to the last byte, or none', () => {
  const eight = (value: number) =>
    [...new Float64Array([value])].flatMap((one) => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(one);
      return [...bytes];
    });
  assert.deepEqual(decodeRecord(Buffer.from([4, 1, 8, 15, 5, 65])), [5, 0, 'A']);
  assert.deepEqual(decodeRecord(Buffer.from([7, 0, 9, 2, 7, 14, 10, 0xff, 0xfe, ...eight(1.5), 66])), [
    null,
    1,
    -2,
    1.5,
    Buffer.from('B'),
    null,
  ]);
  assert.deepEqual(decodeRecord(Buffer.from([2, 6, 0, 0, 0, 0, 0, 0, 1, 0])), [256]);
  assert.deepEqual(decodeRecord(Buffer.from([2, 1, 5, 0])), null, 'a byte too many');
  assert.deepEqual(decodeRecord(Buffer.from([2, 2, 5])), null, 'a byte too few');
  assert.deepEqual(decodeRecord(Buffer.from([9, 1])), null, 'a header longer than the record');
  assert.deepEqual(decodeRecord(Buffer.from([17, ...Array<number>(16).fill(9)])), Array<number>(16).fill(1));
  assert.deepEqual(decodeRecord(Buffer.from([18, ...Array<number>(17).fill(9)])), null, 'more columns than any table of ours');
  assert.deepEqual(decodeRecord(Buffer.alloc(0)), null);
});
