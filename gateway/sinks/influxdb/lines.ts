/**
 * Events as InfluxDB line protocol. Pure.
 *
 * A field never changes its type, since a target refuses that for the whole measurement: every number is a float (no
 * `i`, no `u`), booleans and texts have fields of their own. Two events of one series may carry the same millisecond;
 * a target would take the second for a correction of the first. So times are in ns, the 6 digits below the ms being
 * (epoch + seq) mod 1,000,000 of the event's name: the same event always has the same time, equal times stay apart and
 * in order, and whoever rounds down to ms has the event's own time.
 *
 * @see https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
 */
import type { Event, Value } from '../../../core/event.ts';
import type { SkippedEvents, SinkIdentity } from '../../../core/sink.ts';

/** What a sink says of itself stands here, never mixed with events. */
export const SELF_MEASUREMENT = 'cityvitals_sink';
const NS_DIGITS = 6;
const NS_PER_MS = 10 ** NS_DIGITS;

type Field = number | boolean | string;

/** @param template of the measurement's name; `{indicator} {device} {point} {centre} {edge} {stream}` are filled in */
export function eventLine(event: Event, template: string): string {
  return line(measurementOf(event, template), tagsOf(event), fieldsOf(event), eventNs(event));
}

/** A hole in what was sent: the same `from` has the same series and time, so a later word replaces an earlier one. */
export function missedLine({ from, to, count, fromAt, toAt }: SkippedEvents, { gateway, sink }: SinkIdentity): string {
  return line(
    SELF_MEASUREMENT,
    { after: from, gateway, sink },
    { missing: count, reason: 'sink_overrun', before: to, from_at: fromAt, to_at: toAt },
    `${fromAt}${'0'.repeat(NS_DIGITS)}`,
  );
}

/** What no target can object to. */
export function probeLine({ gateway, sink }: SinkIdentity, nowMs: number): string {
  return line(SELF_MEASUREMENT, { gateway, sink }, { alive: 1 }, `${nowMs}${'0'.repeat(NS_DIGITS)}`);
}

/** ns UTC as written in a line: outside ±2^63 a target refuses it. */
export function eventNs({ occurredAt, epoch, seq }: Pick<Event, 'occurredAt' | 'epoch' | 'seq'>): string {
  const below = ((epoch % NS_PER_MS) + (seq % NS_PER_MS)) % NS_PER_MS;
  return String(BigInt(occurredAt) * BigInt(NS_PER_MS) + BigInt(below));
}

function measurementOf(event: Event, template: string): string {
  return template.replace(/\{(indicator|device|point|centre|edge|stream)\}/g, (_hole, key: 'indicator') => event[key]);
}

/** Empty ones are left out, as the protocol has no empty tag. */
function tagsOf({ centre, device, edge, indicator, origin, point, quality, stream, subject, unit }: Event): Record<string, string> {
  return { centre, device, edge, indicator, origin: origin === 'live' ? '' : origin, point, quality, stream, subject: subject ?? '', unit };
}

/** A value that is not there leaves `flags` alone, empty if need be: a line must have a field. */
function fieldsOf(event: Event): Record<string, Field> {
  const { value, flags, window, position, warning, gap } = event;
  return {
    ...valueField(value),
    ...(flags?.length || value === null ? { flags: flags?.join(',') ?? '' } : {}),
    ...(window
      ? defined({ window_ms: window.toAt - window.fromAt, window_count: window.count, window_min: window.min, window_max: window.max })
      : {}),
    ...(position ? defined({ lon: position.lon, lat: position.lat, height_m: position.heightM }) : {}),
    ...(warning
      ? { warning_id: warning.id, warning_rule: warning.rule, warning_level: warning.level, warning_change: warning.change }
      : {}),
    ...(gap
      ? { gap_reason: gap.reason, gap_from_seq: gap.fromSeq, gap_to_seq: gap.toSeq, gap_from_at: gap.fromAt, gap_to_at: gap.toAt }
      : {}),
  };
}

function valueField(value: Value): Record<string, Field> {
  if (value === null) return {};
  if (typeof value === 'number') return { value };
  return typeof value === 'boolean' ? { value_bool: value } : { value_text: value };
}

const defined = (fields: Record<string, number | undefined>): Record<string, number> =>
  Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

function line(measurement: string, tags: Record<string, string>, fields: Record<string, Field>, ns: string): string {
  const written = Object.entries(tags).flatMap(([key, value]) => (value === '' ? [] : `,${key}=${tagText(value)}`));
  const held = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? fieldText(value) : String(value)}`);
  return `${foldTag(measurement).replaceAll(/[, ]/g, '\\$&')}${written.join('')} ${held.join(',')} ${ns}`;
}

/**
 * Targets differ in how they read a backslash within a tag, and none takes a line break there: a backslash becomes a
 * slash, control characters become blanks.
 */
export const foldTag = (text: string): string => text.toWellFormed().replaceAll('\\', '/').replaceAll(/\p{Cc}/gu, ' ');

/** The protocol has no line breaks within a value: they become the two characters `\n` and `\r`; a NUL becomes a blank. */
export const foldText = (text: string): string => text.toWellFormed().replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\0', ' ');

const tagText = (text: string): string => foldTag(text).replaceAll(/[,= ]/g, '\\$&');
const fieldText = (text: string): string => `"${foldText(text).replaceAll(/["\\]/g, '\\$&')}"`;
