/**
 * A consumer that loses nothing and takes nothing twice, however often it or the gateway was away or killed.
 *
 *   npm install mqtt
 *   node consumer.ts mqtt://127.0.0.1:1883 http://127.0.0.1:8080 events.jsonl      (one file a gateway)
 *
 * It listens on MQTT for speed and asks the API for what it missed. Each event is one line of the file, and its cursor
 * in that line says how far we are: result and position are written in one go, so that a kill cannot part them. (With a
 * database: one transaction for both. Where they lie apart, a kill between the two makes a repeat or a loss.)
 */
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import mqtt from 'mqtt';

/** As in docs/events.md; what is not named here is kept as well. `previous` comes on MQTT only. */
type OutEvent = { centre: string; indicator: string; cursor: string; previous?: string | null };
type Line = OutEvent | { place: string };

const [brokerUrl = 'mqtt://127.0.0.1:1883', apiUrl = 'http://127.0.0.1:8080', file = 'events.jsonl'] = process.argv.slice(2);
/** Everything up to here is in the file, whatever its topic. */
let place: string | null = null;
/** The last cursor of each topic that is in the file. */
const last = new Map<string, string>();

const topicOf = (event: OutEvent) => `cv/v1/out/${event.centre}/${event.indicator}`;

/** Cursors are `<epoch>-<seq>`: ordered by epoch, then by seq. */
function isAfter(cursor: string, other: string | null): boolean {
  if (other === null) return true;
  const [epoch = 0, seq = 0] = cursor.split('-').map(Number);
  const [otherEpoch = 0, otherSeq = 0] = other.split('-').map(Number);
  return epoch > otherEpoch || (epoch === otherEpoch && seq > otherSeq);
}

/** Up to where this event's topic is taken. */
const takenUpTo = (event: OutEvent) => last.get(topicOf(event)) ?? place;

function note(line: Line): void {
  if ('place' in line) place = line.place;
  else last.set(topicOf(line), line.cursor);
}

/** Put what you need the events for in place of the file. */
function take(lines: readonly Line[]): void {
  appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  lines.forEach(note);
  process.stdout.write(`${lines.filter((line) => 'cursor' in line).length} taken\n`);
}

/** One page of the durable stream, or what the gateway says instead; status 0 when it does not answer. */
function page(): Promise<{ status: number; items?: OutEvent[]; next?: string; oldest?: string; detail?: string }> {
  // Of http.readers: needed where the gateway's HTTP is reached from other machines.
  const token = process.env.CITYVITALS_READ_TOKEN;
  return fetch(`${apiUrl}/api/v1/events?limit=500${place === null ? '' : `&after=${place}`}`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
    .then(async (response) => ({ ...await response.json() as object, status: response.status }))
    .catch((error: Error) => ({ status: 0, detail: error.message }));
}

/** Reads the durable stream on from `place`, to its end or until it has the event at `goal`. */
async function catchUp(goal?: string): Promise<void> {
  while (goal === undefined || isAfter(goal, place)) {
    const { status, items, next, oldest, detail } = await page();
    if (items?.length === 0) return;
    if (items && next) {
      take([...items.filter((event) => isAfter(event.cursor, takenUpTo(event))), { place: next }]);
    } else if (status === 410 && oldest) {
      process.stderr.write(`going on from ${oldest}: ${detail}\n`);
      place = oldest;
    } else {
      process.stderr.write(`no events (${status}): ${detail}; again in a second\n`);
      await new Promise((resolve) => { setTimeout(resolve, 1000); });
    }
  }
}

function hear(event: OutEvent): Promise<void> | void {
  const upTo = takenUpTo(event);
  if (!isAfter(event.cursor, upTo)) return;
  // The message before this one on its topic is one we have; null says that nobody knows.
  if (upTo !== null && event.previous && !isAfter(event.previous, upTo)) return take([event]);
  return catchUp(event.cursor);
}

if (existsSync(file)) {
  const text = readFileSync(file, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  truncateSync(file, Buffer.byteLength(whole)); // a line that a kill cut short comes again whole
  for (const line of whole.split('\n').slice(0, -1)) note(JSON.parse(line) as Line);
}
// One thing at a time, in the order it came; a full disk ends the program, and its next start goes on.
let work: Promise<void> = Promise.resolve();
const soon = (job: () => Promise<void> | void) => { work = work.then(job); };

const client = mqtt.connect(brokerUrl, { protocolVersion: 4, clean: true, keepalive: 10 });
client.on('connect', () => { client.subscribe('cv/v1/out/+/+', { qos: 1 }, () => soon(() => catchUp())); });
client.on('error', (error) => { process.stderr.write(`${error.message}\n`); });
client.on('message', (_topic, payload) => soon(() => hear(JSON.parse(payload.toString()) as OutEvent)));
// Keeps `place` young, also where every message comes: what is older than log.keep cannot be asked for.
setInterval(() => soon(() => catchUp()), 600_000);
