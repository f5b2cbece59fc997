/** Asks who sits here: user and password, or a token of the configuration. */
import { useEffect, useState } from 'preact/hooks';
import type { SignInWaysView } from '../../../api/users.ts';
import { isSignedOut, RefusedError, requestApi } from '../../shell/gateway-link.ts';
import { problemText, signIn } from '../../shell/session.ts';
import { useView } from '../../shell/view.ts';
import { FormField } from '../../ui/form.tsx';

export function SignIn({ done }: { done(): void }) {
  const { words, lang } = useView();
  const [ways, setWays] = useState<SignInWaysView | null>(null);
  const [byToken, setByToken] = useState<boolean | null>(null);
  const [user, setUser] = useState('');
  const [secret, setSecret] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [wrong, setWrong] = useState<string | null>(() => {
    // The gateway has led back here from the provider.
    const code = /^#\/sign-in\/(CV_\w{1,60})$/.exec(location.hash)?.[1];
    return code === undefined ? null : (words.oidcWrong[code] ?? words.oidcFailed(code));
  });
  useEffect(() => {
    requestApi<SignInWaysView>('sign-in').then(setWays, () => undefined);
  }, []);
  const isToken = byToken ?? ways?.users === false;
  const send = async (): Promise<void> => {
    setAsking(true);
    try {
      await signIn(isToken ? { token: secret.trim() } : { user, password: secret });
      setSecret('');
      if (location.hash.startsWith('#/sign-in/')) location.hash = '#/';
      done();
    } catch (error) {
      const problem = error instanceof RefusedError ? error.problem : null;
      setWrong(isToken && isSignedOut(error) ? words.signInWrong : problem ? problemText(problem, lang) : words.gone);
      setAsking(false);
    }
  };
  const typed =
    (set: (text: string) => void) =>
    (text: string): void => {
      set(text);
      setWrong(null);
    };
  return (
    <form
      class="sign-in"
      data-part="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <h2>{words.signIn}</h2>
      {ways?.setUp && <p>{words.signInFirst}</p>}
      {isToken && <p>{words.signInWhy}</p>}
      {!isToken && <FormField label={words.signInUser} complete="username" value={user} set={typed(setUser)} />}
      <FormField
        label={isToken ? words.signInToken : words.signInPassword}
        type="password"
        complete={isToken ? 'off' : 'current-password'}
        value={secret}
        set={typed(setSecret)}
      />
      <p class="sign-in-wrong" role="alert">
        {wrong}
      </p>
      {ways?.provider && (
        <a class="button" href="/api/v1/session/oidc">
          {ways.provider[lang === 'en' ? 'en' : 'zh']}
        </a>
      )}
      <button type="submit" disabled={isAsking || secret.trim() === '' || (!isToken && user.trim() === '')}>
        {words.signIn}
      </button>
      <button
        type="button"
        class="plain"
        onClick={() => {
          setByToken(!isToken);
          setSecret('');
          setWrong(null);
        }}
      >
        {isToken ? words.signInByPassword : words.signInByToken}
      </button>
    </form>
  );
}
