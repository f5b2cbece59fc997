/** Signing in to read, where the gateway asks for it: it keeps who it is in a cookie that no script sees. */
import { useEffect, useState } from 'preact/hooks';
import type { SessionView } from '../../api/session.ts';
import { requestApi, session } from './gateway-link.ts';
import { signInOperator } from './operator.ts';

/** @throws Refused, TypeError */
export async function signIn(token: string): Promise<void> {
  const given = token.trim();
  const { role } = await requestApi<SessionView>('session', {
    method: 'POST',
    headers: { 'accept-language': document.documentElement.lang, 'content-type': 'application/json' },
    body: JSON.stringify({ token: given }),
  });
  // What operators alone may needs the token itself: this page knows it now, and does not ask again.
  if (role === 'operator') signInOperator(given);
}

/** Forgets all that this page has read. */
export async function signOut(): Promise<void> {
  await requestApi('session', { method: 'DELETE' }).catch(() => undefined);
  location.reload();
}

/** Who is signed in here; null where nobody has to. */
export function useSignedIn(isLive: boolean): string | null {
  const [name, setName] = useState<string | null>(null);
  useEffect(() => {
    if (!isLive) return;
    let isGone = false;
    session().then((found) => { if (!isGone) setName(found.name); }, () => undefined);
    return () => { isGone = true; };
  }, [isLive]);
  return isLive ? name : null;
}
