/** Examples of the makers' own documentation: every one is read, and gives what it shows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listedFacts, sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { decode } from './decode.ts';
import type { MqttInFrame, MqttDecodeSettings } from './frame.ts';
import { point } from './settings.ts';

const folder = sharedFolder('traffic', 'vectors');
const skip = skipWithout(folder, 'traffic folder');
const linesOf = (file: string): Record<string, unknown>[] =>
  readFileSync(join(folder as string, file), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const planFor = (...points: ({ id: string } & Record<string, unknown>)[]): MqttDecodeSettings => ({
  points: points.map((one) => ({ ...point.parse(one), id: one.id })),
  historyAfterMs: 1e15,
});
const frameFor = (topic: string, json: unknown, profile: MqttInFrame['profile'], plan: MqttDecodeSettings | null): MqttInFrame => ({
  topic,
  payload: Buffer.from(JSON.stringify(json)),
  retain: false,
  observedAt: Date.UTC(2026, 0, 1),
  profile,
  decodeSettings: plan,
});

test('ChirpStack: all events are read; the uplink and the status give what the documentation shows', { skip }, () => {
  const events = linesOf('lorawan/chirpstack_events.jsonl');
  assert.equal(events.length, Number(/^(\d+) events/.exec(listedFacts('vectors/lorawan/chirpstack_events.jsonl'))?.[1]));
  const plan = planFor(
    { id: 'byte', bytes: { at: 0 } },
    { id: 'rssi', gives: 'rssi' },
    { id: 'battery', gives: 'battery' },
    { id: 'margin', gives: 'margin' },
    { id: 'place', gives: 'position' },
  );
  const found = new Map<string, unknown>();
  for (const { event, json } of events) {
    const type = /^`(\w+)`/.exec(String(event))?.[1];
    const decoded = decode(frameFor(`application/a/device/0101010101010101/event/${type}`, json, 'chirpstack', plan));
    assert.ok(decoded.ok, String(event));
    for (const { point: id, value, position } of decoded.values ?? []) found.set(id, position ?? value);
  }
  assert.equal(found.get('byte'), 0xaa);
  assert.equal(found.get('battery'), 88.3);
  assert.equal(found.get('margin'), 10);
  assert.deepEqual({ ...(found.get('place') as object), heightM: 0 }, { lon: -8.839375, lat: 37.344214, heightM: 0 });
  assert.ok((found.get('rssi') as number) < 0);
});

test('DJI: every example is read as osd, state or event, and shows its fields', { skip }, () => {
  const examples = linesOf('dji/cloud_api_dock_mqtt_examples.jsonl');
  let objects = 0;
  let shown = 0;
  for (const { message } of examples) {
    const isObject = typeof message === 'object' && message !== null && !Array.isArray(message);
    for (const topic of ['thing/product/x/osd', 'thing/product/x/events', 'sys/product/x/status'])
      assert.equal(decode(frameFor(topic, message, 'dji', planFor({ id: 'a', gives: 'position' }))).ok, isObject);
    const decoded = decode(frameFor('thing/product/x/osd', message, 'dji', null));
    objects += Number(isObject);
    if (decoded.ok && (decoded.values?.length ?? 0) > 0) shown += 1;
  }
  assert.equal(examples.length, Number(/^(\d+) messages/.exec(listedFacts('vectors/dji/cloud_api_dock_mqtt_examples.jsonl'))?.[1]));
  assert.ok(objects > 450 && shown > 300, `${objects} objects, ${shown} with fields`);
});
