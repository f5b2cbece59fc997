import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { eventProblem } from '../../core/event-check.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import { ANSWER_SCHEMA, COMMAND_SCHEMA, readMessage } from '../../core/wire/commands.ts';
import { parseEdgeTopic } from '../../core/wire/topics.ts';
import { readState } from '../intake/read-state.ts';
import { liveViewPath } from '../media/live-view/service.ts';
import { asyncapiDocument, CHANNELS, MESSAGES } from './asyncapi.ts';
import { WIRE_EXAMPLES } from './wire-examples.ts';

// As a reader elsewhere gets it.
const document = JSON.parse(JSON.stringify(asyncapiDocument('0.0.0'))) as {
  channels: Record<string, { address: string; messages: object }>;
  components: { messages: Record<string, { payload: unknown }> };
};
const specification = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json'), 'utf8'),
) as object;
const isAsyncapi = new Ajv({ strict: false, validateFormats: false }).compile(specification);
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

test('the document is AsyncAPI 3 by the specification\'s own schema, which notices what is wrong', () => {
  assert.ok(isAsyncapi(document), JSON.stringify(isAsyncapi.errors?.slice(0, 3)));
  for (const spoil of [
    { ...document, info: {} },
    { ...document, channels: { up: { adress: 'x' } } },
    { ...document, operations: { a: { action: 'publish' } } },
  ])
    assert.ok(!isAsyncapi(spoil));
});

test('every reference leads somewhere; addresses are the wire\'s own; every message goes over some channel', () => {
  for (const [, reference] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = (reference as string)
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    assert.notEqual(found, undefined, reference);
  }
  for (const leaf of ['up', 'late', 'ack', 'state', 'cmd', 'rsp']) {
    assert.equal(
      parseEdgeTopic(document.channels[leaf]?.address.replace('{centre}', '500112001').replace('{edge}', 'e') ?? '')?.leaf,
      leaf,
    );
  }
  assert.equal(document.channels.liveView?.address.replace('{device}', 'a%2Fb'), liveViewPath('a/b'));
  assert.deepEqual([...new Set(Object.values(CHANNELS).flatMap(({ messages }) => messages))].toSorted(), Object.keys(MESSAGES).toSorted());
});

test('every example fits its schema, and our own readers take it', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const [name, { payload, examples }] of Object.entries(MESSAGES)) {
    const fits = ajv.compile(payload);
    for (const example of examples)
      assert.ok(fits(JSON.parse(JSON.stringify(example.payload))), `${name}: ${JSON.stringify(fits.errors?.[0])}`);
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

/** `example` with each of its parts once left out, and once replaced by each of what does not belong there. */
function* spoilt(example: object): Generator<{ what: string; payload: unknown }> {
  const wrong = [
    undefined,
    null,
    -1,
    0,
    1.5,
    2 ** 53,
    '',
    'x',
    'x'.repeat(200),
    true,
    [],
    {},
    [1],
    { all: 1 },
    { of: ['a'], at: [0] },
    { of: ['a'], at: [-1] },
    { of: ['a'], at: [0], all: 1 },
    { delta: [1] },
    { delta: ['x'] },
  ];
  const paths = (value: unknown, path: string[]): string[][] =>
    typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...paths(inner, [...path, key])]);
  for (const path of paths(example, [])) {
    for (const value of wrong) {
      const payload = JSON.parse(JSON.stringify(example)) as Record<string, unknown>;
      const within = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, payload);
      within[path.at(-1) as string] = value;
      yield { what: `${path.join('.')} = ${JSON.stringify(value)?.slice(0, 40)}`, payload: JSON.parse(JSON.stringify(payload)) };
    }
  }
}

/** Whether a gateway takes all of it. */
function isTaken(payload: unknown): boolean {
  try {
    return decodeBatch(bytes(payload)).events.every((event) => eventProblem(event) === null);
  } catch {
    return false;
  }
}

test('of batches, what the document allows is what is taken: rows to the letter, columns as far as a schema can tell', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const [isRows, isColumns] = [ajv.compile(MESSAGES.BatchRows.payload), ajv.compile(MESSAGES.BatchColumns.payload)];
  // Null goes with bad quality alone; a schema of JSON could say so, at the price of being read.
  const rows = [...spoilt(WIRE_EXAMPLES.rows)].filter(({ what }) => what !== 'events.0.value = null');
  assert.deepEqual(rows.filter(({ payload }) => isRows(payload) !== isTaken(payload)).map(({ what }) => what), []);
  const columns = [...spoilt(WIRE_EXAMPLES.columns)];
  assert.deepEqual(columns.filter(({ payload }) => isTaken(payload) && !isColumns(payload)).map(({ what }) => what), []);
  const taken = (payloads: readonly { payload: unknown }[]) => payloads.filter(({ payload }) => isTaken(payload)).length;
  assert.ok(taken(rows) >= 20 && taken(columns) >= 20, 'what is harmless is taken');
});

test('columns that no batch can have, the document refuses as we do', () => {
  const fits = new Ajv({ strict: false, validateFormats: false }).compile(MESSAGES.BatchColumns.payload);
  const batch = { v: 1, from: 'a', stream: 'state', epoch: 1, seq: 1, count: 1, columns: {} };
  assert.ok(fits(batch));
  for (const change of [
    { count: 0 },
    { count: 1.5 },
    { count: 10_001 },
    { seq: 0 },
    { seq: 2 ** 53 },
    { epoch: -1 },
    { from: '' },
    { from: 'x'.repeat(65) },
    { stream: 'x' },
    { v: 2 },
    { columns: { nothing: ['x'] } },
    { columns: { unit: {} } },
    { columns: { unit: { of: ['m'] } } },
    { columns: { unit: { at: [0] } } },
    { columns: { unit: { of: 'm', at: [0] } } },
    { columns: { unit: { of: ['m'], at: [-1] } } },
    { columns: { unit: { all: 'm', of: ['m'], at: [0] } } },
    { columns: { unit: { all: 'm', more: 1 } } },
    { columns: { seq: { delta: ['1'] } } },
    { columns: { seq: { delta: 1 } } },
    { columns: { seq: { delta: [1], all: 1 } } },
    { columns: { seq: { of: [1], at: [0], delta: [1] } } },
  ]) {
    assert.ok(!fits({ ...batch, ...change }), JSON.stringify(change));
    assert.ok(!isTaken({ ...batch, ...change }), JSON.stringify(change));
  }
});

test('what goes out has its place in the stream, the place before, and what was sent only where the unit is another', () => {
  const fits = new Ajv({ strict: false, validateFormats: false }).compile(MESSAGES.OutEvent.payload);
  const { out } = WIRE_EXAMPLES;
  for (const more of [
    {},
    { previous: null },
    { later: 1 },
    { original: { value: 320, unit: 'cm', min: 1, max: 2 } },
    { original: undefined },
    { unit: '' },
  ])
    assert.ok(fits(JSON.parse(JSON.stringify({ ...out, ...more }))), JSON.stringify(more));
  for (const more of [
    { cursor: undefined },
    { cursor: '7' },
    { cursor: '1-' },
    { cursor: null },
    { previous: undefined },
    { previous: '7' },
    { previous: 7 },
    { unit: undefined },
    { unit: 'x'.repeat(65) },
    { unit: 7 },
    { edge: undefined },
    { seq: undefined },
    { original: { value: 320 } },
    { original: { unit: 'cm' } },
    { original: { value: 320, unit: 'cm', more: 1 } },
    { original: { value: 320, unit: 'cm', min: '1' } },
    { original: { value: 320, unit: 'cm', max: '1' } },
  ])
    assert.ok(!fits(JSON.parse(JSON.stringify({ ...out, ...more }))), JSON.stringify(more));
});

test('everything that is described is described in both languages', () => {
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if ((key === 'description' || key === 'summary') && typeof inner === 'string')
        assert.match(inner, /^[^]+[\n·][^]*[\u4e00-\u9fff]/, `${path}.${key}: ${inner}`);
      else if (key !== 'examples') walk(inner, `${path}.${key}`);
    }
  };
  walk(document, '');
});
