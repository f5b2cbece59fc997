/** `people.db` as the gateway has it, in the thread of its small databases. */
import { SqliteClient, type SqliteThread } from '../sqlite/client.ts';
import type { PeopleDatabase } from './database.ts';
import type { PeopleFile } from './people.ts';

export function openPeopleFile(path: string, thread: SqliteThread): PeopleFile {
  const client = new SqliteClient<PeopleDatabase['operations']>(thread, path, 'people');
  return {
    open: () => client.call('open', { path }),
    save: (changes) => client.call('save', changes),
    close: () => client.close(),
  };
}
