import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checksumOf, type ChecksumType } from './checksum.ts';
import { FrameCutter, unstuff, type FrameSegment } from './cutter.ts';
import { loadDescription, readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { stuff } from './template.ts';
import { terminalFrame, heartbeatBody } from './testing/terminal.ts';

function shipped(name: string): FrameProtocol {
  const { protocol } = loadDescription(`shipped:${name}`);
  assert.ok(protocol);
  return protocol;
}

const NMEA = readDescription(
  'nmea.yaml',
  'version: 1\ntitle: { zh: 句, en: s }\nheader: "24"\nterminator: "0D 0A"\nmax: 82\nchecksum: { type: xor8, from: 1, at: -4, to: -5, form: hex }\nmessages: [{ name: m }]\n',
).protocol as FrameProtocol;
const FRAMES: [protocol: FrameProtocol, frame: Buffer][] = [
  [shipped('compound-terminal'), terminalFrame('500112000017', 7, 1, heartbeatBody(-71))],
  [shipped('weighbridge'), Buffer.from('\x0201+0012.50S7E\r', 'latin1')],
  [shipped('water-level'), Buffer.from('7e01000000007d02b47e', 'hex')],
  [NMEA, Buffer.from('$GPGLL,5057.970,N,00146.110,E,142451,A*27\r\n')],
];
// What a check value must be is counted here once, by the algorithm that the vectors below hold.
for (const [protocol, frame] of FRAMES) {
  const { checksum, escape } = protocol;
  assert.ok(checksum);
  if (escape) {
    const plain = Buffer.from('7e0100000000ffff7e', 'hex');
    plain.writeUInt16LE(checksumOf('crc16-xmodem', plain, 1, 6), 6);
    FRAMES[2] = [protocol, stuff(plain, protocol)];
  } else if (checksum.isText) {
    const value = checksumOf('xor8', frame, checksum.from, frame.length + checksum.to);
    frame.write(value.toString(16).toUpperCase().padStart(2, '0'), frame.length + checksum.at, 'latin1');
  }
}

const shown = (cuts: readonly FrameSegment[]) => cuts.map(({ is, bytes }) => `${is} ${bytes.toString('hex')}`);

test('check values are those that their makers publish', () => {
  const text = Buffer.from('123456789');
  const wanted: Record<ChecksumType, number> = {
    sum8: 0xdd,
    sum16: 0x1dd,
    lrc: 0x23,
    xor8: 0x31,
    'crc16-modbus': 0x4b37,
    'crc16-xmodem': 0x31c3,
    'crc16-ccitt': 0x29b1,
    crc32: 0xcbf43926,
  };
  for (const [type, value] of Object.entries(wanted)) assert.equal(checksumOf(type as ChecksumType, text), value, type);
  assert.equal(checksumOf('xor8', Buffer.from('GPGLL,5057.970,N,00146.110,E,142451,A')), 0x27);
});

test('frames are found between noise, and a broken one hides none', () => {
  for (const [protocol, frame] of FRAMES) {
    const broken = Buffer.from(frame);
    broken[frame.length - 5] = (broken[frame.length - 5] as number) ^ 1;
    const cuts = new FrameCutter(protocol).feed(
      Buffer.concat([Buffer.from('hello'), frame, frame, broken, frame, frame.subarray(0, 4), frame, frame]),
    );
    assert.ok(cuts.filter(({ is }) => is === 'frame').length >= 4, `${protocol.title.en}: ${shown(cuts).join('; ')}`);
    assert.ok(cuts.some(({ is }) => is !== 'frame'), protocol.title.en);
  }
});

test('the same bytes give the same, however they are split', () => {
  const which = fc.constantFrom(...FRAMES);
  fc.assert(
    fc.property(
      which,
      fc.array(fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 20 }), fc.nat(8)), { maxLength: 8 }),
      fc.array(fc.nat(300), { maxLength: 12 }),
      ([protocol, frame], pieces, at) => {
        const bytes = Buffer.concat(
          pieces.map((piece) => (piece === null ? frame : typeof piece === 'number' ? frame.subarray(0, piece) : piece)),
        );
        const cutter = new FrameCutter(protocol);
        const places = [...new Set(at.filter((place) => place < bytes.length))].toSorted((a, b) => a - b);
        const split = [0, ...places].flatMap((from, index) => shown(cutter.feed(bytes.subarray(from, places[index] ?? bytes.length))));
        assert.deepEqual(split, shown(new FrameCutter(protocol).feed(bytes)));
      },
    ),
    { numRuns: 300 },
  );
});

test('what was stuffed comes out as it was', () => {
  const protocol = shipped('water-level');
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
    const frame = Buffer.concat([Buffer.from('7e', 'hex'), body, Buffer.from('7e', 'hex')]);
    assert.deepEqual(unstuff(stuff(frame, protocol), protocol), frame);
  }));
});

test('heads without end cost no more than their bytes: the good frame behind them is found', () => {
  const protocol = shipped('compound-terminal');
  const [, frame] = FRAMES[0] as (typeof FRAMES)[number];
  const heads = Buffer.alloc(200_000, Buffer.from('aa550ff0', 'hex'));
  const cuts = new FrameCutter(protocol).feed(Buffer.concat([heads, Buffer.alloc(8192), frame]));
  assert.equal(cuts.filter(({ is }) => is === 'frame').length, 1);
  assert.ok(cuts.filter(({ is }) => is === 'checksum').length < 150, `${cuts.length} cuts`);
});
