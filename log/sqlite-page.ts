/**
 * Reads rows from raw pages without relying on the file header, the B-tree or cell counts. The caller's checksum decides
 * which rows are real. As tolerant as SQLite, so that every row it can read is found.
 *
 * @see SQLite, Database File Format: B-tree Pages, Record Format
 */

/** Fixed; never read from a header, which may be damaged. */
export const PAGE_BYTES = 4096;
const LEAF_HEADER_BYTES = 8;
/** Payloads up to this size have no overflow pages. */
const MAX_LOCAL_BYTES = PAGE_BYTES - 35;
/** Of larger ones at least this much: (PAGE_BYTES − 12) × 32 / 255 − 23, rounded down. */
const MIN_LOCAL_BYTES = 489;
/** Larger than any group. */
const MAX_ROW_BYTES = 64 << 20;
const MAX_COLUMNS = 16;

/** A row in a leaf page; the rest is in a chain of overflow pages. */
export interface LeafCell {
  rowid: number;
  bytes: number;
  local: Buffer;
  /** 0 without overflow. */
  overflowPage: number;
}

export type ColumnValue = number | string | Buffer | null;

/** All possible cells of a page, taken as a table leaf: every possible cell pointer is tried. */
export function findLeafCells(page: Buffer): LeafCell[] {
  const cells: LeafCell[] = [];
  // Overflow pages start with the number of the next page, and no file has 2^24 pages.
  if (page[0] === 0) return cells;
  for (let offset = LEAF_HEADER_BYTES; offset + 2 <= page.length; offset += 2) {
    // SQLite wraps pointers past the end of the page.
    const pointer = page.readUInt16BE(offset) % PAGE_BYTES;
    const cell = pointer > LEAF_HEADER_BYTES ? cellAt(page, pointer) : null;
    if (cell) cells.push(cell);
  }
  return cells;
}

function cellAt(page: Buffer, offset: number): LeafCell | null {
  const bytes = varint(page, offset);
  const rowid = bytes && varint(page, bytes.next);
  if (!rowid || bytes.value < 4 || bytes.value > MAX_ROW_BYTES || !Number.isSafeInteger(rowid.value)) return null;
  const localBytes = localBytesOf(bytes.value);
  const end = rowid.next + localBytes;
  const isWhole = localBytes === bytes.value;
  if (end + (isWhole ? 0 : 4) > page.length) return null;
  return {
    rowid: rowid.value,
    bytes: bytes.value,
    local: page.subarray(rowid.next, end),
    overflowPage: isWhole ? 0 : page.readUInt32BE(end),
  };
}

function localBytesOf(bytes: number): number {
  // Of a payload that fits whole, this is its size.
  const fitting = MIN_LOCAL_BYTES + ((bytes - MIN_LOCAL_BYTES) % (PAGE_BYTES - 4));
  return fitting <= MAX_LOCAL_BYTES ? fitting : MIN_LOCAL_BYTES;
}

/** Reads a cell's payload with its overflow pages. @param pageAt null when there is no such page */
export function readCellPayload(cell: LeafCell, pageAt: (page: number) => Buffer | null): Buffer | null {
  const parts = [cell.local];
  let left = cell.bytes - cell.local.length;
  for (let next = cell.overflowPage; left > 0;) {
    const page = pageAt(next);
    if (!page) return null;
    const part = page.subarray(4, 4 + left);
    parts.push(part);
    left -= part.length;
    next = page.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

/** The columns of a record; null when invalid. */
export function decodeRecord(record: Buffer): ColumnValue[] | null {
  const header = varint(record, 0);
  if (!header) return null;
  const values: ColumnValue[] = [];
  let body = header.value;
  for (let offset = header.next; offset < header.value;) {
    const type = varint(record, offset);
    if (!type || values.length === MAX_COLUMNS) return null;
    const bytes = bytesOf(type.value);
    if (body + bytes > record.length) return null;
    values.push(valueOf(record.subarray(body, body + bytes), type.value));
    body += bytes;
    offset = type.next;
  }
  return body === record.length ? values : null;
}

/** Types 10 and 11 are reserved, and read as NULL. */
const FIXED_BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

function bytesOf(type: number): number {
  return type >= 12 ? Math.floor((type - 12) / 2) : (FIXED_BYTES[type] as number);
}

function valueOf(bytes: Buffer, type: number): ColumnValue {
  if (type >= 12) return type % 2 === 0 ? bytes : bytes.toString('utf8');
  if (type === 0 || type === 10 || type === 11) return null;
  if (type === 8 || type === 9) return type - 8;
  if (type === 6) return Number(bytes.readBigInt64BE(0));
  return type === 7 ? bytes.readDoubleBE(0) : bytes.readIntBE(0, bytes.length);
}

function varint(bytes: Buffer, offset: number): { value: number; next: number } | null {
  let value = 0;
  for (let step = 0; ; step += 1) {
    const byte = bytes[offset + step];
    if (byte === undefined) return null;
    if (step === 8) return { value: value * 256 + byte, next: offset + 9 };
    value = value * 128 + (byte & 0x7f);
    if (byte < 128) return { value, next: offset + step + 1 };
  }
}
