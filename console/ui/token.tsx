/** Asks for the operator's token, where something needs one. */
import { useState } from 'preact/hooks';
import { useView } from '../shell/view.ts';

export function TokenForm({ act, give }: { act: string; give(token: string): void }) {
  const { words } = useView();
  const [token, setToken] = useState('');
  return (
    <form
      class="live-token"
      onSubmit={(event) => {
        event.preventDefault();
        give(token);
      }}
    >
      <label>
        {words.liveToken}
        <input type="password" autoComplete="off" value={token} onInput={(event) => setToken(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={token.trim() === ''}>
        {act}
      </button>
    </form>
  );
}
