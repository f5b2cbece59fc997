/**
 * Streams: each accepted event as one plain JSON message on `cv/v1/out/{centre}/{indicator}`, for whoever listens. Begins
 * at the head on every start: who missed something sees it by `previous` and fetches it by `events?after=`. While nobody
 * listens nothing is said, and `previous` goes on as if it had been: whoever comes finds by it what there was before.
 */
import { formatCursor, type Cursor, type GatewayLog } from '../../log/types.ts';
import { setBounded } from '../../core/bounded-map.ts';
import type { Normaliser } from '../../city/catalogue/catalogue.ts';
import { toPublished } from '../../city/catalogue/publish.ts';
import type { OutMessage, PublishedEvent } from '../../core/wire/published.ts';
import { valueAt } from '../../core/wire/columns.ts';
import { outTopic } from '../../core/wire/topics.ts';
import { pause, type World } from '../../core/world.ts';
import type { Consumer } from '../feed/consumer.ts';
import { loggedEvents, type LoggedEvent, type LogBatch } from '../feed/log-batch.ts';
import type { Publisher } from './publisher.ts';

/** Messages on their way to the broker at one time. */
const WINDOW = 256;
/** At most 10,000 messages a second: a backlog that drains must not fill every listener's unacknowledged thousand. */
const WINDOW_MS = 25;
/** Any code may come in: of a topic that is forgotten the next message says null, as after a start. */
const MAX_TOPICS = 50_000;

export interface StreamsOptions {
  /** Only these; all when empty. */
  indicators: readonly string[];
  /** Whether anybody may be listening. */
  isHeard(): boolean;
  /** Of the catalogue as it is now. */
  normaliser(): Normaliser;
}

export function streamsConsumer(
  log: Pick<GatewayLog, 'head'>,
  publisher: Pick<Publisher, 'publish'>,
  { indicators, isHeard, normaliser }: StreamsOptions,
  world: Pick<World, 'clock'>,
): Consumer {
  const wanted = indicators.length > 0 ? new Set(indicators) : null;
  const previous = new Map<string, string>();

  function messageOf({ event, cursor }: LoggedEvent, normal: Normaliser): { topic: string; payload: string } {
    const topic = outTopic(event.centre, event.indicator);
    const place = formatCursor(cursor);
    const message: PublishedEvent & OutMessage = { ...toPublished(event, normal), cursor: place, previous: previous.get(topic) ?? null };
    setBounded(previous, topic, place, MAX_TOPICS);
    return { topic, payload: JSON.stringify(message) };
  }

  /** As if all of it had been said: at once, so that nobody can come to listen in between. */
  function pass({ columns, first: { epoch, seq } }: LogBatch): void {
    const [centres, codes] = [columns.cells('centre'), columns.cells('indicator')];
    for (let at = 0; at < columns.count; at += 1) {
      const [centre, code] = [valueAt(centres, at), valueAt(codes, at)];
      const isLast = at === columns.count - 1 || valueAt(centres, at + 1) !== centre || valueAt(codes, at + 1) !== code;
      if (isLast && (!wanted || wanted.has(code as string)))
        setBounded(previous, outTopic(centre as string, code as string), formatCursor({ epoch, seq: seq + at }), MAX_TOPICS);
    }
  }

  async function send(part: readonly LoggedEvent[]): Promise<void> {
    const normal = normaliser();
    const messages = part.map((event) => messageOf(event, normal));
    try {
      await Promise.all(messages.map(({ topic, payload }) => publisher.publish(topic, payload)));
    } catch (error) {
      // Some of them went out, some did not: null tells whoever listens to look for itself.
      for (const { topic } of messages) previous.delete(topic);
      throw error;
    }
  }

  return {
    name: 'streams',
    required: false,
    start: (): Promise<Cursor> => Promise.resolve(log.head()),
    async take(groups) {
      if (!isHeard()) return groups.forEach(pass);
      const batch = wanted ? loggedEvents(groups).filter(({ event }) => wanted.has(event.indicator)) : loggedEvents(groups);
      for (let at = 0; at < batch.length; at += WINDOW) {
        const startedMs = world.clock.monotonicMs();
        await send(batch.slice(at, at + WINDOW));
        const leftMs = WINDOW_MS - (world.clock.monotonicMs() - startedMs);
        if (at + WINDOW < batch.length && leftMs > 0) await pause(world.clock, leftMs);
      }
    },
    close: () => Promise.resolve(),
  };
}
