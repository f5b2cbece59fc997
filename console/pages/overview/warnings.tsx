/** Open warnings as cards: level by icon, word and colour; place; since when; why, each reason a link to its value. */
import type { Reason, WarningView } from '../../../api/warnings.ts';
import { age, clockTime, fullTime, unitText, formatValue } from '../../ui/format.ts';
import { listClearedWarnings, listOpenWarnings } from '../../data/state.ts';
import { seriesHref, useView } from '../../shell/view.ts';
import { pickText } from '../../shell/dictionary.ts';
import { EvidenceClips, pathOf, EvidencePictures, snapshotOf } from '../../ui/evidence.tsx';
import { Icon, levelIcon } from '../../ui/icons.tsx';

const MAX_CARDS = 3;
const MAX_CLEARED = 3;

export function WarningsPanel() {
  const { state, words, lang } = useView();
  const open = listOpenWarnings(state);
  const cleared = listClearedWarnings(state).slice(0, MAX_CLEARED);
  return (
    <section class="panel warnings" data-part="warnings" aria-labelledby="warnings-title">
      <h2 id="warnings-title">
        {words.warnings}
        {open.length > 0 && <span class="count">{open.length}</span>}
      </h2>
      <p class="hidden-word" aria-live="polite">
        {open.map((warning) => `${words.colours[warning.level]}: ${pickText(warning.title, lang)}`).join('; ')}
      </p>
      <div>
        {open.length === 0 && <p class="calm"><Icon name="fresh" />{words.noWarnings}</p>}
        {open.slice(0, MAX_CARDS).map((warning) => <Card key={warning.id} warning={warning} />)}
      </div>
      {open.length > MAX_CARDS && <p class="quiet">{words.moreWarnings(open.length - MAX_CARDS)}</p>}
      {cleared.length > 0 && (
        <div class="cleared">
          <h3>{words.recentlyCleared}</h3>
          <ul>{cleared.map((warning) => <Cleared key={warning.id} warning={warning} />)}</ul>
        </div>
      )}
    </section>
  );
}

function Card({ warning }: { warning: WarningView }) {
  const { lang, words, now } = useView();
  const parts = warning.incomplete.map((part) => words.partNames[part] ?? part);
  return (
    <article class={`card level-${warning.level}`} data-part="warning">
      <div class="card-level">
        <Icon name={levelIcon(warning.level)} />
        <strong>{words.colours[warning.level]}</strong>
        <span>{words.severity[warning.level]}</span>
      </div>
      <div class="card-body">
        <div class="card-title">
          <h3>{pickText(warning.title, lang)}</h3>
          {warning.exercise && <span class="badge badge-exercise" title={words.exerciseWhy}>{words.exercise}</span>}
          <span class="badge">{words.states[warning.state]}</span>
          {warning.late && <span class="badge" title={words.lateWhy}>{words.late}</span>}
        </div>
        <p class="card-facts">
          <span class="fact">
            <Icon name="pin" />
            <span class="hidden-word">{words.place} </span>
            {pickText(warning.place, lang)}
          </span>
          <span class="fact" title={fullTime(warning.onsetAt)}>
            <Icon name="clock" />
            {words.since(clockTime(warning.onsetAt), age(now - warning.onsetAt, lang))}
          </span>
        </p>
        <EvidencePictures warning={warning} />
        <EvidenceClips warning={warning} />
        <dl class="card-text">
          <dt>{words.why}</dt>
          <dd>{warning.reasons.map((reason, index) => <ReasonLink key={index} reason={reason} />)}</dd>
          <dt>{words.suggestion}</dt>
          <dd>{pickText(warning.suggestion, lang)}</dd>
          {parts.length > 0 && <><dt>{words.incomplete}</dt><dd class="incomplete">{parts.join(lang === 'en' ? ', ' : '、')}</dd></>}
        </dl>
      </div>
    </article>
  );
}

/** The sentence itself is the link; the value it cites stands behind it. */
function ReasonLink({ reason }: { reason: Reason }) {
  const { lang, words } = useView();
  const { cites } = reason;
  const value = `${formatValue(cites.value, words)} ${unitText(cites.unit)}`.trim();
  return (
    <a class="reason" href={seriesHref(cites)} title={`${words.seeValue}: ${value}, ${fullTime(cites.at)}`}>
      <Icon name="chart" />
      {pickText(reason, lang)}
    </a>
  );
}

function Cleared({ warning }: { warning: WarningView }) {
  const { lang, words } = useView();
  const clearedAt = warning.clearedAt ?? warning.changedAt;
  const shown = snapshotOf(warning);
  return (
    <li>
      <span class={`level-word level-${warning.level}`}><Icon name={levelIcon(warning.level)} />{words.colours[warning.level]}</span>
      <span>{pickText(warning.title, lang)}</span>
      {shown && (
        <a class="quiet" href={pathOf(shown)} target="_blank" rel="noreferrer" title={words.snapshotShown(shown.blurred)}>
          <Icon name="camera" />
          <span class="hidden-word">{words.snapshotAlt(warning.device)}</span>
        </a>
      )}
      <span class="quiet" title={fullTime(clearedAt)}>
        {words.cleared(clockTime(clearedAt), age(clearedAt - warning.onsetAt, lang))}
      </span>
    </li>
  );
}
