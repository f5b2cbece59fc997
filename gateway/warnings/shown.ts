/** The pictures that the newest events of each series brought, and the clips of each device, for the warnings that are raised by them. */
import { seriesKey, type Clip, type Event, type Snapshot } from '../../core/event.ts';
import { seriesText, type Warning } from '../../core/rules/warning.ts';

/** Series whose pictures are remembered, and how many events of each. */
const MAX_SERIES = 10_000;
const MAX_EVENTS = 8;

export class Shown {
  readonly #clips = new Map<string, readonly Clip[]>();
  readonly #newest = new Map<string, { at: number; snapshots: readonly Snapshot[] }[]>();

  note(event: Event): void {
    const snapshots = event.evidence?.filter((one) => one.kind === 'snapshot') ?? [];
    if (snapshots.length === 0) return;
    const key = seriesKey(event);
    const known = this.#newest.get(key) ?? [];
    this.#newest.delete(key);
    this.#newest.set(key, [...known, { at: event.occurredAt, snapshots }].slice(-MAX_EVENTS));
    if (this.#newest.size > MAX_SERIES) this.#newest.delete(this.#newest.keys().next().value as string);
  }

  /** @returns the clips that it brought */
  noteClips({ device, evidence = [] }: Event): readonly Clip[] {
    const clips = evidence.filter((one) => one.kind === 'clip');
    const known = this.#clips.get(device) ?? [];
    this.#clips.delete(device);
    this.#clips.set(device, [...known, ...clips].slice(-MAX_EVENTS));
    if (this.#clips.size > MAX_SERIES) this.#clips.delete(this.#clips.keys().next().value as string);
    return clips;
  }

  /** Those of an event that raised it. */
  clipsOf(warning: Warning): readonly Clip[] {
    return this.#clips.get(warning.device)?.filter((clip) => isOf(clip, warning)) ?? [];
  }

  /** Those of its own time, from its onset to its being raised; what the same place showed before is another matter. */
  of({ indicator, device, point, onsetAt, raisedAt }: Warning): readonly Snapshot[] {
    return this.#newest.get(seriesText({ indicator, device, point }))?.findLast(({ at }) => at >= onsetAt && at <= raisedAt)?.snapshots ?? [];
  }
}

export const isOf = ({ of }: Clip, { point, onsetAt, raisedAt }: Pick<Warning, 'point' | 'onsetAt' | 'raisedAt'>): boolean => of.some((one) => one.point === point && one.at >= onsetAt && one.at <= raisedAt);
