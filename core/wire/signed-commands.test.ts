import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { COMMAND_SCHEMA, MAX_COMMAND_BYTES, readMessage, type Command } from './commands.ts';
import { canonicalJson, commandKeyId, commandText, isSignedBy, signCommand } from './signed-commands.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');

const id = fc.stringMatching(/^[A-Za-z0-9_-]{8,64}$/);
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,15}$/);
const words = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
const value = fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.integer({ min: -1000, max: 1000 }), fc.boolean(), words);
const time = fc.integer({ min: 0, max: 8.64e15 });
const common = { v: fc.constant(1 as const), id, device: name, by: words, reason: words, issuedAt: time, expiresAt: time };
const over = { over: fc.constant(true as const) };
const command = fc.oneof(
  fc.record(
    { ...common, kind: fc.constant('write' as const), point: name, value, unit: fc.string({ maxLength: 8 }), ...over },
    { requiredKeys: ['v', 'id', 'device', 'by', 'reason', 'issuedAt', 'expiresAt', 'kind', 'point', 'value'] },
  ),
  fc.record(
    { ...common, kind: fc.constant('read' as const), points: fc.array(name, { minLength: 1, maxLength: 4 }), ...over },
    { requiredKeys: ['v', 'id', 'device', 'by', 'reason', 'issuedAt', 'expiresAt', 'kind'] },
  ),
  fc.record({ ...common, kind: fc.constant('snapshot' as const) }),
) as fc.Arbitrary<Command>;
const counter = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

const overTheWire = (text: string) => {
  const read = readMessage(COMMAND_SCHEMA, Buffer.from(text), MAX_COMMAND_BYTES);
  assert.ok(read.ok, JSON.stringify(read));
  return read.message;
};

test('a command that was signed is known at the other end, in whatever order its fields come', () => {
  fc.assert(fc.property(command, counter, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (one, number, chance) => {
    const signed = signCommand('e1', one, number, privateKey);
    const fields = Object.entries(signed).map((field) => ({ field, place: chance.next().value as number }));
    const shuffled = Object.fromEntries(fields.toSorted((a, b) => a.place - b.place).map((one) => one.field));
    for (const text of [JSON.stringify(signed), JSON.stringify(shuffled)]) assert.ok(isSignedBy('e1', overTheWire(text), publicKey));
  }));
});

test('with any field changed, left out or put in it is not, nor for another edge or by another key', () => {
  const other = generateKeyPairSync('ed25519').publicKey;
  const instead = fc.oneof(value, fc.constant(undefined), fc.array(name, { maxLength: 3 }), fc.record({ point: name, above: value }));
  const field = fc.constantFrom(
    'v', 'id', 'kind', 'device', 'by', 'reason', 'issuedAt', 'expiresAt', 'over', 'counter', 'points', 'point', 'value', 'unit', 'ifState',
  );
  fc.assert(fc.property(command, counter, field, instead, (one, number, changed, to) => {
    const signed = signCommand('e1', one, number, privateKey);
    const forged = { ...signed, [changed]: to } as Command;
    fc.pre(canonicalJson(forged) !== canonicalJson(signed));
    assert.equal(isSignedBy('e1', forged, publicKey), false);
    assert.equal(isSignedBy('e2', signed, publicKey), false);
    assert.equal(isSignedBy('e1', signed, other), false);
  }), { numRuns: 300 });
});

test('two values have the same text only when they are the same: a number is no string, a field no other field', () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
    assert.deepEqual(JSON.parse(canonicalJson(a)), JSON.parse(JSON.stringify(a)));
    const isSame = canonicalJson(a) === canonicalJson(b);
    if (isSame) assert.deepEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
  }));
  const values = [1, '1', true, 'true', null, 'null', [1], ['1'], { a: 1 }, { a: '1' }, { b: 1 }, '{"a":1}', [[1], 2], [1, [2]]];
  const texts = values.map(canonicalJson);
  assert.equal(new Set(texts).size, texts.length);
  assert.equal(canonicalJson({ b: [{ d: 1, c: undefined }], a: 'x' }), '{"a":"x","b":[{"d":1}]}');
});

test('what is signed can be made by hand, and checked by any program that knows Ed25519', () => {
  const one: Command = { v: 1, id: 'cmd-00001', kind: 'snapshot', device: 'cam', by: 'duty', reason: 'x', issuedAt: 1, expiresAt: 2 };
  const { signature } = signCommand('pump-07', one, 7, privateKey);
  const text =
    'cityvitals command 1\npump-07\n' +
    '{"by":"duty","counter":7,"device":"cam","expiresAt":2,"id":"cmd-00001","issuedAt":1,"kind":"snapshot","reason":"x","v":1}';
  assert.equal(commandText('pump-07', { ...one, counter: 7 }), text);
  assert.ok(verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64url')));
});

test('a signature has one spelling; without one, or with a piece of one, nothing is signed', () => {
  const one = signCommand('e1', overTheWire(JSON.stringify({
    v: 1, id: 'cmd-00001', kind: 'read', device: 'plc', by: 'duty', reason: 'x', issuedAt: 1, expiresAt: 2,
  })), 1, privateKey);
  const { signature, ...bare } = one;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const next = alphabet[alphabet.indexOf(signature.at(-1) as string) ^ 1] as string;
  const respelt = signature.slice(0, -1) + next;
  assert.deepEqual(Buffer.from(respelt, 'base64url'), Buffer.from(signature, 'base64url'));
  const others = [respelt, '', 'A'.repeat(86), signature.slice(0, 40)].map((other) => ({ ...one, signature: other }));
  for (const forged of [bare, ...others]) assert.equal(isSignedBy('e1', forged as Command, publicKey), false);
});

test('a key has one id, from whichever form it was read', () => {
  const again = createPublicKey(publicKey.export({ format: 'pem', type: 'spki' }));
  assert.equal(commandKeyId(again), commandKeyId(publicKey));
  assert.match(commandKeyId(publicKey), /^[0-9a-f]{64}$/);
});
