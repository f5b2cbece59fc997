/** Devices with their state (icon, word and colour) and newest values; each value leads to its series. */
import { useState } from 'preact/hooks';
import type { DeviceView, LastValue } from '../../../api/devices.ts';
import { findingOf, isHealthy } from '../../data/cameras.ts';
import { occurrenceValues, isImpaired, currentValues } from '../../data/device-state.ts';
import { age, clockTime, fullTime, unitText, formatValue } from '../../ui/format.ts';
import { beyondLimit } from '../../data/limits.ts';
import { reasonOf } from '../../data/reason.ts';
import { seriesHref, useView } from '../../shell/view.ts';
import { pickText, type Dictionary } from '../../shell/dictionary.ts';
import { freshnessIcon, Icon, levelIcon } from '../../ui/icons.tsx';
import { Prose } from '../../ui/prose.tsx';
import { UnknownDevicesPanel } from './unknown.tsx';

const OLD_MS = 15_000;
/** More than these are shown on demand: those that are not well come first. */
const SHOWN = 12;

export function DevicesPanel() {
  const { state, words } = useView();
  const [isWhole, setWhole] = useState(false);
  const { devices } = state;
  const shown =
    isWhole || devices.length <= SHOWN ? devices : devices.toSorted((a, b) => Number(isHealthy(a)) - Number(isHealthy(b))).slice(0, SHOWN);
  return (
    <section class="panel devices" data-part="devices" aria-labelledby="devices-title">
      <h2 id="devices-title">
        {words.devices}
        {devices.length > 0 && <span class="count">{devices.length}</span>}
      </h2>
      {devices.length === 0 ? (
        <p class="calm">{words.noDevices}</p>
      ) : (
        <ul class="device-list">
          {shown.map((device) => (
            <Device key={device.id} device={device} />
          ))}
        </ul>
      )}
      {shown.length < devices.length && (
        <button type="button" class="devices-more" onClick={() => setWhole(true)}>
          {words.allDevices(devices.length)}
        </button>
      )}
      <UnknownDevicesPanel />
    </section>
  );
}

function Device({ device }: { device: DeviceView }) {
  const { words, lang, now } = useView();
  const fresh = device.freshness === 'fresh';
  const impaired = isImpaired(device);
  const shown = impaired ? 'late' : device.freshness;
  const reason = reasonOf(device, words, lang);
  return (
    <li class={`device is-${shown}`}>
      <div class="device-head">
        <span class="device-state">
          <Icon name={impaired ? 'impaired' : freshnessIcon(device.freshness)} />
          {impaired ? words.impaired : words.freshness[device.freshness]}
        </span>
        <strong class="device-id">{device.id}</strong>
        <span class="quiet device-kind">
          {device.driver}
          {device.lastAt !== null && !fresh && ` · ${words.ago(age(now - device.lastAt, lang))}`}
        </span>
      </div>
      {reason !== '' && <p class="device-reason"><Prose text={reason} /></p>}
      <ul class="values">{currentValues(device).map((value) => <LastOne key={keyOf(value)} device={device} value={value} />)}</ul>
      <Happened device={device} />
    </li>
  );
}

const keyOf = ({ indicator, point }: LastValue): string => `${indicator}|${point}`;

function LastOne({ device, value }: { device: DeviceView; value: LastValue }) {
  const { words, lang, now } = useView();
  const level = beyondLimit(value);
  // How old a silent device's values are stands above them already.
  const old = (device.freshness === 'fresh' ? now : device.lastAt ?? now) - value.at > OLD_MS;
  const finding = findingOf({ values: [value] });
  const notes = [
    value.quality === 'good' ? '' : words.qualities[value.quality],
    ...value.flags.map((flag) => words.flagNames[flag] ?? flag),
  ].filter((note) => note !== '');
  return (
    <li>
      <a class="value" href={hrefOf(device, value)} title={fullTime(value.at)}>
        <Name device={device} value={value} />
        {level !== null && <span class={`level-word level-${level}`}><Icon name={levelIcon(level)} />{words.colours[level]}</span>}
        {notes.length > 0 && <span class={`value-notes quality-${value.quality}`}>{notes.join(' ')}</span>}
        {old && <span class="quiet value-age">{words.ago(age(now - value.at, lang))}</span>}
        <span class={`value-figure ${typeof value.value === 'string' ? 'value-text' : ''} ${finding === null ? '' : 'tone-late'}`}>
          {finding === null ? shownText(value, words) : (words.findings[finding] ?? finding)}
          <span class="unit">{unitText(value.unit)}</span>
        </span>
      </a>
    </li>
  );
}

/** What was at a time and is over, newest first: crossings, commands, what follows an event as its evidence. */
function Happened({ device }: { device: DeviceView }) {
  const { words } = useView();
  const found = occurrenceValues(device);
  if (found.length === 0) return null;
  return (
    <div class="happened">
      <h3 class="quiet">{words.happened}</h3>
      <ul>
        {found.map((value) => (
          <li key={keyOf(value)}>
            <a class="value" href={hrefOf(device, value)} title={fullTime(value.at)}>
              <time class="quiet">{clockTime(value.at)}</time>
              <Name device={device} value={value} />
              <span class="value-text">{formatValue(value.value, words)}<span class="unit">{unitText(value.unit)}</span></span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Several points of a device may stand for one indicator: then each has its own name beside. */
function Name({ device, value }: { device: DeviceView; value: LastValue }) {
  const { lang } = useView();
  const isOneOfSeveral = device.values.filter(({ indicator }) => indicator === value.indicator).length > 1;
  return <span class="value-name">{pickText(value.name, lang)}{isOneOfSeveral && <span class="value-point">{value.point}</span>}</span>;
}

const hrefOf = ({ id }: DeviceView, { indicator, point }: LastValue): string => seriesHref({ indicator, device: id, point, at: null });

/** A camera's diagnosis says in words that all is well. */
const shownText = ({ point, value }: LastValue, words: Dictionary): string =>
  point === 'video' && value === 'good' ? (words.findings.good ?? value) : formatValue(value, words);
