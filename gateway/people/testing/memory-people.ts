/** Users in memory, with passwords that cost nothing. */
import type { World } from '../../../core/world.ts';
import type { Audit } from '../audit.ts';
import { MemoryJsonRows } from '../../sqlite/testing/memory-rows.ts';
import { PEOPLE_TABLES } from '../database.ts';
import { Passwords } from '../password.ts';
import { People, type PeopleOptions } from '../people.ts';
import type { KnownPeople } from '../access.ts';
import type { Principal } from '../principal.ts';

export const memoryPeopleFile = () => new MemoryJsonRows(PEOPLE_TABLES);

export const CHEAP = { memoryKiB: 8, passes: 1 };

export async function memoryPeople(
  world: Pick<World, 'clock' | 'tell'>,
  { file = memoryPeopleFile(), audit }: { file?: PeopleOptions['file']; audit?: Audit } = {},
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
