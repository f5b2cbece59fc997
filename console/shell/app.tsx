/** The page: what is known, the language and the place in one context, and the parts in their order of importance. */
import { useEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';
import { followGateway, type GatewayLink } from './gateway-link.ts';
import { Cameras } from '../ui/camera/camera.tsx';
import { CamerasPage } from '../pages/cameras/cameras.tsx';
import { DemoPanel } from '../pages/overview/demo.tsx';
import { DevicesPanel } from '../pages/overview/devices.tsx';
import { DisconnectedBanner, PageHeader } from './header.tsx';
import { LevelPanel } from '../pages/overview/level.tsx';
import { DataPathPanel } from '../pages/overview/path.tsx';
import { SeriesPage } from '../pages/series/series.tsx';
import { AccountPage } from '../pages/account/account.tsx';
import { useDemoSignIn } from './session.ts';
import { SetUp } from '../pages/sign-in/set-up.tsx';
import { SignIn } from '../pages/sign-in/sign-in.tsx';
import { UsersPage } from '../pages/users/users.tsx';
import { WarningsPanel } from '../pages/overview/warnings.tsx';
import { EMPTY_STATE, listOpenWarnings, reduceState } from '../data/state.ts';
import { parseHash, ViewContext, type HashLocation } from './view.ts';
import { DICTIONARIES, firstLanguage, rememberLanguage, type Lang } from './dictionary.ts';

const TICK_MS = 1000;

export function App() {
  const [state, give] = useReducer(reduceState, EMPTY_STATE);
  const [lang, setLang] = useState<Lang>(firstLanguage);
  const link = useRef<GatewayLink | null>(null);
  const [entered, setEntered] = useState(0);
  const browserNow = useClock();
  const place = useHash();
  const words = DICTIONARIES[lang];

  useEffect(() => {
    const own = followGateway(give);
    link.current = own;
    return () => own.close();
  }, []);
  useEffect(() => {
    document.documentElement.lang = lang;
  }, [lang]);
  const open = listOpenWarnings(state);
  const worst = open[0] ? `${words.colours[open[0].level]} ${open.length} · ` : '';
  useEffect(() => { document.title = `${worst}${words.product}`; }, [worst, words]);

  useEffect(() => { if (state.incomplete) link.current?.refresh(); }, [state]);

  const isAsked = state.link.is === 'signed-out' || place?.page === 'sign-in' || place?.page === 'setup';
  const enter = (): void => {
    // The code in it is used up.
    if (place?.page === 'setup' || place?.page === 'sign-in') location.replace('#/');
    setEntered(entered + 1);
    link.current?.retryNow();
  };
  const isDemoUser = useDemoSignIn(state.demo !== null, enter);
  const stale = state.link.is !== 'live';
  const now = (stale ? (state.heardAt ?? browserNow) : browserNow) + state.clockOffsetMs;
  const view = useMemo(() => ({ state, lang, words, now }), [state, lang, now]);
  const choose = (choice: Lang): void => {
    rememberLanguage(choice);
    setLang(choice);
  };
  return (
    <ViewContext.Provider value={view}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        {words.skip}
      </a>
      <PageHeader key={entered} setLang={choose} />
      <DisconnectedBanner browserNow={browserNow} retryNow={() => link.current?.retryNow()} />
      <main
        id="main"
        tabIndex={-1}
        class={`${isAsked ? 'page-sign-in' : place ? `page-${place.page}` : 'page-overview'} ${stale && state.status ? 'is-stale' : ''}`}
      >
        {place?.page === 'setup' && <SetUp code={place.code} done={enter} />}
        {isAsked && place?.page !== 'setup' && <SignIn done={enter} />}
        {!isAsked && place?.page === 'account' && <AccountPage />}
        {!isAsked && place?.page === 'users' && <UsersPage />}
        {!isAsked && place?.page === 'series' && <SeriesPage place={place.series} />}
        {!isAsked && place?.page === 'cameras' && <CamerasPage open={place.open} />}
        {!isAsked && !place && (
          <>
            <WarningsPanel />
            <LevelPanel />
            <Cameras />
            <DevicesPanel />
            <DataPathPanel />
            <DemoPanel isSignedIn={isDemoUser} />
          </>
        )}
      </main>
    </ViewContext.Provider>
  );
}

/** This browser's clock, each second. */
function useClock(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function useHash(): HashLocation | null {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => {
      setHash(location.hash);
      scrollTo(0, 0);
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return useMemo(() => parseHash(hash), [hash]);
}
