/** Who one is in the demo, its two buttons and what the reconciler found; only where the gateway runs inside `cityvitals demo`. */
import { useState } from 'preact/hooks';
import type { DemoView } from '../../../api/demo.ts';
import type { StatusView } from '../../../api/status.ts';
import { clockTime, countText } from '../../ui/format.ts';
import { requestApi, RefusedError } from '../../shell/gateway-link.ts';
import { useView } from '../../shell/view.ts';
import { pickText } from '../../shell/dictionary.ts';
import { Icon } from '../../ui/icons.tsx';

/** @param isSignedIn the demo's user, by itself */
export function DemoPanel({ isSignedIn }: { isSignedIn: boolean }) {
  const { state, words, lang } = useView();
  const [failure, setFailure] = useState('');
  const { demo } = state;
  if (!demo) return null;
  const act = (what: 'cut' | 'kill') => () => {
    setFailure('');
    requestApi<DemoView>(`demo/${what}`, { method: 'POST' }).catch((error: unknown) => {
      setFailure(`${words.demoFailed}: ${error instanceof RefusedError ? `${error.problem.detail} ${error.problem.remedy}` : words.gone}`);
    });
  };
  const live = state.link.is === 'live';
  return (
    <section class="panel demo" data-part="demo" aria-labelledby="demo-title">
      <h2 id="demo-title">{words.demo}<span class="quiet">t+{Math.floor(demo.seconds)} s</span></h2>
      <p class="demo-act" aria-live="polite">{pickText(demo.act, lang)}</p>
      <div class="demo-buttons">
        <button type="button" disabled={!live || !demo.canCut} onClick={act('cut')}>
          <Icon name="unplugged" />
          {demo.networkCut ? words.demoCutting : words.demoCut}
        </button>
        <button type="button" disabled={!live || !demo.canKill} onClick={act('kill')}>
          <Icon name="bolt" />
          {demo.edgeDown ? words.demoDown : words.demoKill}
        </button>
      </div>
      {failure !== '' && <p class="tone-lost" role="alert">{failure}</p>}
      <Reconciled demo={demo} />
      {isSignedIn && <p class="quiet">{words.demoSignedIn}</p>}
    </section>
  );
}

function Reconciled({ demo }: { demo: DemoView }) {
  const { state, words } = useView();
  if (demo.checkedAt === null) return <p class="reconciled quiet">{words.reconciling}</p>;
  const isHeld = demo.missing > 0 && demo.twice === 0 && holdsBack(demo, state.status);
  const tone = demo.missing + demo.twice === 0 ? 'good' : isHeld ? 'late' : 'lost';
  return (
    <p class={`reconciled tone-${tone}`} data-part="reconciled">
      <Icon name={tone === 'good' ? 'fresh' : tone} />
      <strong>{isHeld ? words.heldBack : words.missing} {countText(demo.missing)}</strong>
      <strong>{words.twice} {countText(demo.twice)}</strong>
      <span class="quiet">{words.reconciled(countText(demo.witnessed))} · {words.checkedAt(clockTime(demo.checkedAt))}</span>
    </p>
  );
}

/** Whether what is not there yet waits at its edge: it is cut off, down, or still has a backlog. */
function holdsBack({ networkCut, edgeDown }: DemoView, status: StatusView | null): boolean {
  return networkCut || edgeDown || (status !== null && (status.path.edgeDepth > 0 || status.edges.some(({ online }) => !online)));
}
