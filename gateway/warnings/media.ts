/** The pictures that the newest events of each series brought, and what followed them at each device, for the warnings that are raised by them. */
import { CLIP_INDICATOR, seriesKey, SNAPSHOT_INDICATOR, type Clip, type Event, type Snapshot } from '../../core/event.ts';
import type { Warning, WarningMedia } from '../../city/warning/warning.ts';

/** Series whose pictures are remembered, and how many events of each. */
const MAX_SERIES = 10_000;
const MAX_EVENTS = 8;
/** Of each device. */
const MAX_FOLLOWERS = 16;

/** What events bring that follow those which it is of: a clip, or a picture of the main stream. */
type MediaFollower = Clip | (Snapshot & { of: Clip['of'] });
const FOLLOWER_INDICATORS: ReadonlySet<string> = new Set([CLIP_INDICATOR, SNAPSHOT_INDICATOR]);

/** Whether its events bring what follows others. */
export const carriesFollowUpMedia = (indicator: unknown): boolean => typeof indicator === 'string' && FOLLOWER_INDICATORS.has(indicator);

export class RecentMedia {
  readonly #followers = new Map<string, readonly MediaFollower[]>();
  readonly #newest = new Map<string, { atMs: number; snapshots: readonly Snapshot[] }[]>();

  note(event: Event): void {
    const snapshots = event.evidence?.filter((one) => one.kind === 'snapshot') ?? [];
    if (snapshots.length === 0) return;
    const key = seriesKey(event);
    const known = this.#newest.get(key) ?? [];
    this.#newest.delete(key);
    this.#newest.set(key, [...known, { atMs: event.occurredAt, snapshots }].slice(-MAX_EVENTS));
    if (this.#newest.size > MAX_SERIES) this.#newest.delete(this.#newest.keys().next().value as string);
  }

  /** @returns whether it brought something that a warning of its device was raised by */
  noteFollowers({ device, evidence = [] }: Event): (warning: Warning) => boolean {
    const brought = evidence.filter(
      (one): one is MediaFollower => one.kind === 'clip' || (one.kind === 'snapshot' && one.of !== undefined),
    );
    const known = this.#followers.get(device) ?? [];
    this.#followers.delete(device);
    this.#followers.set(device, [...known, ...brought].slice(-MAX_FOLLOWERS));
    if (this.#followers.size > MAX_SERIES) this.#followers.delete(this.#followers.keys().next().value as string);
    return (warning) => warning.device === device && brought.some((one) => raised(one, warning));
  }

  /** What a warning has, with what is known now: pictures of its own time when it is first published, and what has followed since. */
  of(warning: Warning): WarningMedia {
    const { media, device, description } = warning;
    const followers = this.#followers.get(device)?.filter((one) => raised(one, warning)) ?? [];
    return {
      snapshots: joined(description ? media.snapshots : this.#ofOnset(warning), followers.filter((one) => one.kind === 'snapshot')),
      clips: joined(media.clips, followers.filter((one) => one.kind === 'clip')),
    };
  }

  /** Those from its onset to its being raised; what the same place showed before is another matter. */
  #ofOnset({ indicator, device, point, onsetAt, raisedAt }: Warning): readonly Snapshot[] {
    return (
      this.#newest.get(seriesKey({ indicator, device, point }))?.findLast(({ atMs }) => atMs >= onsetAt && atMs <= raisedAt)?.snapshots ??
      []
    );
  }
}

/** Whether a file is of an event that raised a warning of its device. */
const raised = ({ of }: Pick<MediaFollower, 'of'>, { point, onsetAt, raisedAt }: Warning): boolean =>
  of.some((one) => one.point === point && one.at >= onsetAt && one.at <= raisedAt);

/** Files that were there before, and those that have come since. */
function joined<T extends { sha256: string }>(before: readonly T[], come: readonly T[]): readonly T[] {
  return [...before, ...come.filter(({ sha256 }) => !before.some((one) => one.sha256 === sha256))];
}
