/** Who may what at a running gateway: users, a provider where there is one, and access by both and by tokens. */
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import type { World } from '../../core/world.ts';
import type { GatewaySetup, LiveSetup } from '../config/setup.ts';
import type { SqliteThread } from '../sqlite/client.ts';
import { openJsonRows } from '../sqlite/open-json-rows.ts';
import { Access, needsToken } from './access.ts';
import type { Audit } from './audit.ts';
import { OidcProvider } from './oidc-provider.ts';
import { People, SESSION_TIMES } from './people.ts';

export interface OpenedPeople {
  people: People;
  access: Access;
  oidc(): OidcProvider | null;
  live(): LiveSetup;
  /** What `setup` now says counts. @param signIn as it was before */
  reload(signIn: GatewaySetup['signIn']): void;
}

/** @param setup read each time: it changes while the gateway runs */
export async function openPeople(setup: GatewaySetup, thread: SqliteThread, audit: Audit, world: World): Promise<OpenedPeople> {
  const file = openJsonRows(join(setup.log.dir, 'people.db'), thread, 'people');
  const people = new People({ file, audit, sessionTimes: () => setup.signIn ?? SESSION_TIMES }, world);
  await people.open();
  const providerOf = ({ signIn }: GatewaySetup) => (signIn?.oidc ? new OidcProvider(signIn.oidc, world) : null);
  let oidc = providerOf(setup);
  const live = (): LiveSetup => setup.live ?? { anonymous: 'none', maxViewers: 8 };
  const access = new Access(
    {
      gateway: setup.gateway,
      people,
      audit,
      isNeeded: needsToken(setup.http),
      isAnonymousAllowed: () => setup.http.anonymous === 'loopback' || (setup.http.anonymous === undefined && !people.hasAdministrator),
      watchers: () => live().anonymous,
    },
    world.clock,
  );
  const setTokens = (): void => access.setTokens(setup.http.readers ?? [], setup.operators ?? []);
  setTokens();
  return {
    people,
    access,
    oidc: () => oidc,
    live,
    reload(before) {
      if (!isDeepStrictEqual(before, setup.signIn)) oidc = providerOf(setup);
      setTokens();
    },
  };
}
