/**
 * A consumer that loses nothing and takes nothing twice, however often it or the gateway was away or killed.
 *
 *   npm install mqtt
 *   node consumer.ts mqtt://127.0.0.1:1883 http://127.0.0.1:8080 events.jsonl      (one file a gateway)
 *
 * It listens on MQTT for speed and asks the API for what it missed, of events and of warnings. Each event, and each change
 * of a warning, is one line of the file, and its cursor in that line says how far we are: result and position are written
 * in one go, so that a kill cannot part them. (With a database: one transaction for both. Where they lie apart, a kill
 * between the two makes a repeat or a loss.)
 */
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import mqtt from 'mqtt';

/** As in docs/events.md; what is not named here is kept as well. `previous` comes on MQTT only. */
type OutEvent = { centre: string; indicator: string; cursor: string; previous?: string | null };
type OutWarning = { id: string; level: number; condition: string; cursor: string; previous?: string | null };
type Kind = 'events' | 'warnings';
type Line = OutEvent | { changed: OutWarning } | { place: string };

const [brokerUrl = 'mqtt://127.0.0.1:1883', apiUrl = 'http://127.0.0.1:8080', file = 'events.jsonl'] = process.argv.slice(2);
/** Everything up to here is in the file: of events whatever their topic, of warnings whichever. */
const places: Record<Kind, string | null> = { events: null, warnings: null };
/** The last cursor of each topic of events that is in the file. Warnings are one chain. */
const last = new Map<string, string>();

const topicOf = (event: OutEvent) => `cv/v1/out/${event.centre}/${event.indicator}`;
const isEvent = (item: OutEvent | OutWarning): item is OutEvent => !('condition' in item);

/** Cursors are `<epoch>-<seq>`: ordered by epoch, then by seq. */
function isAfter(cursor: string, other: string | null): boolean {
  if (other === null) return true;
  const [epoch = 0, seq = 0] = cursor.split('-').map(Number);
  const [otherEpoch = 0, otherSeq = 0] = other.split('-').map(Number);
  return epoch > otherEpoch || (epoch === otherEpoch && seq > otherSeq);
}

/** Up to where this event's topic, or the chain of warnings, is taken. */
const takenUpTo = (item: OutEvent | OutWarning) => (isEvent(item) ? last.get(topicOf(item)) ?? places.events : places.warnings);

function note(line: Line): void {
  if ('cursor' in line) last.set(topicOf(line), line.cursor);
  else if ('changed' in line) places.warnings = line.changed.cursor;
  else places.events = line.place;
}

/** Put what you need events and warnings for in place of the file. */
function take(items: readonly (OutEvent | OutWarning)[], place?: string): void {
  const lines: Line[] = items.map((item) => (isEvent(item) ? item : { changed: item }));
  if (place !== undefined) lines.push({ place });
  appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  lines.forEach(note);
  const warnings = items.filter((item) => !isEvent(item)).length;
  process.stdout.write(warnings > 0 ? `${warnings} changes of warnings taken\n` : `${items.length} taken\n`);
}

/** One page of the durable stream, or of the changes of warnings; or what the gateway says instead; status 0 when it does not answer. */
function page(kind: Kind): Promise<{ status: number; items?: (OutEvent | OutWarning)[]; next?: string; oldest?: string; detail?: string }> {
  // Of http.readers: needed where the gateway's HTTP is reached from other machines.
  const token = process.env.CITYVITALS_READ_TOKEN;
  // Without `after`, events begin at the oldest that is kept; changes of warnings do so after 0-0.
  const after = places[kind] ?? (kind === 'warnings' ? '0-0' : null);
  return fetch(`${apiUrl}/api/v1/${kind}?limit=500${after === null ? '' : `&after=${after}`}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })
    .then(async (response) => ({ ...((await response.json()) as object), status: response.status }))
    .catch((error: Error) => ({ status: 0, detail: error.message }));
}

/** Reads on from our place, to the end or until we have the one at `goal`. */
async function catchUp(kind: Kind, goal?: string): Promise<void> {
  while (goal === undefined || isAfter(goal, places[kind])) {
    const { status, items, next, oldest, detail } = await page(kind);
    if (items?.length === 0) return;
    if (items && next) {
      // The last change of a page is its end; events of other topics lie between.
      take(items.filter((item) => isAfter(item.cursor, takenUpTo(item))), kind === 'events' ? next : undefined);
    } else if (status === 410 && oldest) {
      process.stderr.write(`going on from ${oldest}: ${detail}\n`);
      places[kind] = oldest;
    } else {
      process.stderr.write(`no ${kind} (${status}): ${detail}; again in a second\n`);
      await new Promise((resolve) => { setTimeout(resolve, 1000); });
    }
  }
}

function hear(item: OutEvent | OutWarning): Promise<void> | void {
  const upTo = takenUpTo(item);
  // What is retained comes again on each connect.
  if (!isAfter(item.cursor, upTo)) return;
  // The one before this (an event's on its topic) is one we have; null says that nobody knows.
  if (upTo !== null && item.previous && !isAfter(item.previous, upTo)) return take([item]);
  return catchUp(isEvent(item) ? 'events' : 'warnings', item.cursor);
}

const catchUpAll = async () => {
  await catchUp('events');
  await catchUp('warnings');
};

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
client.on('connect', () => { client.subscribe(['cv/v1/out/+/+', 'cv/v1/out/+/warnings/+'], { qos: 1 }, () => soon(catchUpAll)); });
client.on('error', (error) => { process.stderr.write(`${error.message}\n`); });
client.on('message', (_topic, payload) => {
  // Empty: a warning that is over is retained no more.
  if (payload.length > 0) soon(() => hear(JSON.parse(payload.toString()) as OutEvent | OutWarning));
});
// Keeps our places young, also where every message comes: what is older than log.keep cannot be asked for.
setInterval(() => soon(catchUpAll), 600_000);
