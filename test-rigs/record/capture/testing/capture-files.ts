/** Writes packet captures, for tests of their reader: packets of TCP and UDP by every link type, in every form of file. */
import { parseHostPort } from '../../../../core/net.ts';

export interface SentPacket {
  atUs: number;
  from: string;
  to: string;
  bytes: Uint8Array;
  /** Absent: UDP. */
  tcp?: { seq: number; ack?: number; isSyn?: boolean; isFin?: boolean; isReset?: boolean };
}

export const LINKS = ['ethernet', 'vlan', 'cooked', 'cooked2', 'raw', 'loopback'] as const;
type LinkName = (typeof LINKS)[number];
const LINK_TYPES: Readonly<Record<LinkName, number>> = { ethernet: 1, vlan: 1, cooked: 113, cooked2: 276, raw: 101, loopback: 0 };

export interface CaptureFileFormat {
  form: 'pcap' | 'pcapng';
  little: boolean;
  nanoseconds: boolean;
  link: LinkName;
}

export function captureFile(sent: readonly SentPacket[], { form, little, nanoseconds, link }: CaptureFileFormat): Buffer {
  const u16 = (value: number) => numbered(2, value, little);
  const u32 = (value: number) => numbered(4, value, little);
  const perUs = nanoseconds ? 1000n : 1n;
  const packets = sent.map((one) => ({ ticks: BigInt(one.atUs) * perUs, bytes: framed(one, link) }));
  if (form === 'pcap') {
    const head = [u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4), u16(2), u16(4), u32(0), u32(0), u32(262_144), u32(LINK_TYPES[link])];
    const perSecond = 1_000_000n * perUs;
    return Buffer.concat([
      ...head,
      ...packets.flatMap(({ ticks, bytes }) => [
        u32(Number(ticks / perSecond)),
        u32(Number(ticks % perSecond)),
        u32(bytes.length),
        u32(bytes.length),
        bytes,
      ]),
    ]);
  }
  const block = (type: number, body: Buffer) => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    return Buffer.concat([u32(type), u32(padded.length + 12), padded, u32(padded.length + 12)]);
  };
  const section = block(0x0a0d0d0a, Buffer.concat([u32(0x1a2b3c4d), u16(1), u16(0), Buffer.alloc(8, 0xff)]));
  const resolution = nanoseconds ? Buffer.concat([u16(9), u16(1), Buffer.from([9, 0, 0, 0]), u16(0), u16(0)]) : Buffer.alloc(0);
  const one = block(1, Buffer.concat([u16(LINK_TYPES[link]), u16(0), u32(262_144), resolution]));
  const unknown = block(0x0bad, Buffer.from('left out'));
  return Buffer.concat([
    section,
    one,
    unknown,
    ...packets.map(({ ticks, bytes }) =>
      block(
        6,
        Buffer.concat([u32(0), u32(Number(ticks >> 32n)), u32(Number(ticks & 0xffff_ffffn)), u32(bytes.length), u32(bytes.length), bytes]),
      ),
    ),
  ]);
}

function numbered(size: 2 | 4, value: number, little: boolean): Buffer {
  const bytes = Buffer.alloc(size);
  if (little) bytes.writeUIntLE(value, 0, size);
  else bytes.writeUIntBE(value, 0, size);
  return bytes;
}

function framed(sent: SentPacket, link: LinkName): Buffer {
  const isV6 = sent.from.startsWith('[');
  const type = isV6 ? [0x86, 0xdd] : [8, 0];
  const ip = isV6 ? ipv6(sent) : ipv4(sent);
  if (link === 'raw') return ip;
  if (link === 'loopback') return Buffer.concat([Buffer.from([2, 0, 0, 0]), ip]);
  if (link === 'cooked') return Buffer.concat([Buffer.alloc(14), Buffer.from(type), ip]);
  if (link === 'cooked2') return Buffer.concat([Buffer.from(type), Buffer.alloc(18), ip]);
  return Buffer.concat([Buffer.alloc(12), Buffer.from(link === 'vlan' ? [0x88, 0xa8, 0, 5, 0x81, 0, 0, 7, ...type] : type), ip]);
}

function segment({ from, to, bytes, tcp }: SentPacket): Buffer {
  const ports = Buffer.concat([numbered(2, parseHostPort(from).port, false), numbered(2, parseHostPort(to).port, false)]);
  if (!tcp) return Buffer.concat([ports, numbered(2, bytes.length + 8, false), Buffer.alloc(2), bytes]);
  const flags = (tcp.isFin ? 1 : 0) | (tcp.isSyn ? 2 : 0) | (tcp.isReset ? 4 : 0) | (tcp.ack === undefined ? 0 : 16);
  return Buffer.concat([
    ports,
    numbered(4, tcp.seq >>> 0, false),
    numbered(4, (tcp.ack ?? 0) >>> 0, false),
    Buffer.from([5 << 4, flags]),
    Buffer.alloc(6),
    bytes,
  ]);
}

function ipv4(sent: SentPacket): Buffer {
  const inside = segment(sent);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + inside.length, 2);
  ip[9] = sent.tcp ? 6 : 17;
  ip.set(parseHostPort(sent.from).host.split('.').map(Number), 12);
  ip.set(parseHostPort(sent.to).host.split('.').map(Number), 16);
  return Buffer.concat([ip, inside]);
}

/** With an extension header before what it carries. */
function ipv6(sent: SentPacket): Buffer {
  const inside = segment(sent);
  const ip = Buffer.alloc(48);
  ip[0] = 0x60;
  ip.writeUInt16BE(8 + inside.length, 4);
  ip[6] = 0;
  ip[40] = sent.tcp ? 6 : 17;
  const words = (host: string) => Buffer.concat(host.split(':').map((word) => numbered(2, Number.parseInt(word, 16), false)));
  ip.set(words(parseHostPort(sent.from).host), 8);
  ip.set(words(parseHostPort(sent.to).host), 24);
  return Buffer.concat([ip, inside]);
}
