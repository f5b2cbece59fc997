/** Who a data unit is, by what it says when it has dialled in. Pure. */
import { anyFrame } from '../rtu.ts';
import type { ModbusSettings } from '../settings.ts';

/** How one data unit is told from the others of its port. */
export interface Recognition {
  /** Its name in faults, and the key by which it is known. */
  name: string;
  /** What it registers with; null for one that sends nothing and is known by who answers behind it. */
  registration: { ascii?: string; hex?: Buffer; imei?: string } | null;
  /** The unit that answers behind it, for one that sends nothing. */
  unit: number;
  heartbeats: Buffer[];
}

export function recognitionOf(name: string, { registration = {}, heartbeat, unit }: Pick<ModbusSettings, 'registration' | 'heartbeat' | 'unit'>): Recognition {
  const { ascii, hex, imei, unit: told } = registration;
  const says = imei !== undefined ? { imei } : ascii !== undefined ? { ascii } : hex !== undefined ? { hex: fromHex(hex) } : null;
  return { name, registration: says, unit: told ?? unit, heartbeats: heartbeat ? [bytesOf(heartbeat)] : [] };
}

/**
 * Whether this packet is that unit's registration: the whole of it, not a beginning. `DTU-1` does not register as
 * `DTU-10`, and a packet sent twice is one.
 *
 * @param packet all that came until a moment of silence, without heartbeats
 */
export function registers(packet: Buffer, { registration }: Recognition): boolean {
  if (!registration) return false;
  const { ascii, hex, imei } = registration;
  if (hex) return isRepeated(packet, hex);
  const text = packet.toString('latin1');
  if (imei !== undefined) return new RegExp(`(^|\\D)${imei}(\\D|$)`).test(text);
  const wanted = Buffer.from(ascii ?? '');
  const trimmed = Buffer.from(text.replaceAll(/^[\0\s]+|[\0\s]+$/g, ''), 'latin1');
  return isRepeated(trimmed, wanted) || isAmong(text, wanted.toString('latin1'));
}

/** One packet or the same again and again, with line ends and blanks between. */
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

/** Between other text, as a word of its own. */
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
    for (let at = rest.indexOf(heartbeat); at >= 0; at = rest.indexOf(heartbeat, at)) rest = Buffer.concat([rest.subarray(0, at), rest.subarray(at + heartbeat.length)]);
  }
  return rest;
}

/** The `registration` that a packet of an unknown one asks for; null when it said nothing. */
export function registrationIn(said: Buffer): { ascii: string } | { hex: string } | { imei: string } | { unit: number } | null {
  if (said.length === 0) return null;
  const unit = anyFrame(said)?.[0];
  if (unit !== undefined) return { unit };
  const text = said.toString('latin1').trim();
  if (/^\d{15}$/.test(text)) return { imei: text };
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) ? { ascii: text } : { hex: said.toString('hex') };
}

/** What an unknown one is listed under; empty when it said nothing. */
export function nameIn(said: Buffer): string {
  return Object.values(registrationIn(said) ?? {}).map(String).join('');
}

/** The same of one that is configured. */
export function nameOf({ registration }: Recognition): string {
  return registration?.imei ?? registration?.ascii?.trim() ?? registration?.hex?.toString('hex') ?? '';
}

/** For a fault: as text where it is one, else as hexadecimal. */
export function shown(packet: Buffer): string {
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
