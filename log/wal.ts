/**
 * The write-ahead log of a file, frame by frame. SQLite stops at the first frame whose checksum is wrong and drops every
 * later commit without a word; here each frame is held against its own checksum, which starts from the one before it.
 *
 * @see SQLite, Write-Ahead Logging: The WAL File Format
 */
import { PAGE_BYTES } from './sqlite-page.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
/** Checksums in the machine's order; all machines we run on are little-endian. */
const MAGIC = 0x377f0682;
/** Who is to be believed about the salts when the header is damaged. */
const WITNESSES = 3;

interface WalFrame {
  page: number;
  image: Buffer;
  /** Its checksum is right. */
  sound: boolean;
}

export interface WalContent {
  /** Of the present generation, up to the last whole commit, oldest first. */
  frames: WalFrame[];
  /** SQLite would stop before the last whole commit. A tail that was torn off is no damage: nobody was told that it was kept. */
  damaged: boolean;
}

export function readWal(log: Buffer): WalContent {
  const count = Math.floor((log.length - HEADER_BYTES) / FRAME_BYTES);
  if (count <= 0) return { frames: [], damaged: false };
  const isHeaderSound = log.readUInt32BE(0) === MAGIC && log.readUInt32BE(8) === PAGE_BYTES && sumOf(log.subarray(0, 24), [0, 0]) === log.readBigUInt64BE(24);
  const salts = saltsOf(log, count, isHeaderSound);
  const found: (WalFrame & { commits: boolean })[] = [];
  let previous = log.readBigUInt64BE(24);
  for (let at = HEADER_BYTES; at + FRAME_BYTES <= log.length; at += FRAME_BYTES) {
    const frame = log.subarray(at, at + FRAME_BYTES);
    const sum = frame.readBigUInt64BE(16);
    const isChained = sumOf(frame.subarray(FRAME_HEADER_BYTES), words(sumOf(frame.subarray(0, 8), words(previous)))) === sum;
    const isOurs = frame.readBigUInt64BE(8) === salts;
    previous = sum;
    if (!isOurs && !isChained) continue;
    found.push({ page: frame.readUInt32BE(0), image: frame.subarray(FRAME_HEADER_BYTES), sound: isOurs && isChained, commits: frame.readUInt32BE(4) !== 0 });
  }
  const frames = found.slice(0, found.findLastIndex(({ commits, sound }) => commits && sound) + 1);
  return { frames, damaged: frames.length > 0 && (!isHeaderSound || frames.some(({ sound }) => !sound)) };
}

function saltsOf(log: Buffer, frames: number, isHeaderSound: boolean): bigint {
  const header = log.readBigUInt64BE(16);
  if (isHeaderSound) return header;
  const told = Array.from({ length: Math.min(frames, WITNESSES) }, (_, at) => log.readBigUInt64BE(HEADER_BYTES + at * FRAME_BYTES + 8));
  return told.find((salts) => told.filter((other) => other === salts).length > 1) ?? told[0] ?? header;
}

type Words = readonly [number, number];

const words = (sum: bigint): Words => [Number(sum >> 32n), Number(sum & 0xffffffffn)];

/** SQLite's running checksum over pairs of 32-bit words. */
function sumOf(bytes: Buffer, [start0, start1]: Words): bigint {
  let s0 = start0;
  let s1 = start1;
  for (let at = 0; at < bytes.length; at += 8) {
    s0 = (s0 + bytes.readUInt32LE(at) + s1) >>> 0;
    s1 = (s1 + bytes.readUInt32LE(at + 4) + s0) >>> 0;
  }
  return (BigInt(s0) << 32n) | BigInt(s1);
}
