import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headBytes, protocolProblem, topicOf } from './protocol-check.ts';

const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};
const id = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const PUBLISH = { cmd: 'publish', qos: 1, dup: false };
const detail = (body: Buffer, packet = PUBLISH, isKnown = false) => protocolProblem(packet, body, isKnown)?.detail ?? null;

test('of a PUBLISH the head is looked at, and no more of it', () => {
  assert.equal(headBytes('publish', 1000, 5), 9);
  assert.equal(headBytes('publish', 6, 5), 6);
  assert.equal(headBytes('subscribe', 1000, 5), 1000);
  assert.equal(topicOf(Buffer.concat([text('a/b'), id(1)]))?.toString(), 'a/b');
  assert.equal(topicOf(Buffer.from([0, 9, 1])), null);
});

test('a topic that was well before is not looked at again; all else of the packet is', () => {
  const well = Buffer.concat([text('a/b'), id(1)]);
  assert.equal(detail(well), null);
  assert.equal(detail(well, PUBLISH, true), null);
  assert.equal(detail(Buffer.concat([text('a/b'), id(0)]), PUBLISH, true), 'a PUBLISH without packet identifier');
  assert.equal(detail(text('a/b'), PUBLISH, true), 'a PUBLISH without packet identifier');
  assert.equal(detail(well, { cmd: 'publish', qos: 0, dup: true }, true), 'DUP with QoS 0');
  assert.equal(detail(Buffer.from([0, 9, 0x61]), PUBLISH, true), 'a PUBLISH without a proper topic');
});

test('a topic is UTF-8 without NUL and wildcards, and not empty', () => {
  for (const topic of ['', 'a/+', '#', 'a\0b', Buffer.from([0xff]), Buffer.from([0xed, 0xa0, 0x80])])
    assert.equal(detail(Buffer.concat([text(topic), id(1)])), 'a PUBLISH without a proper topic', String(topic));
});
