/** The pictures that the newest events of each series brought, and what followed them at each device, for the warnings that are raised by them. */
import { CLIP_INDICATOR, seriesKey, SNAPSHOT_INDICATOR, type Clip, type Event, type Snapshot } from '../../core/event.ts';
import { seriesText, type Warning } from '../../city/warning/warning.ts';

/** Series whose pictures are remembered, and how many events of each. */
const MAX_SERIES = 10_000;
const MAX_EVENTS = 8;
/** Of each device. */
const MAX_FOLLOWERS = 16;

/** What events bring that follow those which it is of: a clip, or a picture of the main stream. */
export type Follower = Clip | (Snapshot & { of: Clip['of'] });
export const FOLLOWING: readonly string[] = [CLIP_INDICATOR, SNAPSHOT_INDICATOR];

export class Shown {
  readonly #followers = new Map<string, readonly Follower[]>();
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

  /** @returns what it brought */
  noteFollowers({ device, evidence = [] }: Event): readonly Follower[] {
    const brought = evidence.filter((one): one is Follower => one.kind === 'clip' || (one.kind === 'snapshot' && one.of !== undefined));
    const known = this.#followers.get(device) ?? [];
    this.#followers.delete(device);
    this.#followers.set(device, [...known, ...brought].slice(-MAX_FOLLOWERS));
    if (this.#followers.size > MAX_SERIES) this.#followers.delete(this.#followers.keys().next().value as string);
    return brought;
  }

  /** What followed an event that raised it. */
  followersOf(warning: Warning): readonly Follower[] {
    return this.#followers.get(warning.device)?.filter((one) => isOf(one, warning)) ?? [];
  }

  /** Those of its own time, from its onset to its being raised; what the same place showed before is another matter. */
  of({ indicator, device, point, onsetAt, raisedAt }: Warning): readonly Snapshot[] {
    return this.#newest.get(seriesText({ indicator, device, point }))?.findLast(({ at }) => at >= onsetAt && at <= raisedAt)?.snapshots ?? [];
  }
}

export const isOf = ({ of }: Pick<Follower, 'of'>, { point, onsetAt, raisedAt }: Pick<Warning, 'point' | 'onsetAt' | 'raisedAt'>): boolean => of.some((one) => one.point === point && one.at >= onsetAt && one.at <= raisedAt);
