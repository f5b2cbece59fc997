/** Other places events go: how far each is behind, what it took, what it never got, and what keeps it from writing. */
import type { SinkView } from '../../../api/status.ts';
import { countText } from '../../ui/format.ts';
import { useView } from '../../shell/view.ts';
import { pickText } from '../../shell/dictionary.ts';
import { Icon } from '../../ui/icons.tsx';

export function SinksPanel({ sinks }: { sinks: readonly SinkView[] }) {
  const { words } = useView();
  if (sinks.length === 0) return null;
  return (
    <>
      <h3 class="sinks-title" id="sinks-title">{words.sinks}</h3>
      <ul class="sinks" data-part="sinks" aria-labelledby="sinks-title">
        {sinks.map((sink) => <Sink key={sink.id} {...sink} />)}
      </ul>
    </>
  );
}

function Sink({ id, kind, lag, written, setAside, missed, problem }: SinkView) {
  const { words, lang } = useView();
  const facts = words.sinkFacts;
  const tone = problem || missed > 0 ? 'lost' : lag > 0 || setAside > 0 ? 'late' : 'good';
  return (
    <li class={`sink is-${tone}`}>
      <span class="sink-name">
        <Icon name={tone === 'good' ? 'fresh' : tone} />
        <strong>{id}</strong>
        {kind !== id && <span class="quiet"> {kind}</span>}
      </span>
      <span class="sink-counts">
        <span>{lag > 0 ? words.pathFacts.lag(countText(lag)) : words.pathFacts.upToDate}</span>
        <span class="quiet">{facts.written} {countText(written)}</span>
        {setAside > 0 && <span class="tone-late">{facts.setAside} {countText(setAside)}</span>}
        {missed > 0 && <span class="tone-lost">{facts.missed} {countText(missed)}</span>}
      </span>
      {problem && <span class="sink-problem" title={problem.code}>{pickText(problem, lang)}</span>}
    </li>
  );
}
