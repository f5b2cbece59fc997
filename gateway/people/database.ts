/** What `people.db` holds. No password, cookie, token or code stands in it, only their hashes. */
import type { JsonRowChange } from '../sqlite/json-rows.ts';

export const PEOPLE_TABLES = ['users', 'sessions', 'tokens', 'links', 'notes'] as const;
export type PeopleTable = (typeof PEOPLE_TABLES)[number];
export type PeopleChange = JsonRowChange<PeopleTable>;
