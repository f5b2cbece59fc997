/** A database of JSON rows as the gateway has it, in the thread of its small databases. */
import { SqliteClient, type SqliteThread } from './client.ts';
import type { JsonRowsDatabase, JsonRowsFile } from './json-rows.ts';

/** @param name of the database in the thread */
export function openJsonRows<Table extends string>(path: string, thread: SqliteThread, name: string): JsonRowsFile<Table> {
  const client = new SqliteClient<JsonRowsDatabase<Table>['operations']>(thread, path, name);
  return {
    open: () => client.call('open', { path }),
    save: (changes) => client.call('save', changes),
    close: () => client.close(),
  };
}
