/**
 * `events`: the durable stream of the gateway's log, in commit order, for catching up and for reconciliation.
 * It never waits: at the head it answers an empty page whose `next` is where to ask again.
 */
import type { Normaliser } from '../../city/catalogue/catalogue.ts';
import { toPublished } from '../../city/catalogue/publish.ts';
import { FaultError } from '../../core/faults.ts';
import { AUDIT_INDICATOR } from '../../log/audit/edge-entry.ts';
import { compareCursors, formatCursor, parseCursor, LOG_START, type Cursor, type StoredGroup } from '../../log/types.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import { EVENT_EXAMPLE, EventPage, type FollowedEvent } from '../../api/events.ts';
import { ApiFault } from './problem.ts';
import { after, NO_PARAMS, pageLimit, query, route } from './route.ts';
import type { ApiSources } from './sources.ts';

const MAX_EVENTS = 5000;
/** A page also ends when the groups read for it come to this (packed; unpacked it may be 40 times as much). */
const MAX_PACKED_BYTES = 512 * 1024;
const READ = { maxGroups: 32, maxBytes: MAX_PACKED_BYTES };
const PATH = '/api/v1/events';

export const EVENTS_ROUTE = route({
  method: 'GET', path: PATH, needs: 'read', summary: { zh: '持久事件流，按提交顺序', en: 'the durable stream of events, in commit order' },
  query: query({ limit: pageLimit(MAX_EVENTS, 500), after: after() }), params: NO_PARAMS, answer: EventPage,
  example: { items: [EVENT_EXAMPLE], next: EVENT_EXAMPLE.cursor },
  faults: ['CV_API_CURSOR_INVALID', 'CV_API_CURSOR_GONE', 'CV_API_CURSOR_AHEAD', 'CV_API_CURSOR_FOREIGN'],
  handle: ({ sources, query: wanted, sees }) => eventsAfter(sources.log, sources.normaliser(), wanted.after, wanted.limit, sees),
});

/** @throws CV_API_CURSOR_INVALID, CV_API_CURSOR_GONE, CV_API_CURSOR_AHEAD, CV_API_CURSOR_FOREIGN (the last three with `oldest` to go on from) */
export async function eventsAfter(
  log: ApiSources['log'],
  normal: Normaliser,
  text: string | undefined,
  limit: number,
  sees: (centre: string) => boolean,
): Promise<EventPage> {
  let at = startOf(log, text);
  if (await isForeign(log, at)) {
    const oldest = formatCursor(log.tail());
    throw new ApiFault({ code: 'CV_API_CURSOR_FOREIGN', params: { after: formatCursor(at), oldest } }, { oldest });
  }
  const items: FollowedEvent[] = [];
  let packedBytes = 0;
  while (items.length < limit && packedBytes < MAX_PACKED_BYTES) {
    const groups = await log.read(at, READ);
    if (groups.length === 0) break;
    for (const group of groups) {
      packedBytes += group.payload.length;
      for (const item of unpack(group, normal)) {
        if (items.length >= limit) break;
        if (compareCursors(item.place, at) <= 0) continue;
        at = item.place;
        // What edges tell the audit record is for those who may read that.
        if (sees(item.event.centre) && item.event.indicator !== AUDIT_INDICATOR) items.push(item.event);
      }
      if (items.length >= limit) break;
      // Also past a group that held nothing new, or the loop would read it for ever.
      const end = { epoch: group.epoch, seq: group.seq + group.count - 1 };
      if (compareCursors(end, at) > 0) at = end;
    }
  }
  return { items, next: formatCursor(at) };
}

function startOf(log: ApiSources['log'], text: string | undefined): Cursor {
  const oldest = log.tail();
  if (text === undefined) return oldest;
  const asked = parseCursor(text);
  if (!asked) throw new FaultError('CV_API_CURSOR_INVALID', { after: text, path: PATH });
  const params = { after: text, oldest: formatCursor(oldest), head: formatCursor(log.head()) };
  if (compareCursors(asked, oldest) < 0) throw new ApiFault({ code: 'CV_API_CURSOR_GONE', params }, { oldest: params.oldest });
  const head = log.head();
  if (compareCursors(asked, head) > 0 && compareCursors(asked, LOG_START) > 0)
    throw new ApiFault({ code: 'CV_API_CURSOR_AHEAD', params }, { oldest: params.oldest, head: params.head });
  return asked;
}

/** An epoch between the oldest and the newest in which nothing lies: this log never gave such a cursor. Of its own ones most are of the newest, and cost no read. */
async function isForeign(log: ApiSources['log'], { epoch, seq }: Cursor): Promise<boolean> {
  if (seq === 0 || epoch === log.head().epoch || epoch === log.tail().epoch) return false;
  const [first] = await log.read({ epoch, seq: 0 }, { ...READ, maxGroups: 1 });
  return first?.epoch !== epoch;
}

function* unpack(group: StoredGroup, normal: Normaliser): Generator<{ place: Cursor; event: FollowedEvent }> {
  const receivedAt = group.origin?.receivedAt ?? 0;
  let seq = group.seq;
  for (const event of decodeBatch(group.payload).events) {
    const place = { epoch: group.epoch, seq };
    yield { place, event: { ...toPublished(event, normal), cursor: formatCursor(place), receivedAt } };
    seq += 1;
  }
}
