/**
 * A small reader of packet captures for tests: classic pcap (both byte orders, µs and ns), Ethernet (with VLAN tags),
 * Linux cooked, loopback and raw link types, IPv4, TCP put back in order. What it does not know it leaves out.
 *
 * @see draft-ietf-opsawg-pcap
 */

export interface Packet {
  /** µs since 1970, UTC. */
  atUs: number;
  linkType: number;
  bytes: Buffer;
}

/** A run of bytes of one side, in the order of the stream. */
export interface Piece {
  atUs: number;
  /** `host:port` of the sender. */
  from: string;
  bytes: Buffer;
  /** True when bytes before this piece are missing from the capture: what was begun cannot be finished. */
  afterGap: boolean;
}

/** One TCP connection, pieces of both sides in the order in which they became whole. */
export interface Conversation {
  sides: [string, string];
  pieces: Piece[];
}

const MAGICS: Readonly<Record<string, { little: boolean; perUs: number }>> = {
  a1b2c3d4: { little: false, perUs: 1 }, d4c3b2a1: { little: true, perUs: 1 },
  a1b23c4d: { little: false, perUs: 1000 }, '4d3cb2a1': { little: true, perUs: 1000 },
};

/** @throws when the file is no classic pcap; a file that ends within a packet gives the packets before it */
export function readPcap(file: Uint8Array): Packet[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const magic = MAGICS[bytes.subarray(0, 4).toString('hex')];
  if (!magic || bytes.length < 24) throw new Error('not a pcap file');
  const u32 = (at: number) => (magic.little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const linkType = u32(20) & 0xffff;
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= bytes.length;) {
    const length = u32(at + 8);
    if (at + 16 + length > bytes.length) break;
    packets.push({ atUs: u32(at) * 1e6 + Math.floor(u32(at + 4) / magic.perUs), linkType, bytes: bytes.subarray(at + 16, at + 16 + length) });
    at += 16 + length;
  }
  return packets;
}

interface Segment {
  atUs: number;
  from: string;
  to: string;
  seq: number;
  syn: boolean;
  /** Payload bytes on the wire; more than `bytes` when the capture cut the packet short. */
  length: number;
  bytes: Buffer;
}

const ETHERNET = 1;
const LINUX_COOKED = 113;
const VLAN = 0x8100;
const IPV4 = 0x0800;
const TCP = 6;

/** Where the IPv4 header begins; null when the packet carries none. */
function ipv4At({ linkType, bytes }: Packet): number | null {
  if (linkType === 101 || linkType === 228) return 0;
  if (linkType === 0) return 4;
  let at = linkType === ETHERNET ? 12 : linkType === LINUX_COOKED ? 14 : -1;
  if (at < 0) return null;
  while (at + 2 <= bytes.length && bytes.readUInt16BE(at) === VLAN) at += 4;
  return at + 2 <= bytes.length && bytes.readUInt16BE(at) === IPV4 ? at + 2 : null;
}

function tcpSegment(packet: Packet): Segment | null {
  const ipAt = ipv4At(packet);
  if (ipAt === null) return null;
  const ip = packet.bytes.subarray(ipAt);
  if (ip.length < 20 || ip.readUInt8(0) >>> 4 !== 4 || ip.readUInt8(9) !== TCP || (ip.readUInt16BE(6) & 0x1fff) !== 0) return null;
  const ipHeader = (ip.readUInt8(0) & 15) * 4;
  const tcp = ip.subarray(ipHeader);
  if (ipHeader < 20 || tcp.length < 20) return null;
  const tcpHeader = (tcp.readUInt8(12) >>> 4) * 4;
  const length = ip.readUInt16BE(2) - ipHeader - tcpHeader;
  if (tcpHeader < 20 || length < 0) return null;
  const host = (at: number) => [...ip.subarray(at, at + 4)].join('.');
  return {
    atUs: packet.atUs, seq: tcp.readUInt32BE(4), syn: (tcp.readUInt8(13) & 2) !== 0, length,
    from: `${host(12)}:${tcp.readUInt16BE(0)}`, to: `${host(16)}:${tcp.readUInt16BE(2)}`,
    bytes: tcp.subarray(tcpHeader, tcpHeader + length),
  };
}

/** Signed distance of two sequence numbers, which wrap at 2^32. */
function distance(seq: number, from: number): number {
  return (seq - from) | 0;
}

/** One direction: hands pieces on in order, holds what came early, drops what came twice. */
class Side {
  #next: number | null = null;
  #early: Segment[] = [];
  #gap = false;
  readonly #give: (piece: Piece) => void;

  constructor(give: (piece: Piece) => void) {
    this.#give = give;
  }

  take(segment: Segment): void {
    if (segment.syn) {
      this.finish();
      this.#next = (segment.seq + 1) >>> 0;
      return;
    }
    if (segment.length === 0) return;
    this.#next ??= segment.seq;
    this.#early.push(segment);
    this.#drain();
  }

  /** Gives what was held behind bytes that never came. */
  finish(): void {
    while (this.#early.length > 0) {
      this.#next = this.#early.toSorted((a, b) => distance(a.seq, b.seq))[0]?.seq ?? null;
      this.#gap = true;
      this.#drain();
    }
  }

  #drain(): void {
    for (;;) {
      const next = this.#next as number;
      const at = this.#early.findIndex((segment) => distance(segment.seq, next) <= 0);
      if (at < 0) return;
      const [segment] = this.#early.splice(at, 1) as [Segment];
      const known = -distance(segment.seq, next);
      if (known >= segment.length) continue;
      this.#next = (segment.seq + segment.length) >>> 0;
      const bytes = segment.bytes.subarray(known);
      if (bytes.length > 0) this.#give({ atUs: segment.atUs, from: segment.from, bytes, afterGap: this.#gap });
      this.#gap = segment.bytes.length < segment.length;
    }
  }
}

/** The TCP connections of a capture, told apart by both ends' addresses. */
export function tcpConversations(packets: readonly Packet[]): Conversation[] {
  const open = new Map<string, { conversation: Conversation; sides: Map<string, Side> }>();
  for (const packet of packets) {
    const segment = tcpSegment(packet);
    if (!segment) continue;
    const key = [segment.from, segment.to].toSorted().join(' ');
    let entry = open.get(key);
    if (!entry) open.set(key, entry = { conversation: { sides: [segment.from, segment.to], pieces: [] }, sides: new Map() });
    const { conversation, sides } = entry;
    let side = sides.get(segment.from);
    if (!side) sides.set(segment.from, side = new Side((piece) => conversation.pieces.push(piece)));
    side.take(segment);
  }
  for (const { sides } of open.values()) for (const side of sides.values()) side.finish();
  return [...open.values()].map(({ conversation }) => conversation);
}
