/** RTU frames among noise, echoes and heartbeats: the answer is found, and nothing else ever is one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PendingExchange, FramingResult } from './framing.ts';
import { rtuFraming } from './rtu.ts';
import { mbapThroughDtu, withoutPatterns } from './dtu/heartbeat-removal.ts';
import { rtuFrame } from './testing/simulated-device.ts';

const REQUEST = rtuFrame(Buffer.from([1, 3, 0, 10, 0, 2]));
const awaited = (more: Partial<PendingExchange['expected']> = {}, sent = REQUEST): PendingExchange => ({
  expected: { unit: 1, fc: 3, count: 2, ...more },
  transaction: 0x0102,
  sent,
});
const answerOf = (values: readonly number[]) => rtuFrame(Buffer.from([1, 3, values.length, ...values]));
const pduOf = (cut: FramingResult) => (cut.kind === 'answer' ? Buffer.from(cut.pdu).toString('hex') : cut.kind);
const fourBytes = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => [...bytes]);

test('the worked example of the CRC goes out low byte first', () => {
  assert.equal(rtuFrame(Buffer.from('01030000000a', 'hex')).toString('hex'), '01030000000ac5cd');
});

test('an answer is found behind any noise and echo, as soon as its last byte is there and not before', () => {
  fc.assert(fc.property(fourBytes, fc.uint8Array({ maxLength: 40 }), fc.boolean(), (values, noise, echo) => {
    const answer = answerOf(values);
    const stream = Buffer.concat([noise, echo ? REQUEST : Buffer.alloc(0), answer]);
    const framing = rtuFraming();
    assert.equal(pduOf(framing.cut(stream, awaited(), false)), answer.subarray(1, -2).toString('hex'));
    assert.equal(framing.cut(stream.subarray(0, -1), awaited(), false).kind, 'wait');
  }));
});

test('a frame with any bits of two neighbouring bytes changed is never an answer', () => {
  fc.assert(fc.property(fourBytes, fc.nat(8), fc.integer({ min: 1, max: 0xffff }), (values, at, flips) => {
    const damaged = Buffer.concat([answerOf(values)]);
    damaged[at] = (damaged[at] as number) ^ (flips >>> 8);
    if (at + 1 < damaged.length) damaged[at + 1] = (damaged[at + 1] as number) ^ (flips & 0xff);
    else if (flips >>> 8 === 0) return;
    assert.equal(rtuFraming().cut(damaged, awaited(), true).kind, 'wait');
  }));
});

test('random bytes are no answer', () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 200, maxLength: 2000 }), (bytes) => {
    assert.equal(rtuFraming().cut(Buffer.from(bytes), awaited(), true).kind, 'wait');
  }));
});

test('answers of another unit, function or length are passed over; what was there is told for the field engineer', () => {
  const others = [
    rtuFrame(Buffer.from([2, 3, 4, 0, 1, 0, 2])),
    rtuFrame(Buffer.from([1, 4, 4, 0, 1, 0, 2])),
    rtuFrame(Buffer.from([1, 3, 2, 0, 1])),
    rtuFrame(Buffer.from([2, 0x83, 2])),
  ];
  for (const other of others) {
    assert.equal(rtuFraming().cut(other, awaited(), true).kind, 'wait');
    assert.equal(rtuFraming().describe?.(other, awaited())?.code, 'CV_MODBUS_ANSWER_STRAY');
    assert.equal(pduOf(rtuFraming().cut(Buffer.concat([other, answerOf([0, 1, 0, 2])]), awaited(), false)), '030400010002');
  }
  assert.equal(rtuFraming().describe?.(Buffer.from('80f0e0c0', 'hex'), awaited())?.code, 'CV_FRAME_CHECKSUM');
});

test('exceptions are answers, also those to function 0', () => {
  for (const fcByte of [0x83, 0x80]) assert.equal(rtuFraming().cut(rtuFrame(Buffer.from([1, fcByte, 2])), awaited(), false).kind, 'answer');
});

test('where a write is confirmed by its own words, the echo of an adapter is not the confirmation', () => {
  const sent = rtuFrame(Buffer.from([1, 6, 0, 10, 0, 77]));
  const write = awaited({ fc: 6, count: 1, confirmation: sent.subarray(1, -2) }, sent);
  const echoing = rtuFraming({ localEcho: true });
  assert.equal(echoing.cut(sent, write, true).kind, 'wait');
  assert.equal(echoing.cut(Buffer.concat([sent, sent]), write, false).kind, 'answer');
  assert.equal(echoing.cut(Buffer.concat([sent, rtuFrame(Buffer.from([1, 0x86, 3]))]), write, false).kind, 'answer');
  assert.equal(rtuFraming().cut(sent, write, false).kind, 'answer');
});

const inside = (frame: Buffer, at: number, beat: Buffer) => Buffer.concat([frame.subarray(0, at), beat, frame.subarray(at)]);

const timesIn = (bytes: Buffer, beat: Buffer) => bytes.toString('latin1').split(beat.toString('latin1')).length - 1;
/** Beside another it can be read at two places. */
const overlapsItself = (beat: Buffer) =>
  Array.from(beat.subarray(1), (_, at) => beat.subarray(at + 1).equals(beat.subarray(0, beat.length - at - 1))).includes(true);

test('heartbeats anywhere, also inside an answer, are taken out; values that look like one stay; where too many could be one, no value is a wrong one', () => {
  fc.assert(
    fc.property(
      fourBytes,
      fc.uint8Array({ minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(9), { maxLength: 3 }),
      (values, pattern, places) => {
        const beat = Buffer.from(pattern);
        const answer = answerOf(values);
        const stream = places.toSorted((a, b) => b - a).reduce((bytes, at) => inside(bytes, at, beat), answer);
        const cut = rtuFraming({ patterns: () => [beat] }).cut(stream, awaited(), false);
        // Each reading more is one more that a CRC of 16 bits may take for whole: beyond four they are not all tried.
        const isClear = timesIn(stream, beat) <= 4 && !overlapsItself(beat);
        if (isClear || cut.kind === 'answer') assert.equal(pduOf(cut), answer.subarray(1, -2).toString('hex'));
        else assert.equal(cut.kind, 'wait');
      },
    ),
    { numRuns: 500, examples: [[[4, 0, 0, 0], Uint8Array.from([0]), [1, 1]]] },
  );
});

const mbap = (pdu: readonly number[]) => Buffer.from([1, 2, 0, 0, 0, pdu.length + 1, 1, ...pdu]);

test('without a CRC an answer is taken when one reading explains every byte, else refused: never a wrong value', () => {
  fc.assert(fc.property(fourBytes, fc.uint8Array({ minLength: 1, maxLength: 4 }), fc.option(fc.nat(13)), (values, pattern, at) => {
    const beat = Buffer.from(pattern);
    const answer = mbap([3, 4, ...values]);
    const stream = at === null ? answer : inside(answer, Math.min(at, answer.length), beat);
    const framing = mbapThroughDtu(() => [beat]);
    const first = framing.cut(stream, awaited(), false);
    const cut = first.kind === 'wait' ? framing.cut(stream, awaited(), true) : first;
    if (cut.kind === 'answer') assert.equal(pduOf(cut), answer.subarray(7).toString('hex'));
    else assert.equal(cut.kind, 'mismatch');
  }), { numRuns: 500 });
  const beat = Buffer.from('hb');
  const framing = mbapThroughDtu(() => [beat]);
  const answer = mbap([3, 4, 0, 1, 0, 2]);
  assert.equal(pduOf(framing.cut(answer, awaited(), false)), '030400010002', 'at once when nothing is in doubt');
  for (let at = 0; at <= answer.length; at += 1)
    assert.equal(pduOf(framing.cut(inside(answer, at, beat), awaited(), true)), '030400010002', `at ${at}`);
  const looksLike = mbap([3, 4, ...beat, 0, 2]);
  assert.equal(pduOf(framing.cut(looksLike, awaited(), true)), `0304${beat.toString('hex')}0002`);
});

test('however many heartbeats come, few readings of them are tried', () => {
  const held = Buffer.alloc(2048, 'fe', 'hex');
  assert.equal([...withoutPatterns(held, [Buffer.from([0xfe])])].length, 2);
  assert.equal([...withoutPatterns(held.subarray(0, 4), [Buffer.from([0xfe])])].length, 16);
});
