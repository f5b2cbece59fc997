/** What any capture must come to, whatever the form of its file and the order of its packets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FaultError } from '../../../core/faults.ts';
import { captureFile, LINKS, type CaptureFileFormat, type SentPacket } from './testing/capture-files.ts';
import { seededRandom } from '../../../core/world.ts';
import { conversationsOf, type Conversation } from './conversations.ts';
import { readCapture } from './file.ts';

const START_US = 1_760_000_000_123_456;
const V4 = ['10.0.0.1:50000', '10.0.0.2:502'] as const;
const V6 = ['[fe80:0:0:0:0:0:0:1]:50000', '[fe80:0:0:0:0:0:0:2]:502'] as const;
const PLAIN: CaptureFileFormat = { form: 'pcap', little: true, nanoseconds: false, link: 'ethernet' };

const form = fc.record<CaptureFileFormat>({
  form: fc.constantFrom('pcap', 'pcapng'),
  little: fc.boolean(),
  nanoseconds: fc.boolean(),
  link: fc.constantFrom(...LINKS),
});
const read = (sent: readonly SentPacket[], how: CaptureFileFormat): Conversation[] =>
  conversationsOf(readCapture('test', captureFile(sent, how)).packets);
const streamOf = ({ pieces }: Conversation, from: string): string =>
  Buffer.concat(pieces.filter((piece) => piece.from === from).map(({ bytes }) => bytes)).toString('latin1');

/** A connection of two streams, cut into segments; times go up by 10 µs. */
function connection(
  [client, server]: readonly [string, string],
  streams: readonly [string, string],
  sizes: readonly number[],
  isn: readonly [number, number],
): SentPacket[] {
  const sent: SentPacket[] = [
    { atUs: 0, from: client, to: server, bytes: Buffer.alloc(0), tcp: { seq: isn[0], isSyn: true } },
    { atUs: 0, from: server, to: client, bytes: Buffer.alloc(0), tcp: { seq: isn[1], ack: isn[0] + 1, isSyn: true } },
  ];
  const done = [0, 0];
  for (let turn = 0; done[0] as number < streams[0].length || done[1] as number < streams[1].length; turn += 1) {
    const side = (done[turn % 2] as number) < (streams[turn % 2] as string).length ? turn % 2 : 1 - (turn % 2);
    const at = done[side] as number;
    const text = (streams[side] as string).slice(at, at + (sizes[turn % sizes.length] as number));
    sent.push({
      atUs: 0,
      from: side === 0 ? client : server,
      to: side === 0 ? server : client,
      bytes: Buffer.from(text, 'latin1'),
      tcp: { seq: (isn[side] as number) + 1 + at },
    });
    done[side] = at + text.length;
  }
  return sent.map((one, index) => ({ ...one, atUs: START_US + index * 10 }));
}

const streams = fc.tuple(fc.string({ maxLength: 60 }), fc.string({ minLength: 1, maxLength: 60 }));
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const isn = fc.tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0xfffffff0, 7));

test('both streams come out whole, in whatever order and how often their segments came', () => {
  fc.assert(
    fc.property(form, fc.constantFrom(V4, V6), streams, sizes, isn, fc.integer(), (how, ends, texts, cut, numbers, seed) => {
      const latin = texts.map((text) => Buffer.from(text).toString('latin1')) as [string, string];
      const sent = connection(ends, latin, cut, numbers);
      const random = seededRandom(seed);
      const [first, second, ...rest] = sent;
      const again = rest.filter(() => random.next() < 0.3);
      const shuffled = [
        first as SentPacket,
        second as SentPacket,
        ...[...rest, ...again]
          .map((one) => ({ one, rank: random.next() }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ one }) => one),
      ];
      const [conversation] = read(
        shuffled.map((one, index) => ({ ...one, atUs: START_US + index * 10 })),
        how,
      );
      assert.ok(conversation);
      assert.deepEqual(conversation.sides, [...ends]);
      for (const side of [0, 1] as const) assert.equal(streamOf(conversation, ends[side]), latin[side]);
      assert.ok(conversation.pieces.every(({ lostBytes }) => lostBytes === 0));
      const times = conversation.pieces.map(({ atUs }) => atUs);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );
      assert.ok(times.every((atUs) => atUs >= START_US && Number.isInteger(atUs)));
    }),
    { numRuns: 150 },
  );
});

test('segments that are not there are named with their bytes; all others come', () => {
  fc.assert(fc.property(streams, sizes, isn, fc.integer({ min: 0, max: 100 }), (texts, cut, numbers, which) => {
    const latin = texts.map((text) => Buffer.from(text).toString('latin1')) as [string, string];
    const sent = connection(V4, latin, cut, numbers);
    const carrying = sent.filter(({ bytes, from }) => bytes.length > 0 && from === V4[1]);
    const lost = carrying[which % carrying.length] as SentPacket;
    const [conversation] = read(sent.filter((one) => one !== lost), PLAIN);
    // What is missing at the very end is missed by nobody who only listens.
    const isLast = carrying.at(-1) === lost;
    const named = conversation?.pieces.reduce((sum, piece) => sum + piece.lostBytes, 0) ?? 0;
    assert.equal(named, isLast ? 0 : lost.bytes.length);
    if (conversation) assert.equal(streamOf(conversation, V4[1]).length, (latin[1] as string).length - lost.bytes.length);
  }), { numRuns: 100 });
});

test('what the other side acknowledged and the capture lacks is lost at once, so that what follows keeps its time', () => {
  const [client, server] = V4;
  const at = (ms: number) => START_US + ms * 1000;
  const [conversation] = read(
    [
      { atUs: at(0), from: client, to: server, bytes: Buffer.from('AB'), tcp: { seq: 1 } },
      { atUs: at(1), from: server, to: client, bytes: Buffer.from('ok'), tcp: { seq: 100, ack: 8 } },
      { atUs: at(2), from: client, to: server, bytes: Buffer.from('XY'), tcp: { seq: 8, ack: 102 } },
    ],
    PLAIN,
  );
  assert.deepEqual(
    conversation?.pieces.map(({ bytes, lostBytes, atUs }) => [bytes.toString(), lostBytes, (atUs - START_US) / 1000]),
    [
      ['AB', 0, 0],
      ['ok', 0, 1],
      ['XY', 5, 2],
    ],
  );
});

test('a port that is used again is another conversation; who dialled and who let go is known', () => {
  const [client, server] = V4;
  const tcp = (seq: number, more = {}) => ({ seq, ...more });
  const found = read(
    [
      { atUs: 1, from: client, to: server, bytes: Buffer.alloc(0), tcp: tcp(10, { isSyn: true }) },
      { atUs: 2, from: client, to: server, bytes: Buffer.from('a'), tcp: tcp(11) },
      { atUs: 3, from: server, to: client, bytes: Buffer.alloc(0), tcp: tcp(1, { isReset: true }) },
      { atUs: 4, from: client, to: server, bytes: Buffer.alloc(0), tcp: tcp(9000, { isSyn: true }) },
      { atUs: 5, from: client, to: server, bytes: Buffer.from('b'), tcp: tcp(9001) },
    ],
    PLAIN,
  );
  assert.deepEqual(
    found.map(({ sides, pieces, close }) => [sides[0], pieces.map(({ bytes }) => bytes.toString()).join(''), close?.isReset ?? false]),
    [
      [client, 'a', true],
      [client, 'b', false],
    ],
  );
});

test('datagrams are a conversation of their two ends', () => {
  fc.assert(
    fc.property(
      form,
      fc.constantFrom(V4, V6),
      fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 6 }),
      (how, [a, b], texts) => {
        const sent = texts.map((text, index): SentPacket => ({
          atUs: START_US + index,
          from: index % 2 ? b : a,
          to: index % 2 ? a : b,
          bytes: Buffer.from(text),
        }));
        const [conversation, ...others] = read(sent, how);
        assert.equal(others.length, 0);
        assert.equal(conversation?.via, 'udp');
        assert.deepEqual(
          conversation?.pieces.map(({ bytes, atUs }) => [bytes.toString(), atUs]),
          texts.map((text, index) => [text, START_US + index]),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test('a file cut anywhere gives what is whole before, and says where it ends; other bytes are refused or give nothing', () => {
  const sent = connection(V4, ['hello', 'world'], [3], [1, 2]);
  for (const how of [PLAIN, { ...PLAIN, form: 'pcapng' as const, little: false }]) {
    const whole = captureFile(sent, how);
    let most = 0;
    for (let length = 0; length < whole.length; length += 1) {
      try {
        const { packets, cutAt } = readCapture('test', whole.subarray(0, length));
        assert.ok(packets.length >= most && (cutAt === null || cutAt <= length));
        most = packets.length;
      } catch (error) {
        assert.ok(error instanceof FaultError && error.fault.code === 'CV_CAPTURE_UNREADABLE' && most === 0);
      }
    }
    assert.equal(most, sent.length - 1);
  }
  fc.assert(fc.property(form, fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 20 }), (how, changes) => {
    const spoiled = captureFile(sent, how);
    for (const [at, byte] of changes) spoiled[at % spoiled.length] = byte;
    try {
      conversationsOf(readCapture('test', spoiled).packets);
    } catch (error) {
      assert.ok(error instanceof FaultError, String((error as Error).stack));
    }
  }), { numRuns: 300 });
});

test('a capture whose packets are not in the order of their time: no piece is earlier than the one before', () => {
  const [client, server] = V4;
  const [conversation] = read(
    [
      [3, 'a'],
      [1, 'b'],
      [2, 'c'],
      [9, 'd'],
    ].map(([atUs, text], index) => ({
      atUs: START_US + Number(atUs),
      from: client,
      to: server,
      bytes: Buffer.from(String(text)),
      tcp: { seq: 1 + index },
    })),
    PLAIN,
  );
  assert.deepEqual(
    conversation?.pieces.map(({ atUs, bytes }) => [bytes.toString(), atUs - START_US]),
    [
      ['a', 3],
      ['b', 3],
      ['c', 3],
      ['d', 9],
    ],
  );
});

test('the clock of an interface: its resolution and its offset in seconds, also below nothing', () => {
  const block = (type: number, body: Buffer) => {
    const length = body.length + 12;
    const whole = Buffer.alloc(length);
    whole.writeUInt32LE(type, 0);
    whole.writeUInt32LE(length, 4);
    body.copy(whole, 8);
    whole.writeUInt32LE(length, length - 4);
    return whole;
  };
  const section = Buffer.alloc(16);
  section.writeUInt32LE(0x1a2b3c4d, 0);
  const packet = Buffer.alloc(24);
  packet.writeUInt32LE(5_000_000, 8);
  packet.writeUInt32LE(4, 12);
  packet.writeUInt32LE(4, 16);
  const option = (code: number, value: Buffer) => {
    const whole = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
    whole.writeUInt16LE(code, 0);
    whole.writeUInt16LE(value.length, 2);
    value.copy(whole, 4);
    return whole;
  };
  const seconds = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  };
  const atUsOf = (...options: Buffer[]) =>
    readCapture(
      'x',
      Buffer.concat([
        block(0x0a0d0d0a, section),
        block(1, Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), ...options])),
        block(6, packet),
      ]),
    ).packets.map(({ atUs }) => atUs);
  assert.deepEqual(atUsOf(), [5_000_000]);
  assert.deepEqual(atUsOf(option(9, Buffer.from([9]))), [5000], 'ns');
  assert.deepEqual(atUsOf(option(9, Buffer.from([0x80 | 6]))), [78_125_000_000], '1/64 s');
  assert.deepEqual(atUsOf(option(14, seconds(1_760_000_000n))), [1_760_000_005_000_000]);
  assert.deepEqual(atUsOf(option(14, seconds(-3600n))), [-3_595_000_000]);
  assert.deepEqual(atUsOf(option(14, Buffer.from([1, 2, 3, 4]))), [5_000_000], 'an offset of another length is none');
  assert.deepEqual(
    atUsOf(option(1, Buffer.from('eth0')), option(9, Buffer.from([9])), option(14, seconds(1n))),
    [1_005_000],
    'behind other options',
  );
});
