/**
 * Reads a write-ahead log frame by frame. SQLite silently drops everything after the first wrong checksum; here each
 * frame is checked against its own, which starts from that of the previous frame.
 *
 * @see SQLite, Write-Ahead Logging: The WAL File Format
 */
import { PAGE_BYTES } from './sqlite-page.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
/** Little-endian checksums, as on all supported machines. */
const MAGIC = 0x377f0682;
/** Frames compared for the salts when the header is damaged. */
const SALT_FRAMES = 3;

interface WalFrame {
  page: number;
  image: Buffer;
  /** The checksum is valid. */
  sound: boolean;
}

export interface WalContent {
  /** Of the current generation, up to the last complete commit, oldest first. */
  frames: WalFrame[];
  /** SQLite would stop before the last complete commit. A torn tail is not damage: it was never acknowledged. */
  damaged: boolean;
}

export function readWal(log: Buffer): WalContent {
  if (log.length < HEADER_BYTES + FRAME_BYTES) return { frames: [], damaged: false };
  const isHeaderSound =
    log.readUInt32BE(0) === MAGIC && log.readUInt32BE(8) === PAGE_BYTES && sumOf(log.subarray(0, 24), [0, 0]) === log.readBigUInt64BE(24);
  const salts = saltsOf(log, isHeaderSound);
  const found: (WalFrame & { commits: boolean })[] = [];
  let previous = log.readBigUInt64BE(24);
  for (let offset = HEADER_BYTES; offset + FRAME_BYTES <= log.length; offset += FRAME_BYTES) {
    const frame = log.subarray(offset, offset + FRAME_BYTES);
    const sum = frame.readBigUInt64BE(16);
    const isChained = sumOf(frame.subarray(FRAME_HEADER_BYTES), words(sumOf(frame.subarray(0, 8), words(previous)))) === sum;
    const isOurs = frame.readBigUInt64BE(8) === salts;
    previous = sum;
    if (!isOurs && !isChained) continue;
    found.push({
      page: frame.readUInt32BE(0),
      image: frame.subarray(FRAME_HEADER_BYTES),
      sound: isOurs && isChained,
      commits: frame.readUInt32BE(4) !== 0,
    });
  }
  const frames = found.slice(0, found.findLastIndex(({ commits, sound }) => commits && sound) + 1);
  return { frames, damaged: frames.length > 0 && (!isHeaderSound || frames.some(({ sound }) => !sound)) };
}

function saltsOf(log: Buffer, isHeaderSound: boolean): bigint {
  if (isHeaderSound) return log.readBigUInt64BE(16);
  const first = log.readBigUInt64BE(HEADER_BYTES + 8);
  const candidates = [first];
  const end = Math.min(log.length, HEADER_BYTES + SALT_FRAMES * FRAME_BYTES);
  for (let offset = HEADER_BYTES + FRAME_BYTES; offset + FRAME_BYTES <= end; offset += FRAME_BYTES)
    candidates.push(log.readBigUInt64BE(offset + 8));
  return candidates.find((salts, index) => candidates.indexOf(salts) < index) ?? first;
}

type Words = readonly [number, number];

const words = (sum: bigint): Words => [Number(sum >> 32n), Number(sum & 0xffffffffn)];

/** SQLite's running checksum over pairs of 32-bit words. */
function sumOf(bytes: Buffer, [start0, start1]: Words): bigint {
  let s0 = start0;
  let s1 = start1;
  for (let offset = 0; offset < bytes.length; offset += 8) {
    s0 = (s0 + bytes.readUInt32LE(offset) + s1) >>> 0;
    s1 = (s1 + bytes.readUInt32LE(offset + 4) + s0) >>> 0;
  }
  return (BigInt(s0) << 32n) | BigInt(s1);
}
