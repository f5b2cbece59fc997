/** What clients do to a broker, one at a time; each says afterwards what it found. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createZstdCompress } from 'node:zlib';
import type { MqttClient } from 'mqtt';
import { encodeBatch } from '../../core/wire/batch.ts';
import { packetHead, rawConnect, subscribePacket } from '../../core/testing/raw-mqtt.ts';
import { PROBE_CENTRE, connectEdge, probeDraft } from './probe.ts';

export interface Abuse {
  name: string;
  /** Runs while the probe measures; the texts it gives say what did not hold. */
  run(gateway: Target, signal: AbortSignal): Promise<string[]>;
}

interface Target {
  port: number;
  /** Clients that the broker let go so far for this reason, from its metrics. */
  dropped(reason: string): Promise<number>;
}

const UP = `cv/v1/in/${PROBE_CENTRE}/flood/up`;
/** 2,000 events a second of 2 KB each: fills what a stalled subscriber may hold within seconds, and is far from what a gateway can do. */
const FLOOD_EVENTS = 50;
const FLOOD_EVERY_MS = 25;
const FLOOD_TEXT = 'x'.repeat(2000);

const nothing = Buffer.alloc(1 << 20);
const bomb = await buffer(Readable.from(Array.from({ length: 512 }, () => nothing)).pipe(createZstdCompress()));

export const ABUSES: Abuse[] = [
  { name: 'nothing', run: async (_gateway, signal) => { await abusePauseMs(2000, signal); return []; } },
  {
    name: 'a subscriber that stops reading',
    async run({ port, dropped }, signal) {
      const clients = await Promise.all([1, 2, 3].map((at) => rawConnect(port, { clientId: `sleeper-${at}` })));
      for (const client of clients) {
        client.send(subscribePacket('cv/v1/out/#', 0));
        client.socket.pause();
      }
      // A client that does not read does not see its end either: the broker is asked.
      const gone = (async () => { while (await dropped('stalled') < clients.length) await abusePauseMs(200, signal); })();
      const done = await flood(port, 15_000, signal, gone);
      for (const { socket } of clients) socket.destroy();
      return done ? [] : [`${await dropped('stalled')} of ${clients.length} were let go`];
    },
  },
  {
    name: 'a subscriber that never acknowledges',
    async run({ port }, signal) {
      const client = await rawConnect(port, { clientId: 'mute' });
      client.send(subscribePacket('cv/v1/out/#', 1));
      const gone = await flood(port, 8000, signal, client.closed);
      if (!gone) return ['it was kept'];
      return client.published <= 1000 ? [] : [`it was sent ${client.published} messages`];
    },
  },
  {
    name: 'a 64 MB packet',
    async run({ port }, signal) {
      const client = await rawConnect(port, { clientId: 'cv-flood', user: 'flood', password: 'flood-token' });
      client.send(packetHead(0x32, 64 << 20));
      const part = Buffer.alloc(1 << 20);
      for (let sent = 0; sent < 64 && !client.socket.destroyed; sent += 1) {
        if (!client.socket.write(part))
          await Promise.race([
            client.closed,
            new Promise((resolve) => {
              client.socket.once('drain', resolve);
            }),
          ]);
      }
      const gone = await Promise.race([client.closed.then(() => true), abusePauseMs(2000, signal).then(() => false)]);
      return gone ? [] : ['it was not cut off'];
    },
  },
  {
    name: '512 MB in a zstd bomb of 16 KB, twenty times',
    async run({ port }, signal) {
      const edge = await connectEdge(`mqtt://127.0.0.1:${port}`, 'flood');
      const refused = countRefusals(edge);
      await edge.subscribeAsync(`cv/v1/in/${PROBE_CENTRE}/flood/ack`, { qos: 1 });
      for (let count = 0; count < 20; count += 1) await edge.publishAsync(UP, bomb, { qos: 1 });
      await abusePauseMs(1000, signal);
      const kept = edge.connected;
      await edge.endAsync(true);
      return [...(kept ? [] : ['the connection was not kept']), ...(refused.count === 20 ? [] : [`${refused.count} of 20 were answered`])];
    },
  },
  {
    name: 'payloads of 9 MB, ten times',
    async run({ port }, signal) {
      const edge = await connectEdge(`mqtt://127.0.0.1:${port}`, 'flood');
      const refused = countRefusals(edge);
      await edge.subscribeAsync(`cv/v1/in/${PROBE_CENTRE}/flood/ack`, { qos: 1 });
      const payload = Buffer.alloc(9 << 20, 32);
      for (let count = 0; count < 10; count += 1) await edge.publishAsync(UP, payload, { qos: 1 });
      await abusePauseMs(1000, signal);
      const kept = edge.connected;
      await edge.endAsync(true);
      // What is above its bytes a second is left unread.
      return [...(kept ? [] : ['the connection was not kept']), ...(refused.count >= 2 ? [] : [`${refused.count} were answered`])];
    },
  },
  {
    name: 'a clean: false subscriber that is away',
    async run({ port }, signal) {
      const client = await rawConnect(port, { clientId: 'absent', clean: false });
      client.send(subscribePacket('cv/v1/out/#', 1));
      await abusePauseMs(50, signal);
      client.socket.destroy();
      await flood(port, 3000, signal);
      return [];
    },
  },
];

/** Much traffic on `out`. @returns whether `until` came to pass in time */
async function flood(port: number, mostMs: number, signal: AbortSignal, until: Promise<unknown> = new Promise(() => {})): Promise<boolean> {
  const edge = await connectEdge(`mqtt://127.0.0.1:${port}`, 'flood');
  const epoch = Date.now();
  let seq = 1;
  const timer = setInterval(() => {
    const events = Array.from({ length: FLOOD_EVENTS }, (_, index) => ({
      ...probeDraft(seq + index, `flood-${index % 20}`),
      kind: 'state' as const,
      value: FLOOD_TEXT,
      unit: '',
    }));
    edge.publish(UP, Buffer.from(encodeBatch({ from: 'flood', stream: 'state', epoch, seq }, events)), { qos: 1 });
    seq += FLOOD_EVENTS;
  }, FLOOD_EVERY_MS);
  const done = await Promise.race([until.then(() => true), abusePauseMs(mostMs, signal).then(() => false)]);
  clearInterval(timer);
  await edge.endAsync(true);
  return done;
}

function countRefusals(edge: MqttClient): { count: number } {
  const refused = { count: 0 };
  edge.on('message', (_topic, payload) => { if ('error' in (JSON.parse(payload.toString()) as object)) refused.count += 1; });
  return refused;
}

export function abusePauseMs(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, durationMs);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
