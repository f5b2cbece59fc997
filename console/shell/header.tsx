/** The one sentence on top, the worst level beside it, and, when the gateway is gone, what that means. */
import { age, clockTime, fullTime } from '../ui/format.ts';
import { signOut, useSession } from './session.ts';
import { listOpenWarnings } from '../data/state.ts';
import { useView } from './view.ts';
import { DICTIONARIES, pickText, type Lang } from './dictionary.ts';
import { Icon, levelIcon } from '../ui/icons.tsx';

export function PageHeader({ setLang }: { setLang(lang: Lang): void }) {
  const { lang, words, state } = useView();
  const { status } = state;
  const session = useSession(state.link.is === 'live');
  const name = session?.name ?? null;
  return (
    <header class="top">
      <div class="brand">
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path d="M4 18h6l3-8 5 14 4-10 2 4h4" />
        </svg>
        <span class="brand-name">{words.product}</span>
        {status?.exercise && <span class="badge badge-exercise" title={words.exerciseWhy}>{words.exercise}</span>}
        <LinkWord />
        <div class="languages" role="group" aria-label={words.language}>
          {(Object.keys(DICTIONARIES) as Lang[]).map((choice) => (
            <button key={choice} type="button" lang={choice} aria-pressed={choice === lang} onClick={() => setLang(choice)}>
              {choice === 'en' ? 'EN' : '中文'}
            </button>
          ))}
        </div>
        {session?.permissions.includes('manage_users') && <a class="people-link" href="#/users">{words.users}</a>}
        {session?.kind === 'user' && <a class="people-link" href="#/account">{name}</a>}
        {session?.kind === 'anonymous' && <a class="people-link" href="#/sign-in">{words.signIn}</a>}
        {name !== null && (
          <button type="button" class="sign-out" title={words.signedInAs(name)} onClick={() => void signOut()}>
            {words.signOut}
          </button>
        )}
      </div>
      <Sentence />
    </header>
  );
}

function LinkWord() {
  const { state, words } = useView();
  const live = state.link.is === 'live';
  return (
    <span class={`link-word ${live ? 'is-live' : 'is-away'}`}>
      <Icon name={live ? 'check' : 'unplugged'} />
      {live ? words.live : state.link.is === 'gone' ? words.away : state.link.is === 'signed-out' ? words.signedOut : words.joining}
    </span>
  );
}

function Sentence() {
  const { state, words, lang } = useView();
  const { status } = state;
  const [worst] = listOpenWarnings(state);
  if (!status)
    return (
      <h1 class="sentence" data-part="sentence">
        {state.link.is === 'gone' ? words.gone : state.link.is === 'signed-out' ? words.signedOut : words.joining}
      </h1>
    );
  const { total, fresh, lost, unobserved } = status.devices;
  const town = status.name ? pickText(status.name, lang) : status.centre;
  const [start, freshWords, between, lostWords, end] = words.sentence(town, total, fresh, lost, unobserved);
  return (
    <div class="sentence-row">
      {worst && (
        <span class={`level-chip level-${worst.level}`}>
          <Icon name={levelIcon(worst.level)} />
          <strong>{words.colours[worst.level]}</strong>
        </span>
      )}
      <h1 class="sentence" data-part="sentence">
        {start}
        <wbr />
        <span class="nobreak">
          <span class={total > 0 && fresh === total ? 'tone-good' : 'tone-late'}>{freshWords}</span>
          {between}
        </span>
        <wbr />
        <span class="nobreak">
          <span class={lost > 0 ? 'tone-lost' : ''}>{lostWords}</span>
          {end}
        </span>
        <wbr />
        <span class="nobreak" title={status.evaluatedTo === null ? '' : fullTime(status.evaluatedTo)}>
          {status.evaluatedTo === null ? words.notEvaluated : words.evaluated(clockTime(status.evaluatedTo))}
        </span>
      </h1>
    </div>
  );
}

/** @param browserNow this browser's clock: the gateway's stands still while it is gone */
export function DisconnectedBanner({ browserNow, retryNow }: { browserNow: number; retryNow(): void }) {
  const { state, words, lang } = useView();
  if (state.link.is !== 'gone') return null;
  const { since, retryAt } = state.link;
  return (
    <div class="gone" role="alert" data-part="gone">
      <Icon name="unplugged" />
      <p>
        <strong>{words.gone}</strong> <span class="nobreak">{words.goneFor(age(browserNow - since, lang))}</span>
        {state.status && <span class="gone-detail">{words.lastSeen(clockTime(state.status.now))}</span>}
      </p>
      <span class="gone-retry">{words.retryIn(Math.max(0, Math.ceil((retryAt - browserNow) / 1000)))}</span>
      <button type="button" onClick={retryNow}>{words.retryNow}</button>
    </div>
  );
}
