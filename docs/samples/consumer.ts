/**
 * A consumer that loses nothing and takes nothing twice, however often it or the gateway was away.
 *
 *   node docs/samples/consumer.ts mqtt://127.0.0.1:1883 http://127.0.0.1:8080 positions.json
 *
 * It listens on MQTT for speed and asks the API for what it missed: each message says which one came before it on its
 * topic; when that is not the one seen last, the durable stream is read on from there. Positions are kept per topic.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import mqtt from 'mqtt';

interface OutEvent {
  centre: string;
  indicator: string;
  device: string;
  point: string;
  value: number | boolean | string | null;
  unit: string;
  occurredAt: number;
  cursor: string;
  previous?: string | null;
}

const [brokerUrl = 'mqtt://127.0.0.1:1883', apiUrl = 'http://127.0.0.1:8080', file = 'positions.json'] = process.argv.slice(2);
const positions = new Map<string, string>(existsSync(file) ? Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : []);
const PAGE = 500;

/** Replace this: it is called once for each event, in order within a topic. */
function take(event: OutEvent): void {
  process.stdout.write(`${JSON.stringify({ indicator: event.indicator, device: event.device, point: event.point, value: event.value, at: event.occurredAt, cursor: event.cursor })}\n`);
}

const topicOf = (event: OutEvent) => `cv/v1/out/${event.centre}/${event.indicator}`;

/** Cursors are `<epoch>-<seq>`: ordered by epoch, then by seq. */
function after(a: string, b: string): boolean {
  const [epochA = 0, seqA = 0] = a.split('-').map(Number);
  const [epochB = 0, seqB = 0] = b.split('-').map(Number);
  return epochA > epochB || (epochA === epochB && seqA > seqB);
}

function handle(event: OutEvent): void {
  const topic = topicOf(event);
  const seen = positions.get(topic);
  if (seen !== undefined && !after(event.cursor, seen)) return;
  take(event);
  positions.set(topic, event.cursor);
}

/** Reads the durable stream from the oldest position on; what was seen is passed over. */
async function catchUp(): Promise<void> {
  let cursor = [...positions.values()].reduce<string | null>((oldest, one) => (oldest === null || after(oldest, one) ? one : oldest), null);
  for (;;) {
    const answer = await fetch(`${apiUrl}/api/v1/events?limit=${PAGE}${cursor === null ? '' : `&after=${cursor}`}`);
    if (answer.status === 410) {
      // Older than what the gateway keeps: the answer names the oldest cursor there is. What lies between is gone here.
      const { oldest } = (await answer.json()) as { oldest: string };
      process.stderr.write(`away for too long: going on from ${oldest}\n`);
      cursor = oldest;
      continue;
    }
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const { items, next } = (await answer.json()) as { items: OutEvent[]; next: string };
    items.forEach(handle);
    cursor = next;
    if (items.length === 0) return;
  }
}

function save(): void {
  writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(positions)));
  renameSync(`${file}.new`, file);
}

// One thing at a time, in the order it came.
let work: Promise<void> = Promise.resolve();
const soon = (job: () => Promise<void> | void) => {
  work = work.then(job).then(save).catch((error: unknown) => { process.stderr.write(`${String(error)}; trying again with the next message\n`); });
};

const client = mqtt.connect(brokerUrl, { protocolVersion: 4, clean: true, keepalive: 10 });
client.on('connect', () => { client.subscribe('cv/v1/out/+/+', { qos: 1 }, () => soon(catchUp)); });
client.on('error', (error) => { process.stderr.write(`${error.message}\n`); });
client.on('message', (_topic, payload) => {
  const event = JSON.parse(payload.toString()) as OutEvent;
  soon(() => ((event.previous ?? null) === (positions.get(topicOf(event)) ?? null) ? handle(event) : catchUp()));
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => { void work.then(() => client.endAsync()).then(() => process.exit(0)); });
}
