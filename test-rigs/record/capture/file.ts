/**
 * Packet captures: pcap (both byte orders, µs and ns) and pcapng (sections, interfaces, their clocks' resolution).
 *
 * @see draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng
 */
import { FaultError } from '../../../core/faults.ts';
import '../../../cases/faults.ts';

export interface Packet {
  /** µs since 1970, UTC; 0 where the capture does not say. */
  atUs: number;
  /** LINKTYPE_… */
  linkType: number;
  bytes: Buffer;
}

export interface Capture {
  packets: Packet[];
  /** The file ends within a packet or block: what follows its last whole one. */
  cutAt: number | null;
}

const PCAP: Readonly<Record<string, { little: boolean; perUs: number }>> = {
  a1b2c3d4: { little: false, perUs: 1 }, d4c3b2a1: { little: true, perUs: 1 },
  a1b23c4d: { little: false, perUs: 1000 }, '4d3cb2a1': { little: true, perUs: 1000 },
};
const SECTION = 0x0a0d0d0a;
/** Longer packets are no packets: the file is damaged. */
const MAX_PACKET_BYTES = 64 << 20;

/** @param path how the file is spoken of. @throws CV_CAPTURE_UNREADABLE */
export function readCapture(path: string, file: Uint8Array): Capture {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const begin = bytes.subarray(0, 4).toString('hex');
  const magic = PCAP[begin];
  if (magic && bytes.length >= 24) return readPcap(bytes, magic);
  if (begin === '0a0d0d0a' && bytes.length >= 28) return readPcapng(path, bytes);
  throw unreadable(
    path,
    bytes.length < 4 ? `${bytes.length} bytes` : `it begins with ${begin}`,
    bytes.length < 4 ? `只有 ${bytes.length} 字节` : `开头为 ${begin}`,
  );
}

const unreadable = (path: string, detail: string, detailZh: string): FaultError =>
  new FaultError('CV_CAPTURE_UNREADABLE', { path, detail, detailZh });

function readPcap(bytes: Buffer, { little, perUs }: { little: boolean; perUs: number }): Capture {
  const u32 = (offset: number) => (little ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset));
  // The upper bits hold the length of a frame's check sequence.
  const linkType = u32(20) & 0xffff;
  const packets: Packet[] = [];
  let at = 24;
  for (; at + 16 <= bytes.length;) {
    const length = u32(at + 8);
    if (length > MAX_PACKET_BYTES || at + 16 + length > bytes.length) break;
    packets.push({ atUs: u32(at) * 1e6 + Math.floor(u32(at + 4) / perUs), linkType, bytes: bytes.subarray(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  return { packets, cutAt: at < bytes.length ? at : null };
}

interface Interface {
  linkType: number;
  snapBytes: number;
  /** Ticks of its clock to µs since 1970. */
  toUs(ticks: bigint): number;
}

function readPcapng(path: string, bytes: Buffer): Capture {
  const packets: Packet[] = [];
  let interfaces: Interface[] = [];
  let little = true;
  let at = 0;
  while (at + 12 <= bytes.length) {
    const isSection = bytes.readUInt32BE(at) === SECTION;
    if (isSection) {
      little = bytes.readUInt32LE(at + 8) === 0x1a2b3c4d;
      if (!little && bytes.readUInt32BE(at + 8) !== 0x1a2b3c4d) {
        if (at === 0) throw unreadable(path, 'no byte-order magic', '缺少字节序标记');
        break;
      }
      interfaces = [];
    }
    const section = reader(bytes, little);
    const length = section.u32(at + 4);
    if (length < 12 || length % 4 !== 0 || at + length > bytes.length) break;
    const body = { from: at + 8, until: at + length - 4 };
    const type = isSection ? SECTION : section.u32(at);
    if (type === 1 && body.until - body.from >= 8) interfaces.push(interfaceOf(section, body));
    else if (type === 6 || type === 2 || type === 3) {
      const packet = packetOf(type, section, body, interfaces);
      if (packet) packets.push(packet);
    }
    at += length;
  }
  return { packets, cutAt: at < bytes.length ? at : null };
}

interface Reader {
  bytes: Buffer;
  u16(at: number): number;
  u32(at: number): number;
  u64(at: number): bigint;
}

function reader(bytes: Buffer, little: boolean): Reader {
  return {
    bytes,
    u16: (offset) => (little ? bytes.readUInt16LE(offset) : bytes.readUInt16BE(offset)),
    u32: (offset) => (little ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset)),
    u64: (offset) => (little ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset)),
  };
}

const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;

function interfaceOf(section: Reader, { from, until }: { from: number; until: number }): Interface {
  let perSecond = 1_000_000n;
  let offsetUs = 0;
  for (let offset = from + 8; offset + 4 <= until;) {
    const [code, length] = [section.u16(offset), section.u16(offset + 2)];
    if (code === 0 || offset + 4 + length > until) break;
    if (code === IF_TSRESOL && length === 1) {
      const exponent = section.bytes.readUInt8(offset + 4);
      perSecond = exponent & 0x80 ? 1n << BigInt(exponent & 0x7f) : 10n ** BigInt(exponent);
    }
    if (code === IF_TSOFFSET && length === 8) offsetUs = Number(BigInt.asIntN(64, section.u64(offset + 4))) * 1e6;
    offset += 4 + length + ((4 - (length % 4)) % 4);
  }
  return {
    linkType: section.u16(from),
    snapBytes: section.u32(from + 4) || Infinity,
    toUs: (ticks) => Number((ticks * 1_000_000n) / perSecond) + offsetUs,
  };
}

/** Enhanced (6), obsolete (2) and simple (3) packet blocks. */
function packetOf(
  type: 2 | 3 | 6,
  section: Reader,
  { from, until }: { from: number; until: number },
  interfaces: readonly Interface[],
): Packet | null {
  if (type === 3) {
    const [only] = interfaces;
    if (!only || until - from < 4) return null;
    const length = Math.min(section.u32(from), only.snapBytes, until - from - 4);
    return { atUs: 0, linkType: only.linkType, bytes: section.bytes.subarray(from + 4, from + 4 + length) };
  }
  if (until - from < 20) return null;
  const one = interfaces[type === 6 ? section.u32(from) : section.u16(from)];
  const length = section.u32(from + 12);
  if (!one || from + 20 + length > until) return null;
  const ticks = (BigInt(section.u32(from + 4)) << 32n) | BigInt(section.u32(from + 8));
  return { atUs: one.toUs(ticks), linkType: one.linkType, bytes: section.bytes.subarray(from + 20, from + 20 + length) };
}
