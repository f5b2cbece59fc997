/**
 * Frames of our own of protocols that cities use, made from the tables of their standards and by nothing of the driver:
 * each part is put down here as the table has it, each check value counted by its definition.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FrameCutter } from './cutter.ts';
import { decode } from './decode.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { FIRE, POWER_METER, VEHICLE, WATER_METER } from './testing/standards.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const sum = (bytes: Uint8Array) => Uint8Array.of(bytes.reduce((all, byte) => all + byte, 0));
const xor = (bytes: Uint8Array) => Uint8Array.of(bytes.reduce((all, byte) => all ^ byte, 0));
const all = (...parts: (Uint8Array | string)[]) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : part)));

/** Reflected A001 from FFFF. */
function crc(bytes: Uint8Array): number {
  let register = 0xffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let turn = 0; turn < 8; turn += 1) register = register & 1 ? (register >> 1) ^ 0xa001 : register >> 1;
  }
  return register;
}

function described(yaml: string): FrameProtocol {
  const loaded = readDescription('standard.yaml', yaml.startsWith('version') ? yaml : `version: 1\ntitle: { zh: 甲, en: a }\n${yaml}`);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

const guide = (title: string) =>
  new RegExp(`\`\`\`yaml\\n(version: 1\\ntitle: \\{ zh: ${title}[\\s\\S]*?)\`\`\``).exec(
    readFileSync(new URL('../../docs/described-frames.md', import.meta.url), 'utf8'),
  )?.[1] ?? '';

function read(protocol: FrameProtocol, stream: Buffer): (Record<string, unknown> | string)[] {
  const cutter = new FrameCutter(protocol);
  return [...cutter.feed(stream), ...cutter.end()].map((cut) => {
    if (cut.is !== 'frame') return cut.is;
    const decoded = decode({ is: 'message', bytes: cut.bytes, pointMap: { protocol, byField: null } });
    return decoded.ok ? Object.fromEntries((decoded.values ?? []).map(({ point, value }) => [point, value])) : decoded.fault.code;
  });
}

/** The whole frame twice gives it twice; with a byte of its body changed it is none, whichever byte. */
function holds(protocol: FrameProtocol, frame: Buffer, wanted: Record<string, unknown>): void {
  const found = read(protocol, all(frame, frame));
  assert.equal(found.length, 2, JSON.stringify(found));
  for (const one of found)
    for (const [name, value] of Object.entries(wanted)) assert.deepEqual((one as Record<string, unknown>)[name], value, name);
  for (let at = protocol.header.length; at < frame.length - protocol.terminator.length; at += 1) {
    const spoiled = Buffer.from(frame);
    spoiled[at] = (spoiled[at] as number) ^ 0x04;
    assert.ok(
      read(protocol, spoiled).every((one) => typeof one === 'string' && !one.startsWith('CV_')),
      `byte ${at}: ${JSON.stringify(read(protocol, spoiled))}`,
    );
  }
}

test('a water meter of CJ/T 188: reading 901F, address and volume low byte first, idle bytes before it', () => {
  const body = all('68 10 78 56 34 12 00 11 11 81 16', '90 1F 00', '56 34 12 00 2C', '00 00 10 00 2C', '00 30 12 15 06 26 20', '00 00');
  const frame = all(body, sum(body), '16');
  holds(described(WATER_METER), frame, {
    'volume.total': 1234.56,
    'volume.type': 0x10,
    'volume.meter': 11_110_012_345_678,
    'volume.item': '901F',
  });
  assert.equal(read(described(WATER_METER), all('FE FE FE FE', frame)).length, 1, 'what wakes the line is no noise');
});

test('an electricity meter of DL/T 645: 33H on each byte of the data, the sum over what is sent', () => {
  const add = (text: string) => hex(text).map((byte) => byte + 0x33);
  const body = all('68 61 01 00 00 00 00 68 91 08', add('00 00 01 00 78 56 34 12'));
  const frame = all(body, sum(body), '16');
  holds(described(POWER_METER), frame, { 'any.meter': '000000000161', 'any.control': 0x91, 'any.size': 8, 'any.data': '0000010078563412' });
  holds(described(guide('电能表')), frame, { 'energy.total': 123_456.78, 'energy.meter': 161, 'energy.item': '00010000' });
  const power = all('68 61 01 00 00 00 00 68 91 07', add('00 00 03 02 34 12 80'));
  holds(described(guide('电能表')), all(power, sum(power), '16'), { 'power.total': -0.1234 });
});

test('a fire alarm unit of GB/T 26875.3: marks of two bytes, a length far behind the head, the sum without the marks', () => {
  const body = all(
    '2B 00',
    '01 10',
    '00 30 12 0F 06 1A',
    '01 02 03 04 05 06',
    '11 12 13 14 15 16',
    '0C 00',
    '02',
    '01 01',
    '01 08 02 00',
    '00 30 12 0F 06 1A',
  );
  holds(described(FIRE), all('40 40', body, sum(body), '23 23'), {
    'any.number': 43,
    'any.version': '1001',
    'any.from': '010203040506',
    'any.to': '111213141516',
    'any.size': 12,
    'any.command': 2,
  });
});

test('a vehicle of JT/T 808: both heads, stuffed bytes within, extras until the end', () => {
  const stuffed = (bytes: Buffer) =>
    all('7E', ...[...bytes].map((byte) => (byte === 0x7e ? '7D 02' : byte === 0x7d ? '7D 01' : Uint8Array.of(byte))), '7E');
  const location = all(
    '00 00 00 00',
    '00 00 00 03',
    '01 C9 C3 80',
    '06 59 7D 7E',
    '00 64',
    '01 F4',
    '00 5A',
    '26 06 15 12 30 00',
    '01 04 00 00 27 10',
    '30 01 1F',
  );
  for (const [head, phone, name] of [
    ['02 00 00 25 01 38 00 13 80 00 00 07', '013800138000', 'phone'],
    ['02 00 40 25 01 00 00 00 00 01 39 00 13 90 00 00 07', '00000000013900139000', 'longPhone'],
  ] as const) {
    const body = all(head, location);
    const [found, ...more] = read(described(VEHICLE), stuffed(all(body, xor(body)))) as Record<string, unknown>[];
    assert.equal(more.length, 0);
    assert.equal(found?.[`location.${name}`], phone);
    assert.deepEqual(
      [
        found?.['location.number'],
        found?.['location.lat'],
        found?.['location.lon'],
        found?.['location.height'],
        found?.['location.speed'],
        found?.['location.course'],
      ],
      [7, 30, 106.53_003, 100, 50, 90].map((value, at) => (at === 2 ? 0x06597d7e / 1e6 : value)),
    );
    assert.equal(found?.['location.at'], Date.UTC(2026, 5, 15, 4, 30));
    assert.deepEqual([found?.['location.extras.id'], found?.['location.extras.content']], [0x30, '1F'], 'of repetitions the last');
    const spoiled = all(body, xor(body));
    spoiled[5] = (spoiled[5] as number) ^ 0x20;
    assert.deepEqual(read(described(VEHICLE), stuffed(spoiled)).filter((one) => typeof one !== 'string'), []);
  }
});

test('a hydrology station of SL 651: a masked length, elements with their own sizes, the check value high byte first', () => {
  const elements = all('F1 F1 00 12 34 56 78 48', 'F0 F0 26 06 15 12 30', '39 23 00 12 34 50', '38 12 12 60');
  const report = all('00 2A', '26 06 15 12 31 00', elements);
  const body = all('7E 7E', '01', '00 12 34 56 78', 'A0 00', '32', Uint8Array.of(0x00, report.length), '02', report, '03');
  const value = crc(body);
  holds(described(guide('水文')), all(body, Uint8Array.of(value >> 8, value & 0xff)), {
    'report.station': 12_345_678,
    'report.number': 42,
    'report.kind': 0x32,
    'report.sentAt': Date.UTC(2026, 5, 15, 4, 31),
    'report.observedAt': Date.UTC(2026, 5, 15, 4, 30),
    'report.elements.id': 0x38,
    'report.elements.value': 1260,
    'report.elements.decimals': 2,
  });
});
