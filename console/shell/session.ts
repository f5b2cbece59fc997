/** Signing in, where the gateway asks for it: it keeps who it is in a cookie that no script sees. */
import { useEffect, useState } from 'preact/hooks';
import type { SessionView } from '../../api/session.ts';
import type { Grant } from '../../api/permissions.ts';
import type { Problem } from '../../api/problem.ts';
import type { Dictionary, Lang } from './dictionary.ts';
import { requestChange, session } from './gateway-link.ts';
import { signInOperator } from './operator.ts';

/** @throws Refused, TypeError */
export async function signIn(given: { user: string; password: string } | { token: string }): Promise<void> {
  const { permissions } = await requestChange<SessionView>('POST', 'session', given);
  // What operators alone may needs a token of the configuration itself: this page knows it now, and does not ask again.
  if ('token' in given && permissions.includes('command')) signInOperator(given.token);
}

/** Kept by this tab: the demo does not sign in again whoever has signed out. */
const SIGNED_OUT = 'cityvitals-signed-out';

/** Forgets all that this page has read. */
export async function signOut(): Promise<void> {
  sessionStorage.setItem(SIGNED_OUT, '');
  await requestChange('DELETE', 'session').catch(() => undefined);
  location.reload();
}

export const grantsText = (grants: readonly Grant[], words: Dictionary): string =>
  grants.map(({ role, centre }) => `${words.roles[role]} (${centre === '*' ? words.allCentres : centre})`).join(', ') || words.noRole;

/** What went wrong, and what to do about it, as one sentence. */
export const problemText = ({ detail, remedy }: Problem, lang: Lang): string =>
  remedy === '' ? detail : lang === 'en' ? `${detail}; ${remedy}` : `${detail}；${remedy}`;

/**
 * In the demo a browser on its machine is signed in by itself.
 *
 * @param done it has just been
 * @returns whether somebody is
 */
export function useDemoSignIn(isDemo: boolean, done: () => void): boolean {
  const [isSignedIn, setSignedIn] = useState(false);
  useEffect(() => {
    if (!isDemo || sessionStorage.getItem(SIGNED_OUT) !== null) return;
    const begin = async (): Promise<void> => {
      const { kind } = await session();
      if (kind === 'anonymous') await requestChange<SessionView>('POST', 'demo/session');
      setSignedIn(true);
      if (kind === 'anonymous') done();
    };
    // From elsewhere, through a tunnel: one looks on without a name.
    begin().catch(() => undefined);
  }, [isDemo]);
  return isSignedIn;
}

/** Who is signed in here; null until that is known. */
export function useSession(isLive: boolean): SessionView | null {
  const [found, setFound] = useState<SessionView | null>(null);
  useEffect(() => {
    if (!isLive) return;
    let isGone = false;
    session().then((view) => { if (!isGone) setFound(view); }, () => undefined);
    return () => { isGone = true; };
  }, [isLive]);
  return isLive ? found : null;
}
