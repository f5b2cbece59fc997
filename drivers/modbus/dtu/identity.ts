/** Identifies a DTU by its registration packet. Pure. */
import { anyFrame } from '../rtu.ts';
import type { ModbusSettings } from '../settings.ts';

/** How a DTU is told from the others of its port. */
export interface DtuIdentity {
  /** Its name in faults, and its key. */
  name: string;
  /** Its registration packet; null for one that sends none and is identified by the unit that answers behind it. */
  registration: { ascii?: string; hex?: Buffer; imei?: string } | null;
  /** The identifying unit, without registration packet. */
  unit: number;
  heartbeats: Buffer[];
}

export function dtuIdentity(
  name: string,
  { registration = {}, heartbeat, unit }: Pick<ModbusSettings, 'registration' | 'heartbeat' | 'unit'>,
): DtuIdentity {
  const { ascii, hex, imei, unit: identifyingUnit } = registration;
  const says = imei !== undefined ? { imei } : ascii !== undefined ? { ascii } : hex !== undefined ? { hex: fromHex(hex) } : null;
  return { name, registration: says, unit: identifyingUnit ?? unit, heartbeats: heartbeat ? [bytesOf(heartbeat)] : [] };
}

/**
 * Whether a packet is the registration of this DTU, as a whole: `DTU-1` does not match `DTU-10`. A packet sent twice counts.
 *
 * @param packet all bytes until a moment of silence, without heartbeats
 */
export function matchesRegistration(packet: Buffer, { registration }: DtuIdentity): boolean {
  if (!registration) return false;
  const { ascii, hex, imei } = registration;
  if (hex) return isRepeated(packet, hex);
  const text = packet.toString('latin1');
  if (imei !== undefined) return new RegExp(`(^|\\D)${imei}(\\D|$)`).test(text);
  const wanted = Buffer.from(ascii ?? '');
  const trimmed = Buffer.from(text.replaceAll(/^[\0\s]+|[\0\s]+$/g, ''), 'latin1');
  return isRepeated(trimmed, wanted) || isAmong(text, wanted.toString('latin1'));
}

/** One packet, or repetitions of it separated by line ends and blanks. */
function isRepeated(packet: Buffer, wanted: Buffer): boolean {
  let at = 0;
  let times = 0;
  while (at < packet.length) {
    if (packet.subarray(at, at + wanted.length).equals(wanted)) {
      at += wanted.length;
      times += 1;
    } else if (times > 0 && [0, 9, 10, 13, 32].includes(packet[at] as number)) at += 1;
    else return false;
  }
  return times > 0;
}

/** As a separate word within other text. */
function isAmong(text: string, wanted: string): boolean {
  const isWord = (character: string | undefined) => character !== undefined && /[\w.-]/.test(character);
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + wanted.length])) return true;
  }
  return false;
}

/** The packet without any heartbeat. */
export function withoutHeartbeats(packet: Buffer, heartbeats: readonly Buffer[]): Buffer {
  let rest = packet;
  for (const heartbeat of heartbeats) {
    for (let at = rest.indexOf(heartbeat); at >= 0; at = rest.indexOf(heartbeat, at))
      rest = Buffer.concat([rest.subarray(0, at), rest.subarray(at + heartbeat.length)]);
  }
  return rest;
}

/** The `registration` setting for a packet of an unconfigured DTU; null for an empty packet. */
export function registrationFrom(packet: Buffer): { ascii: string } | { hex: string } | { imei: string } | { unit: number } | null {
  if (packet.length === 0) return null;
  const unit = anyFrame(packet)?.[0];
  if (unit !== undefined) return { unit };
  const text = packet.toString('latin1').trim();
  if (/^\d{15}$/.test(text)) return { imei: text };
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) ? { ascii: text } : { hex: packet.toString('hex') };
}

/** The name of an unconfigured DTU in lists; empty for an empty packet. */
export function registrationName(packet: Buffer): string {
  return Object.values(registrationFrom(packet) ?? {}).map(String).join('');
}

/** The same name of a configured DTU. */
export function configuredName({ registration }: DtuIdentity): string {
  return registration?.imei ?? registration?.ascii?.trim() ?? registration?.hex?.toString('hex') ?? '';
}

/** For faults: as text where it is printable, else as hexadecimal. */
export function packetText(packet: Buffer): string {
  const begin = packet.subarray(0, 32);
  const text = begin.toString('latin1').trim();
  return /^[\x20-\x7e]+$/.test(text) ? `"${text}"` : `0x${begin.toString('hex')}`;
}

function bytesOf({ ascii, hex }: { ascii?: string | undefined; hex?: string | undefined }): Buffer {
  return hex === undefined ? Buffer.from(ascii ?? '') : fromHex(hex);
}

function fromHex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}
