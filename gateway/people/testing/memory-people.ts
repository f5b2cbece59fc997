/** Users in memory, with passwords that cost nothing. */
import type { World } from '../../../core/world.ts';
import type { Audit } from '../audit.ts';
import { PEOPLE_TABLES, type PeopleChange, type PeopleRows, type PeopleTable } from '../database.ts';
import { Passwords } from '../password.ts';
import { People, type PeopleFile } from '../people.ts';
import type { KnownPeople } from '../access.ts';
import type { Principal } from '../principal.ts';

/** What a disk would hold; a second `People` on it is a restart. */
export class MemoryPeopleFile implements PeopleFile {
  readonly rows = new Map<PeopleTable, Map<string, string>>(PEOPLE_TABLES.map((table) => [table, new Map()]));
  /** Set, nothing can be saved. */
  isFull = false;

  open(): Promise<PeopleRows> {
    return Promise.resolve(Object.fromEntries([...this.rows].map(([table, rows]) => [table, [...rows.values()]])) as PeopleRows);
  }

  save(changes: readonly PeopleChange[]): Promise<void> {
    if (this.isFull) return Promise.reject(new Error('disk full'));
    for (const [table, id, json] of changes) {
      if (json === null) this.rows.get(table)?.delete(id);
      else this.rows.get(table)?.set(id, json);
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export const CHEAP = { memoryKiB: 8, passes: 1 };

export async function memoryPeople(
  world: Pick<World, 'clock' | 'tell'>,
  { file = new MemoryPeopleFile(), audit }: { file?: PeopleFile; audit?: Audit } = {},
): Promise<People> {
  const people = new People({ file, passwords: new Passwords(CHEAP), ...(audit && { audit }) }, world);
  await people.open();
  return people;
}

/** Each is known by a token that is their id. */
export const knownBy = (principals: readonly Principal[]): KnownPeople => ({
  byToken: (token) => principals.find(({ id }) => id === token) ?? null,
  bySession: () => null,
  isEmpty: principals.length === 0,
});

/** May everything, everywhere. */
export const ALMIGHTY: Principal = { id: 'all', name: 'chief', kind: 'user', grants: [{ role: 'administrator', centre: '*' }] };
