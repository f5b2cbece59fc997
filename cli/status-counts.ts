/** Counts of an edge or gateway from its Prometheus text: read, kept, settled, lost by reason, lag by consumer, compaction. */
export interface ServiceCounts {
  read: number;
  kept: number;
  settled: number;
  /** By reason; only those that are not 0. */
  lost: Record<string, number>;
  /** Events, by consumer of a gateway's log. */
  behind: Record<string, number>;
  /** Points that a compaction under way still has to move. */
  compacting: number;
}

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** @returns null when nothing of it is there */
export function parseCounts(metrics: string): ServiceCounts | null {
  const counts: ServiceCounts = { read: 0, kept: 0, settled: 0, lost: {}, behind: {}, compacting: 0 };
  let isAny = false;
  for (const line of metrics.split('\n')) {
    const [, name, labels = '', text] = LINE.exec(line) ?? [];
    const value = Number(text);
    if (name === undefined || !Number.isFinite(value)) continue;
    const label = (wanted: string): string => [...labels.matchAll(LABEL)].find(([, key]) => key === wanted)?.[2] ?? '';
    isAny ||= name.startsWith('cityvitals_');
    if (name === 'cityvitals_samples_read_total') counts.read += value;
    if (name === 'cityvitals_events_kept_total') counts.kept += value;
    if (name === 'cityvitals_events_settled_total') counts.settled += value;
    if (name === 'cityvitals_samples_lost_total' && value > 0) counts.lost[label('reason')] = (counts.lost[label('reason')] ?? 0) + value;
    if (name === 'cityvitals_compaction_left_points') counts.compacting = value;
    if (name === 'cityvitals_consumer_lag_events') counts.behind[label('consumer')] = value;
  }
  return isAny ? counts : null;
}
