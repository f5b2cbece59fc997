/** What really goes over the topics, all of it, held to the topics document: a real edge, a real gateway, a broker between. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { writeFileSync } from 'node:fs';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { Aedes } from 'aedes';
import { Ajv, type ValidateFunction } from 'ajv';
import mqtt from 'mqtt';
import { until } from '../../core/testing/until.ts';
import { isZstd } from '../../core/wire/batch.ts';
import { realWorld } from '../../core/world.ts';
import { loadGateway } from '../../cli/load.ts';
import { CHANNELS, MESSAGES, type MessageName } from '../../gateway/http/asyncapi.ts';
import { WIRE_EXAMPLES } from '../../gateway/http/wire-examples.ts';
import { runGateway } from '../../gateway/main.ts';
import {
  COMMAND_CENTRE,
  CountingDevice,
  commandEdgeYaml,
  commandFolder,
  giveCommand,
  knownCommand,
  startCommandEdge,
  TOKEN,
} from '../commands/bench.ts';

const GARBAGE = '{ nothing';
const RULE = `id: high
version: 1
type: threshold
title: { zh: 水位过高, en: water too high }
basis: test
select: { indicator: YJ-FLD-001 }
direction: high
levels: { 3: { when: ">= 2.0" } }
off: { hysteresis: 0.1 }
autoClose: true
`;

interface Heard {
  topic: string;
  payload: Buffer;
}

/** A broker that lets everything pass, and all that it was given. */
async function openBroker(t: TestContext): Promise<{ url: string; heard: Heard[]; say(topic: string, payload: string | Buffer): void }> {
  const broker = await Aedes.createBroker();
  const heard: Heard[] = [];
  broker.authorizePublish = (_client, { topic, payload }, done) => {
    heard.push({ topic, payload: Buffer.from(payload) });
    done(null);
  };
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = await mqtt.connectAsync(url, { protocolVersion: 4, clientId: 'another-edge' });
  t.after(async () => {
    await client.endAsync(true);
    await new Promise<void>((resolve) => { broker.close(resolve); });
    server.close();
  });
  return { url, heard, say: (topic, payload) => { client.publish(topic, payload, { qos: 1 }); } };
}

async function openGateway(t: TestContext, dir: string, brokerUrl: string) {
  writeFileSync(join(dir, 'rule.yaml'), RULE);
  const text = `gateway: g\ncentre: "${COMMAND_CENTRE}"\nbroker: { url: "${brokerUrl}" }\nhttp: { port: 0 }\nrules: [rule.yaml]\noperators: [{ name: duty-1, token: ${TOKEN} }]\n`;
  const { setup, problems } = await loadGateway({ path: join(dir, 'gateway.yaml'), text });
  assert.ok(setup, JSON.stringify(problems));
  const gateway = await runGateway(setup, realWorld(() => {}));
  t.after(() => gateway.close());
  return gateway;
}

/** A schema that takes no field which it does not name: what is sent and not written down is noticed. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'enum' || key === 'const' ? value : closed(value)]),
  );
  return 'properties' in inner && !('propertyNames' in inner) ? { ...inner, additionalProperties: false } : inner;
}

const ajv = new Ajv({ strict: false, validateFormats: false });
const checks = Object.fromEntries(
  Object.entries(MESSAGES).map(([name, { payload }]) => [name, ajv.compile(closed(payload) as object)]),
) as unknown as Record<MessageName, ValidateFunction>;

const patternOf = (address: string): RegExp => new RegExp(`^${address.replaceAll(/\{\w+\}/g, '[^/]+')}$`);

/** Which message of the document this is. @throws when it is none of its topic */
function nameOf({ topic, payload }: Heard): MessageName | 'Cleared' {
  // The warnings' address is the more special one: their topics have a level more.
  const channel = Object.values(CHANNELS).find(({ address }) => patternOf(address).test(topic));
  assert.ok(channel, `${topic} is no channel`);
  if (payload.length === 0 && channel.retain) return 'Cleared';
  const message: unknown = JSON.parse((isZstd(payload) ? zstdDecompressSync(payload) : payload).toString());
  const name = channel.messages.find((candidate) => checks[candidate](message));
  assert.ok(
    name,
    `${topic}: ${channel.messages
      .map((candidate) => {
        checks[candidate](message);
        return `${candidate} ${JSON.stringify(checks[candidate].errors?.[0])}`;
      })
      .join('; ')} in ${JSON.stringify(message).slice(0, 600)}`,
  );
  return name;
}

test(
  'every message of a run is one that the document describes, field by field, and every one of these is met',
  { timeout: 120_000 },
  async (t) => {
    const dir = commandFolder(t);
    const { url, heard, say } = await openBroker(t);
    const device = await new CountingDevice().open(t);
    const gateway = await openGateway(t, dir, url);
    // Fast enough for a backlog within seconds.
    const yaml = commandEdgeYaml(url, device.port).replace('every: 2s', 'every: 200ms');
    const edge = await startCommandEdge(t, dir, yaml);
    await knownCommand(gateway.httpUrl);

    await giveCommand(gateway.httpUrl, { kind: 'read', device: 'plc' });
    await giveCommand(gateway.httpUrl, { kind: 'write', device: 'plc', point: 'pump', value: true, ifState: { point: 'level', below: 3 } });
    await giveCommand(gateway.httpUrl, { kind: 'write', device: 'plc', point: 'nothing', value: true });
    await giveCommand(gateway.httpUrl, { kind: 'snapshot', device: 'plc' });
    const warned = (change: string) =>
      until(() => heard.some(({ topic, payload }) => topic.includes('/warnings/') && payload.toString().includes(change)));
    device.registers[2] = 250;
    await warned('"condition":"active"');
    device.registers[2] = 0;
    await warned('"condition":"cleared"');

    // Another sender, with what an edge of ours never sends: rows, a gap record, a refused event, bytes that are nothing.
    const base = `cv/v1/in/${COMMAND_CENTRE}/another`;
    const { rows } = WIRE_EXAMPLES;
    const [event] = rows.events;
    const gap = { stream: 'measurement', epoch: 1, fromSeq: 3, toSeq: 9, fromAt: 1, toAt: 2, count: 7, reason: 'log_full' };
    say(
      `${base}/up`,
      zstdCompressSync(
        JSON.stringify({
          ...rows,
          from: 'another',
          epoch: 1,
          seq: 1,
          events: [
            { ...event, flags: ['spike'], position: { lon: 106, lat: 29 } },
            { ...event, kind: 'gap', value: null, quality: 'bad', gap },
          ],
        }),
      ),
    );
    say(`${base}/up`, JSON.stringify({ ...rows, from: 'another', epoch: 1, seq: 3, events: [{ ...event, value: null }] }));
    say(`${base}/up`, GARBAGE);
    await until(() => heard.some(({ topic, payload }) => topic === `${base}/ack` && payload.includes('sha256')));

  // A camera's picture, which this edge has none of.
  say(`cv/v1/in/${COMMAND_CENTRE}/e1/evidence`, JSON.stringify(WIRE_EXAMPLES.evidencePart));
  await until(() => heard.some(({ topic, payload }) => topic.endsWith('/e1/ack') && payload.includes('"have":21')));

    // Away and back: a backlog of an epoch that is over goes by its own lane.
    await gateway.close();
    const kept = () =>
      edge.told.reduce((sum, event) => sum + (event.kind === 'events_kept' && event.stream === 'measurement' ? event.count : 0), 0);
    const before = kept();
    await until(() => {
      device.registers[2] = (device.registers[2] as number) === 0 ? 10 : 0;
      return kept() > before + 25;
    });
    await edge.close();
    await openGateway(t, dir, url);
    await startCommandEdge(t, dir, yaml);
    await until(() => heard.some(({ topic, payload }) => topic.endsWith('/e1/late') && payload.length > 0));

  const met = Map.groupBy(heard.filter(({ topic, payload }) => !topic.startsWith('$SYS') && payload.toString() !== GARBAGE), nameOf);
  const onTopics = Object.values(CHANNELS).flatMap(({ by, messages }) => (by === 'socket' ? [] : messages));
  assert.deepEqual([...new Set<MessageName | 'Cleared'>([...onTopics, 'Cleared'])].filter((name) => !met.has(name)), []);
});
