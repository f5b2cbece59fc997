/** One series around a moment: the line with its limits, and the values in figures. Deep-linkable. */
import { useEffect, useState } from 'preact/hooks';
import type { PointView, SeriesRange } from '../../../api/series.ts';
import { clockTime, fullTime, unitText, formatValue } from '../../ui/format.ts';
import { requestApi, RefusedError } from '../../shell/gateway-link.ts';
import { toChart } from '../../data/tail.ts';
import { useView, type SeriesLocation } from '../../shell/view.ts';
import { pickText } from '../../shell/dictionary.ts';
import { Chart } from '../../ui/chart.tsx';
import { Icon } from '../../ui/icons.tsx';
import { Prose } from '../../ui/prose.tsx';

const BEFORE_MS = 180_000;
const AFTER_MS = 60_000;
const REREAD_MS = 2000;
const MAX_POINTS = 1500;
const TABLE_ROWS = 12;

export function SeriesPage({ place }: { place: SeriesLocation }) {
  const { words, lang, state, now } = useView();
  const live = state.link.is === 'live';
  // Never before the cited value: the page's own time lags a little behind the gateway's.
  const to = Math.ceil(place.at === null ? now : Math.max(place.at, Math.min(now, place.at + AFTER_MS))) + 1;
  const from = Math.max(0, Math.floor((place.at ?? now) - BEFORE_MS));
  const { range, failure } = useRange(place, from, to, live);
  const last = state.devices
    .find(({ id }) => id === place.device)
    ?.values.find(({ point, indicator }) => point === place.point && indicator === place.indicator);
  const limits = last?.limits ?? [];
  const unit = unitText(range?.series.unit ?? '');
  const drawn = toChart(range?.items ?? []);
  const title = range ? pickText(range.series.name, lang) : place.indicator;
  return (
    <section class="panel series" data-part="series" aria-labelledby="series-title">
      <a class="back" href="#/">
        <Icon name="back" />
        {words.back}
      </a>
      <h2 id="series-title">
        {title}
        <span class="quiet">
          {place.device} · {place.point} · {place.indicator}
          {place.at !== null && ` · ${words.seriesAt(clockTime(place.at))}`}
        </span>
      </h2>
      {failure !== '' && (
        <p class="tone-lost" role="alert">
          {words.seriesFailed}: <Prose text={failure} />
        </p>
      )}
      {!range && failure === '' && <p class="calm">{words.loading}</p>}
      {range && range.items.length === 0 && <p class="calm">{words.seriesNone}</p>}
      {range && range.items.length > 0 && (
        <>
          {drawn.value.some((value) => value !== null) && (
            <Chart
              key={String(last?.kind === 'occurrence')}
              isHappened={last?.kind === 'occurrence'}
              data={drawn}
              from={from}
              to={to}
              limits={limits}
              limitText={(level, value) => words.limit(words.colours[level], `${value} ${unit}`.trim())}
              marker={place.at}
              heightPx={300}
              label={`${title} ${place.device}: ${clockTime(from)} – ${clockTime(to)}`}
            />
          )}
          <Table items={range.items} at={place.at} unit={unit} />
        </>
      )}
    </section>
  );
}

function Table({ items, at, unit }: { items: PointView[]; at: number | null; unit: string }) {
  const { words } = useView();
  const cited = at === null ? -1 : items.findLastIndex((item) => item.at <= at);
  const centre = cited < 0 ? items.length - 1 : cited;
  const start = Math.max(0, Math.min(items.length - TABLE_ROWS, centre - Math.floor(TABLE_ROWS / 2)));
  return (
    <div class="table-box">
      <table>
        <thead>
          <tr>
            <th scope="col">{words.time}</th>
            <th scope="col" class={items.some(({ value }) => typeof value === 'string') ? '' : 'number'}>
              {words.value}
              {unit !== '' && ` (${unit})`}
            </th>
            <th scope="col">{words.quality}</th>
            <th scope="col">{words.flags}</th>
          </tr>
        </thead>
        <tbody>
          {items.slice(start, start + TABLE_ROWS).map((item, nth) => (
            <tr key={`${item.at}-${nth}`} class={start + nth === cited ? 'cited' : ''} title={fullTime(item.at)}>
              <td>
                {clockTime(item.at)}.{String(item.at % 1000).padStart(3, '0')}
                {start + nth === cited && <span class="hidden-word"> {words.atThatTime}</span>}
              </td>
              <td class={typeof item.value === 'string' ? 'text' : 'number'}>{formatValue(item.value, words)}</td>
              <td>{words.qualities[item.quality]}</td>
              <td>{item.flags.map((flag) => words.flagNames[flag] ?? flag).join(' ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function useRange(place: SeriesLocation, from: number, to: number, live: boolean): { range: SeriesRange | null; failure: string } {
  const [range, setRange] = useState<SeriesRange | null>(null);
  const [failure, setFailure] = useState('');
  const key = `${place.indicator}|${place.device}|${place.point}|${place.at}`;
  // The span moves each second; what is asked for follows it every other one.
  const turn = Math.floor(to / REREAD_MS);
  useEffect(() => {
    setRange(null);
  }, [key]);
  useEffect(() => {
    if (!live) return;
    const stop = new AbortController();
    const query = new URLSearchParams({
      indicator: place.indicator,
      device: place.device,
      point: place.point,
      from: String(from),
      to: String(to),
      maxPoints: String(MAX_POINTS),
    });
    requestApi<SeriesRange>(`series?${query}`, { signal: stop.signal }).then(
      (found) => {
        setRange(found);
        setFailure('');
      },
      (error: unknown) => {
        if (!stop.signal.aborted)
          setFailure(error instanceof RefusedError ? `${error.problem.detail} ${error.problem.remedy}` : String(error));
      },
    );
    return () => stop.abort();
  }, [key, turn, live]);
  return { range, failure };
}
