/** What a disk would hold of a database of JSON rows; a second user of it is a restart. */
import type { JsonRowChange, JsonRows, JsonRowsFile } from '../json-rows.ts';

export class MemoryJsonRows<Table extends string> implements JsonRowsFile<Table> {
  readonly rows: Map<Table, Map<string, string>>;
  /** Set, nothing can be saved. */
  isFull = false;

  constructor(tables: readonly Table[]) {
    this.rows = new Map(tables.map((table) => [table, new Map()]));
  }

  open(): Promise<JsonRows<Table>> {
    return Promise.resolve(Object.fromEntries([...this.rows].map(([table, rows]) => [table, [...rows.values()]])) as JsonRows<Table>);
  }

  save(changes: readonly JsonRowChange<Table>[]): Promise<void> {
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
