/**
 * people.db opened by a command on the gateway's own machine. What it does is noted in the file; the gateway takes it into
 * its audit when it starts.
 */
import { chownSync, existsSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { Grant } from '../api/permissions.ts';
import type { UserLinkView, UserView } from '../api/users.ts';
import { FaultError } from '../core/faults.ts';
import { realWorld } from '../core/world.ts';
import type { GatewaySetup } from '../gateway/config/setup.ts';
import { userView } from '../gateway/http/users.ts';
import { PEOPLE_TABLES } from '../gateway/people/database.ts';
import { People, type PeopleOptions } from '../gateway/people/people.ts';
import { JsonRowsDatabase } from '../gateway/sqlite/json-rows.ts';
import type { User } from '../gateway/people/records.ts';
import { noteChanges } from '../gateway/people/notes.ts';
import type { AuditEntry } from '../gateway/people/audit.ts';
import type { Principal } from '../gateway/people/principal.ts';
import { databaseFailure, databaseFault } from '../gateway/sqlite/failure.ts';
import '../gateway/people/faults.ts';

/** What both ways can do. */
export interface UserAdministration {
  list(): Promise<UserView[]>;
  add(name: string, grants: Grant[]): Promise<UserLinkView>;
  setDisabled(id: string, disabled: boolean): Promise<UserView>;
  link(id: string): Promise<UserLinkView>;
  /** Where its console is. */
  url: string;
}

export interface LocalPeople extends UserAdministration {
  firstLink(): Promise<{ code: string; expiresAt: number }>;
  close(): Promise<void>;
}

/** @throws CV_PEOPLE_LOCAL, CV_STORE_BUSY while the gateway runs, and other faults of databases */
export async function openLocalPeople({ log, http }: GatewaySetup): Promise<LocalPeople> {
  const path = join(log.dir, 'people.db');
  const folder = existsSync(path) ? path : log.dir;
  const owner = existsSync(folder) ? statSync(folder) : null;
  const uid = process.getuid?.() ?? 0;
  if (!owner || (uid !== 0 && uid !== owner.uid)) throw new FaultError('CV_PEOPLE_LOCAL', { path });
  const database = new JsonRowsDatabase(PEOPLE_TABLES).operations;
  const entries: AuditEntry[] = [];
  const guarded = <T>(run: () => T): Promise<T> => {
    try {
      return Promise.resolve(run());
    } catch (error) {
      return Promise.reject(databaseFault(databaseFailure(error), path));
    }
  };
  const rows = await guarded(() => database.open({ path }));
  const file: PeopleOptions['file'] = {
    open: () => Promise.resolve({ ...rows, notes: [] }),
    save: (changes) =>
      guarded(() => {
        database.save(changes);
      }),
    close: () =>
      guarded(() => {
        database.close();
      }),
  };
  const world = realWorld(() => {});
  const people = new People(
    {
      file,
      audit: {
        append: (entry) => {
          entries.push({ ...entry, kind: 'local' });
        },
      },
    },
    world,
  );
  await people.open();
  const principal: Principal = {
    id: `local:${uid}`,
    name: userInfo().username,
    kind: 'configured',
    grants: [{ role: 'administrator', centre: '*' }],
  };
  const actor = { principal, address: 'local' };
  const linked = (user: User, link: { code: string; expiresAt: number }) => ({ user: userView(user), ...link });
  return {
    url: `http://${http.host === '0.0.0.0' || http.host === '::' ? '127.0.0.1' : http.host}:${http.port}`,
    list: () => Promise.resolve(people.users().map(userView)),
    async add(name, grants) {
      const { user, ...link } = await people.addUser({ name, grants }, actor);
      return linked(user, link);
    },
    setDisabled: async (id, disabled) => userView(await people.changeUser(id, { disabled }, actor)),
    link: async (id) => linked(people.user(id) as User, await people.newPasswordLink(id, actor)),
    async firstLink() {
      const link = await people.firstLink();
      if (!link) throw new FaultError('CV_SETUP_DONE');
      entries.push({ kind: 'local', who: principal.name, from: 'local', what: 'set-up link', outcome: 'done' });
      return link;
    },
    async close() {
      if (entries.length > 0) await file.save(noteChanges(entries, world.clock.nowMs()));
      await people.close();
      // Root has made files that the gateway could not write to.
      if (uid === 0)
        for (const suffix of ['', '-wal', '-shm'])
          if (existsSync(`${path}${suffix}`)) chownSync(`${path}${suffix}`, owner.uid, statSync(dirname(path)).gid);
    },
  };
}
