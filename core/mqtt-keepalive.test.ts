import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import mqtt, { type MqttClient } from 'mqtt';
import { keepAliveDuringBacklog } from './mqtt-keepalive.ts';
import { publishPacket } from './testing/raw-mqtt.ts';
import { settle } from './testing/virtual-clock.ts';

const CONNACK = Buffer.from([0x20, 2, 0, 0]);
const PINGREQ = 0xc0;
const PINGRESP = Buffer.from([0xd0, 0]);

/** `once` of node:events fails at an error, which comes before the close here. */
const next = (client: MqttClient, event: 'connect' | 'packetreceive' | 'close') =>
  new Promise<void>((resolve) => {
    client.once(event, () => resolve());
  });

/** A broker that answers no PINGREQ by itself, and a client whose patience is at the test's command. */
async function rig(t: { after(step: () => void): void }, isHeld?: () => boolean) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  let tick = (): void => {};
  const client: MqttClient = mqtt.connect(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    protocolVersion: 4, keepalive: 10, reconnectPeriod: 0,
    timerVariant: { set: (work) => { tick = () => { work(); }; return 1; }, clear: () => { tick = () => {}; } },
  });
  keepAliveDuringBacklog(client, isHeld);
  client.on('error', () => {});
  const [broker] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    client.end(true);
    broker.destroy();
    server.close();
  });
  let pings = 0;
  broker.on('data', (bytes: Buffer) => { if (bytes[0] === PINGREQ) pings += 1; });
  broker.write(CONNACK);
  await next(client, 'connect');
  const says = async (bytes: Uint8Array) => {
    const heard = next(client, 'packetreceive');
    broker.write(bytes);
    await heard;
  };
  return {
    client, pings: () => pings, says,
    /** Five seconds later, and the turn after that. */
    async later(times = 1) {
      for (let time = 0; time < times; time += 1) tick();
      await settle();
    },
  };
}

test('a broker that says nothing is given up after fifteen seconds', async (t) => {
  const { client, later } = await rig(t);
  await later(2);
  assert.ok(client.connected);
  const closed = next(client, 'close');
  await later();
  await closed;
});

test('a broker whose PINGRESP waits behind a backlog is kept, and asked again, until it is silent', async (t) => {
  const { client, later, says, pings } = await rig(t);
  await later(2);
  for (let time = 0; time < 5; time += 1) {
    await says(publishPacket('t', Buffer.from('backlog'), time + 1));
    await later();
    assert.ok(client.connected);
  }
  await says(PINGRESP);
  await later(2);
  assert.ok(client.connected, 'an answer begins the count anew');
  const closed = next(client, 'close');
  await later();
  await closed;
  assert.ok(pings() >= 2, `${pings()} PINGREQ seen`);
});

test('a broker that we do not read is kept while that lasts', async (t) => {
  let isHeld = true;
  const { client, later } = await rig(t, () => isHeld);
  await later(2);
  await later();
  await later();
  assert.ok(client.connected);
  isHeld = false;
  const closed = next(client, 'close');
  await later();
  await closed;
});
