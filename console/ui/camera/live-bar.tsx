/** What stands under a camera's picture about watching it live: the switch, the token it may need, and why it cannot be seen. */
import type { LiveView } from './live.ts';
import { useView } from '../../shell/view.ts';
import { Icon } from '../icons.tsx';
import { Prose } from '../prose.tsx';
import { TokenForm } from '../token.tsx';

interface LiveBarProps {
  live: LiveView;
  isWanted: boolean;
  setWanted(wanted: boolean): void;
  /** Whether what is seen is drawn over it. */
  hasNotes: boolean;
  setNotes(shown: boolean): void;
}

export function LiveBar({ live, isWanted, setWanted, hasNotes, setNotes }: LiveBarProps) {
  const { words } = useView();
  const { state } = live;
  return (
    <div class="live-bar" data-part="live">
      <button type="button" aria-pressed={isWanted} onClick={() => setWanted(!isWanted)}>
        <Icon name={isWanted ? 'cross' : 'play'} />
        {isWanted ? words.liveStop : words.liveWatch}
      </button>
      {state.is === 'showing' && live.notes.scene && (
        <label class="notes-switch">
          <input type="checkbox" checked={hasNotes} onChange={(event) => setNotes(event.currentTarget.checked)} />
          {words.notesShow}
        </label>
      )}
      <span aria-live="polite">
        {state.is === 'waiting' && <span class="quiet">{words.liveWaiting}</span>}
        {state.is === 'failed' && (
          <span class="tone-late">
            <Prose text={state.problem ? `${state.problem.detail} ${state.problem.remedy}` : words.liveBroken} />
            {state.again && ` · ${words.liveAgain}`}
          </span>
        )}
      </span>
      {state.is === 'token' && <TokenForm act={words.liveWatch} give={live.give} />}
    </div>
  );
}
