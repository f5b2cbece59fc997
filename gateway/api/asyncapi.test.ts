import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { eventProblem } from '../../core/event-schema.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import { ANSWER_SCHEMA, COMMAND_SCHEMA, readMessage } from '../../core/wire/commands.ts';
import { parseEdgeTopic } from '../../core/wire/topics.ts';
import { readState } from '../intake/state.ts';
import { livePath } from '../live-view/desk.ts';
import { asyncapiDocument, CHANNELS, MESSAGES } from './asyncapi.ts';
import { WIRE_EXAMPLES } from './wire-examples.ts';

// As a reader elsewhere gets it.
const document = JSON.parse(JSON.stringify(asyncapiDocument('0.0.0'))) as { channels: Record<string, { address: string; messages: object }>; components: { messages: Record<string, { payload: unknown }> } };
const specification = JSON.parse(readFileSync(createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json'), 'utf8')) as object;
const isAsyncapi = new Ajv({ strict: false, validateFormats: false }).compile(specification);
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

test('the document is AsyncAPI 3 by the specification\'s own schema, which notices what is wrong', () => {
  assert.ok(isAsyncapi(document), JSON.stringify(isAsyncapi.errors?.slice(0, 3)));
  for (const spoil of [{ ...document, info: {} }, { ...document, channels: { up: { adress: 'x' } } }, { ...document, operations: { a: { action: 'publish' } } }]) assert.ok(!isAsyncapi(spoil));
});

test('every reference leads somewhere; addresses are the wire\'s own; every message goes over some channel', () => {
  for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = (reference as string).split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    assert.notEqual(found, undefined, reference);
  }
  for (const leaf of ['up', 'late', 'ack', 'state', 'cmd', 'rsp']) {
    assert.equal(parseEdgeTopic(document.channels[leaf]?.address.replace('{centre}', '500112001').replace('{edge}', 'e') ?? '')?.leaf, leaf);
  }
  assert.equal(document.channels.liveView?.address.replace('{device}', 'a%2Fb'), livePath('a/b'));
  assert.deepEqual([...new Set(Object.values(CHANNELS).flatMap(({ messages }) => messages))].toSorted(), Object.keys(MESSAGES).toSorted());
});

test('every example fits its schema, and our own readers take it', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const [name, { payload, examples }] of Object.entries(MESSAGES)) {
    const fits = ajv.compile(payload);
    for (const example of examples) assert.ok(fits(JSON.parse(JSON.stringify(example.payload))), `${name}: ${JSON.stringify(fits.errors?.[0])}`);
    assert.ok(!fits({ v: 7 }) && !fits(null), `${name} takes anything`);
  }
  for (const batch of [WIRE_EXAMPLES.rows, WIRE_EXAMPLES.columns]) {
    const { events } = decodeBatch(bytes(batch));
    assert.ok(events.length > 0);
    for (const event of events) assert.equal(eventProblem(event), null);
  }
  for (const state of [WIRE_EXAMPLES.state, WIRE_EXAMPLES.lastWill]) assert.equal(readState(bytes(state), 'pump-07').edge, 'pump-07');
  assert.ok(readMessage(COMMAND_SCHEMA, bytes(WIRE_EXAMPLES.command), 1e6).ok);
  assert.ok(readMessage(ANSWER_SCHEMA, bytes(WIRE_EXAMPLES.answer), 1e6).ok);
});

test('everything that is described is described in both languages', () => {
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if ((key === 'description' || key === 'summary') && typeof inner === 'string') assert.match(inner, /^[^]+[\n·][^]*[\u4e00-\u9fff]/, `${path}.${key}: ${inner}`);
      else if (key !== 'examples') walk(inner, `${path}.${key}`);
    }
  };
  walk(document, '');
});
