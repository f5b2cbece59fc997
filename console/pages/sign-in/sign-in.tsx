/** Asks once for the token by which this browser may read. */
import { useState } from 'preact/hooks';
import { isSignedOut, RefusedError } from '../../shell/gateway-link.ts';
import { signIn } from '../../shell/session.ts';
import { useView } from '../../shell/view.ts';

export function SignIn({ done }: { done(): void }) {
  const { words } = useView();
  const [token, setToken] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [wrong, setWrong] = useState<string | null>(null);
  const send = async (): Promise<void> => {
    setAsking(true);
    try {
      await signIn(token);
      done();
    } catch (error) {
      const problem = error instanceof RefusedError ? error.problem : null;
      setWrong(isSignedOut(error) ? words.signInWrong : problem ? `${problem.detail} ${problem.remedy}` : words.gone);
      setAsking(false);
    }
  };
  return (
    <form class="sign-in" data-part="sign-in" onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <h2>{words.signIn}</h2>
      <p id="sign-in-why">{words.signInWhy}</p>
      <label>
        <span>{words.signInToken}</span>
        <input
          type="password"
          name="token"
          autoComplete="current-password"
          autofocus
          aria-describedby="sign-in-why sign-in-wrong"
          aria-invalid={wrong !== null}
          value={token}
          onInput={(event) => {
            setToken(event.currentTarget.value);
            setWrong(null);
          }}
        />
      </label>
      <p id="sign-in-wrong" class="sign-in-wrong" role="alert">{wrong}</p>
      <button type="submit" disabled={isAsking || token.trim() === ''}>{words.signIn}</button>
    </form>
  );
}
