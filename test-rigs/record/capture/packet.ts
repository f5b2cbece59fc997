/**
 * From a captured packet to what TCP or UDP carried: Ethernet with VLAN tags, Linux cooked v1 and v2, loopback and raw
 * links; IPv4 and IPv6 with extension headers. What else it may be is left out. Pure.
 */
import type { Packet } from './file.ts';

export interface PacketPayload {
  atUs: number;
  /** `host:port`; IPv6 hosts in brackets. */
  from: string;
  to: string;
  /** Payload bytes on the wire; more than `bytes` when the capture cut the packet short. */
  length: number;
  bytes: Buffer;
  /** Absent: UDP. */
  tcp?: { seq: number; ack: number | null; isSyn: boolean; isFin: boolean; isReset: boolean };
}

const ETHERNET = 1;
const BSD_LOOPBACK = 0;
const OPENBSD_LOOPBACK = 108;
const RAW = 101;
const OLD_RAW = new Set([12, 14]);
const RAW_IPV4 = 228;
const RAW_IPV6 = 229;
const LINUX_COOKED = 113;
const LINUX_COOKED_2 = 276;

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const VLAN = new Set([0x8100, 0x88a8, 0x9100]);
const TCP = 6;
const UDP = 17;
/** Hop-by-hop, routing, destination options, mobility, HIP, shim6: each with its length in 8 bytes, less one. */
const EXTENSIONS = new Set([0, 43, 60, 135, 139, 140]);
const FRAGMENT = 44;
const AUTHENTICATION = 51;

/** null: neither TCP nor UDP, a fragment, or too short to tell. */
export function payloadOfPacket(packet: Packet): PacketPayload | null {
  const { bytes } = packet;
  const at = internetAt(packet);
  if (at === null || at >= bytes.length) return null;
  const ip = bytes.subarray(at);
  const version = ip.readUInt8(0) >>> 4;
  return version === 4 ? inIpv4(packet.atUs, ip) : version === 6 ? inIpv6(packet.atUs, ip) : null;
}

/** Where the IP header begins. */
function internetAt({ linkType, bytes }: Packet): number | null {
  if (linkType === RAW || OLD_RAW.has(linkType) || linkType === RAW_IPV4 || linkType === RAW_IPV6) return 0;
  if (linkType === BSD_LOOPBACK || linkType === OPENBSD_LOOPBACK) return 4;
  if (linkType === LINUX_COOKED_2) return bytes.length >= 20 ? tagged(bytes, 0, 20) : null;
  if (linkType === LINUX_COOKED) return tagged(bytes, 14, 16);
  return linkType === ETHERNET ? tagged(bytes, 12, 14) : null;
}

/** Behind VLAN tags. @param typeAt where the first type stands. @param next where what it speaks of begins */
function tagged(bytes: Buffer, typeAt: number, next: number): number | null {
  let [at, body] = [typeAt, next];
  while (at + 2 <= bytes.length && VLAN.has(bytes.readUInt16BE(at))) [at, body] = [body + 2, body + 4];
  if (at + 2 > bytes.length) return null;
  const type = bytes.readUInt16BE(at);
  return type === IPV4 || type === IPV6 ? body : null;
}

function inIpv4(atUs: number, ip: Buffer): PacketPayload | null {
  if (ip.length < 20) return null;
  const header = (ip.readUInt8(0) & 15) * 4;
  const fragment = ip.readUInt16BE(6);
  if (header < 20 || ip.length < header || (fragment & 0x3fff) !== 0) return null;
  // Offloading network cards leave the length 0.
  const total = ip.readUInt16BE(2) || ip.length;
  const host = (at: number) => [...ip.subarray(at, at + 4)].join('.');
  return transport(atUs, ip.readUInt8(9), ip.subarray(header), total - header, host(12), host(16));
}

function inIpv6(atUs: number, ip: Buffer): PacketPayload | null {
  if (ip.length < 40) return null;
  let next = ip.readUInt8(6);
  let at = 40;
  const end = 40 + (ip.readUInt16BE(4) || ip.length - 40);
  while (at + 8 <= ip.length) {
    if (next === FRAGMENT) {
      if ((ip.readUInt16BE(at + 2) & 0xfff9) !== 0) return null;
      next = ip.readUInt8(at);
      at += 8;
    } else if (EXTENSIONS.has(next) || next === AUTHENTICATION) {
      const length = ip.readUInt8(at + 1);
      const bytes = next === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
      next = ip.readUInt8(at);
      at += bytes;
    } else break;
  }
  if (at > ip.length) return null;
  const host = (from: number) => `[${Array.from({ length: 8 }, (_, word) => ip.readUInt16BE(from + word * 2).toString(16)).join(':')}]`;
  return transport(atUs, next, ip.subarray(at), end - at, host(8), host(24));
}

function transport(atUs: number, protocol: number, bytes: Buffer, wireBytes: number, source: string, target: string): PacketPayload | null {
  if (bytes.length < 8 || (protocol !== TCP && protocol !== UDP)) return null;
  const ends = { atUs, from: `${source}:${bytes.readUInt16BE(0)}`, to: `${target}:${bytes.readUInt16BE(2)}` };
  if (protocol === UDP) {
    const length = wireBytes - 8;
    return length < 0 ? null : { ...ends, length, bytes: bytes.subarray(8, 8 + length) };
  }
  if (bytes.length < 20) return null;
  const header = (bytes.readUInt8(12) >>> 4) * 4;
  const length = wireBytes - header;
  if (header < 20 || length < 0) return null;
  const flags = bytes.readUInt8(13);
  return {
    ...ends,
    length,
    bytes: bytes.subarray(header, header + length),
    tcp: {
      seq: bytes.readUInt32BE(4),
      ack: flags & 16 ? bytes.readUInt32BE(8) : null,
      isSyn: (flags & 2) !== 0,
      isFin: (flags & 1) !== 0,
      isReset: (flags & 4) !== 0,
    },
  };
}
