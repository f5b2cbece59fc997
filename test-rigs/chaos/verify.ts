/** Reads back all numbers, once from the durable events and once from the store's rows, and holds them against the witness. */
import type { SeriesRange, SeriesView } from '../../api/series.ts';
import type { Event } from '../../core/event.ts';
import { NumberSet } from '../processes/number-set.ts';

export interface ChaosVerdict {
  stored: number;
  missing: number;
  duplicates: number;
  disordered: number;
  /** For the person who has to find out why: the first few missing numbers. */
  missingFirst: number[];
}

const PAGE = 1000;

/** @param headers where a token is needed */
export async function verifyChaos(gatewayUrl: string, witness: NumberSet, headers: Record<string, string> = {}): Promise<ChaosVerdict> {
  const events = await numbersOfEvents(gatewayUrl, headers);
  const { rows, disordered } = await numbersOfStore(gatewayUrl, headers);
  const missingEvents = witness.without(events);
  const missingRows = witness.without(rows);
  return {
    stored: Math.min(events.size, rows.size),
    missing: Math.max(missingEvents.length, missingRows.length),
    duplicates: events.repeats + rows.repeats,
    disordered,
    missingFirst: [...missingEvents, ...missingRows].slice(0, 10),
  };
}

async function numbersOfEvents(gatewayUrl: string, headers: Record<string, string>): Promise<NumberSet> {
  const found = new NumberSet();
  let cursor = '';
  for (;;) {
    const url = `${gatewayUrl}/api/v1/events?limit=${PAGE}${cursor && `&after=${cursor}`}`;
    const page = await get<{ items: Event[]; next: string }>(url, headers);
    for (const event of page.items) if (event.point === 'n' && typeof event.value === 'number') found.add(event.value);
    cursor = page.next;
    if (page.items.length === 0) return found;
  }
}

async function numbersOfStore(gatewayUrl: string, headers: Record<string, string>): Promise<{ rows: NumberSet; disordered: number }> {
  const rows = new NumberSet();
  let disordered = 0;
  const { items } = await get<{ items: SeriesView[] }>(`${gatewayUrl}/api/v1/series?point=n`, headers);
  for (const series of items) {
    let last = -1;
    let after = '';
    do {
      const range: SeriesRange = await get(
        `${gatewayUrl}/api/v1/series?device=${series.device}&indicator=${series.indicator}&point=n&from=0&to=${Date.now() + 3_600_000}&limit=${PAGE}${after && `&after=${encodeURIComponent(after)}`}`,
        headers,
      );
      for (const { value } of range.items) {
        if (typeof value !== 'number') continue;
        rows.add(value);
        if (value < last) disordered += 1;
        last = value;
      }
      after = range.next ?? '';
    } while (after);
  }
  return { rows, disordered };
}

async function get<T>(url: string, headers: Record<string, string>): Promise<T> {
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}
