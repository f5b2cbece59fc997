/** The value that matters most now, moving against its limits: the water level in the demo. */
import { age, clockTime, unitText, formatValue } from '../../ui/format.ts';
import { beyondLimit } from '../../data/limits.ts';
import { focusOf } from '../../data/state.ts';
import { TAIL_MS, useTail } from '../../data/tail.ts';
import { seriesHref, useView } from '../../shell/view.ts';
import { pickText } from '../../shell/dictionary.ts';
import { Chart } from '../../ui/chart.tsx';
import { freshnessIcon, Icon, levelIcon } from '../../ui/icons.tsx';

const HEIGHT_PX = 168;

export function LevelPanel() {
  const { state, words, lang, now } = useView();
  const focus = focusOf(state);
  const device = state.devices.find(({ id }) => id === focus?.device);
  const last = device?.values.find(({ indicator, point }) => indicator === focus?.indicator && point === focus?.point);
  const live = state.link.is === 'live';
  const data = useTail(focus, last ?? null, now, live);
  if (!focus || !last || !device) {
    return (
      <section class="panel level" data-part="level" aria-labelledby="level-title">
        <h2 id="level-title">{words.level}</h2>
        <p class="calm">{words.chartWaiting}</p>
      </section>
    );
  }
  const level = beyondLimit(last);
  const name = pickText(last.name, lang);
  const unit = unitText(last.unit);
  const limitText = (of: 1 | 2 | 3 | 4, value: number) => words.limit(words.colours[of], `${value} ${unit}`.trim());
  const standing = level === null ? (last.limits.length > 0 ? words.withinLimits : '') : words.beyond(words.colours[level]);
  // Unchanged values are not sent: a fresh device still has its last one, so the line goes on to now.
  const holds = device.freshness === 'fresh' && last.quality !== 'bad' && typeof last.value === 'number' && last.at < now;
  const shown = holds ? { at: [...data.at, now], value: [...data.value, last.value as number] } : data;
  // The clock here moves by the second; the newest value may be a little ahead of it.
  const to = Math.max(now, Math.min(shown.at.at(-1) ?? 0, now + 2000));
  return (
    <section class="panel level" data-part="level" aria-labelledby="level-title">
      <h2 id="level-title">{words.chartOf(name)}<span class="quiet">{device.id} · {words.lastMinutes}</span></h2>
      <p class={`figure ${level === null ? '' : `level-${level}`}`}>
        <a class="figure-value" href={seriesHref({ ...focus, at: null })} aria-label={`${name} ${formatValue(last.value, words)} ${unit}`}>
          {formatValue(last.value, words)}
          <span class="unit">{unit}</span>
        </a>
        {device.freshness !== 'fresh' && (
          <span class={`standing device-state is-${device.freshness}`}>
            <Icon name={freshnessIcon(device.freshness)} />
            {words.freshness[device.freshness]} {words.ago(age(now - last.at, lang))}
          </span>
        )}
        {standing !== '' && (
          <span class={level === null ? 'standing tone-good' : `standing level-word level-${level}`}>
            <Icon name={level === null ? 'fresh' : levelIcon(level)} />
            {standing}
          </span>
        )}
      </p>
      <Chart
        data={shown}
        from={to - TAIL_MS}
        to={to}
        limits={last.limits}
        limitText={limitText}
        heightPx={HEIGHT_PX}
        label={`${name}, ${words.lastMinutes}: ${words.now} ${formatValue(last.value, words)} ${unit} (${clockTime(last.at)}), ${standing}; ${last.limits.map((limit) => limitText(limit.level, limit.value)).join(', ')}`}
      />
    </section>
  );
}
