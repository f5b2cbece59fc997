/** Devices with their state (icon, word and colour) and newest values; each value leads to its series. */
import { useState } from 'preact/hooks';
import type { DeviceView, LastValue } from '../../core/api.ts';
import { age, fullTime, unitText, valueText } from '../format.ts';
import { beyondLimit } from '../limits.ts';
import { seriesHref, useView } from '../view.ts';
import { pick, type Dictionary, type Lang } from '../words.ts';
import { freshnessIcon, Icon, levelIcon } from './icons.tsx';
import { UnknownDevices } from './unknown.tsx';

const OLD_MS = 15_000;
/** More than these are shown on demand: those that do not answer come first. */
const SHOWN = 12;

export function Devices() {
  const { state, words } = useView();
  const [isWhole, setWhole] = useState(false);
  const { devices } = state;
  const shown = isWhole || devices.length <= SHOWN ? devices : [...devices.filter(({ freshness }) => freshness !== 'fresh'), ...devices.filter(({ freshness }) => freshness === 'fresh')].slice(0, SHOWN);
  return (
    <section class="panel devices" data-part="devices" aria-labelledby="devices-title">
      <h2 id="devices-title">{words.devices}{devices.length > 0 && <span class="count">{devices.length}</span>}</h2>
      {devices.length === 0 ? <p class="calm">{words.noDevices}</p> : <ul class="device-list">{shown.map((device) => <Device key={device.id} device={device} />)}</ul>}
      {shown.length < devices.length && <button type="button" class="devices-more" onClick={() => setWhole(true)}>{words.allDevices(devices.length)}</button>}
      <UnknownDevices />
    </section>
  );
}

function Device({ device }: { device: DeviceView }) {
  const { words, lang, now } = useView();
  const fresh = device.freshness === 'fresh';
  return (
    <li class={`device is-${device.freshness}`}>
      <div class="device-head">
        <span class="device-state"><Icon name={freshnessIcon(device.freshness)} />{words.freshness[device.freshness]}</span>
        <strong class="device-id">{device.id}</strong>
        <span class="quiet device-kind">{device.driver}{device.lastAt !== null && !fresh && ` · ${words.ago(age(now - device.lastAt, lang))}`}</span>
      </div>
      {!fresh && <p class="device-reason">{reasonOf(device, words, lang)}</p>}
      <ul class="values">{device.values.filter(isOfTown).map((value) => <LastOne key={`${value.indicator}|${value.point}`} device={device.id} value={value} />)}</ul>
    </li>
  );
}

/** Not about us: commands, clips and clocks are recorded as events too. */
const isOfTown = ({ indicator }: LastValue): boolean => !indicator.startsWith('CV-');

/** Why it is not fresh, and what to do; a fault's code stays beside, so that it can be looked up. */
export function reasonOf(device: DeviceView, words: Dictionary, lang: Lang): string {
  if (device.freshness === 'unobserved') return words.edgeAway(device.edge);
  if (device.reason === 'starting') return words.starting;
  if (device.reason === 'ok') return '';
  return [device.remedy ? pick(device.remedy, lang) : '', device.reason].filter((part) => part !== '').join(' · ');
}

function LastOne({ device, value }: { device: string; value: LastValue }) {
  const { words, lang, now } = useView();
  const level = beyondLimit(value);
  const old = now - value.at > OLD_MS;
  const notes = [value.quality === 'good' ? '' : words.qualities[value.quality], ...value.flags.map((flag) => words.flagNames[flag] ?? flag)].filter((note) => note !== '');
  return (
    <li>
      <a class="value" href={seriesHref({ indicator: value.indicator, device, point: value.point, at: null })} title={fullTime(value.at)}>
        <span class="value-name">{pick(value.name, lang)}</span>
        {level !== null && <span class={`level-word level-${level}`}><Icon name={levelIcon(level)} />{words.colours[level]}</span>}
        {notes.length > 0 && <span class={`value-notes quality-${value.quality}`}>{notes.join(' ')}</span>}
        {old && <span class="quiet value-age">{words.ago(age(now - value.at, lang))}</span>}
        <span class={typeof value.value === 'string' ? 'value-figure value-text' : 'value-figure'}>{findingText(value, words) ?? valueText(value.value, words)}<span class="unit">{unitText(value.unit)}</span></span>
      </a>
    </li>
  );
}

/** What a camera's diagnosis found, in words. */
function findingText({ point, value }: LastValue, words: Dictionary): string | undefined {
  return point === 'video' && typeof value === 'string' ? words.findings[value] : undefined;
}
