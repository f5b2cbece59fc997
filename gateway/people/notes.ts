/** What was done to people.db while no gateway ran: it stands in the file until one takes it into its audit. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { AuditEntry } from './audit.ts';
import type { PeopleChange } from './database.ts';

const NOTE = z.object({
  id: z.string(),
  at: z.number(),
  who: z.string(),
  from: z.string(),
  what: z.string(),
});

export const noteChanges = (entries: readonly AuditEntry[], nowMs: number): PeopleChange[] =>
  entries.map(({ who, from, what }) => {
    const id = randomUUID();
    return ['notes', id, JSON.stringify({ id, at: nowMs, who, from, what })];
  });

/** @returns what to append, and the changes that take the notes out */
export function takeNotes(rows: readonly string[]): { entries: AuditEntry[]; taken: PeopleChange[] } {
  const notes = rows.map((json) => NOTE.parse(JSON.parse(json))).toSorted((a, b) => a.at - b.at);
  return {
    entries: notes.map(({ at, who, from, what }) => ({ kind: 'local', who, from, what, outcome: 'done', details: { at } })),
    taken: notes.map(({ id }) => ['notes', id, null]),
  };
}
