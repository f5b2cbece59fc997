/** `wear`: what a whole edge writes and forces to disk at 20 and 400 points a second, and what a slow disk does to it. */
import { installPrograms } from '../peers/packages.ts';
import { result, type BenchResult } from '../result.ts';
import { printBench, withRig } from '../rig.ts';
import { measureEdge, type WearMeasurement, type WearPlan } from './measure-edge.ts';

export const WEAR_NOTES = [
  "wear: a whole edge process before a gateway that acknowledges; stations say all their levels once a second (walks of 3 decimals), and their pumps start and stop. Bytes are `write_bytes` of the process in the steady state and, on top, these events' groups once more, since write-ahead logs are written back every few minutes; the file system's journal is not in it (`cityvitals doctor` shows all that the device writes); forced writes are counted by a library before libc (test-rigs/fsync-shim). target = what the design allows.",
  "wear-slow-N: every fsync and fdatasync takes N ms longer, at 1,000 points a second. state: ms (p99) from a sample of a pump that starts or stops to its durable event, as a warning goes; measured: of a level, which waits up to 250 ms for company. lost: values that are not in the edge's log or not in the gateway's store at the end.",
];

const TARGET = { bytesAnEvent: 150, gigabytesADay: 1, fsyncsASecond: 4 };
const SLOW_MS = [0, 5, 20, 100];
/** A group of levels waits this long at most; what a slow disk may add to it is a commit under way and its own. */
const GROUP_MS = 250;

export async function benchWear(options: { seconds: number }): Promise<BenchResult[]> {
  installPrograms('bench-log');
  const share = Math.max(4, options.seconds / 3);
  const few = await measured({ devices: 4, points: 5, stateEveryMs: 300_000, delayMs: 0, seconds: share * 2 });
  const many = await measured({ devices: 40, points: 10, stateEveryMs: 300_000, delayMs: 0, seconds: share });
  const results = [
    result('wear-bytes', many.bytesWritten / many.events, 'B an event at 400 points/s', { target: TARGET.bytesAnEvent }),
    result('wear-bytes-day', ((few.bytesWritten / few.elapsedSeconds) * 86_400) / 1e9, 'GB a day at 20 points/s', {
      target: TARGET.gigabytesADay,
    }),
    result('wear-fsyncs', few.fsyncs / few.elapsedSeconds, '1/s at 20 points/s', { target: TARGET.fsyncsASecond }),
    result('wear-fsyncs-400', many.fsyncs / many.elapsedSeconds, '1/s at 400 points/s'),
  ];
  for (const delayMs of SLOW_MS) {
    const slow = await measured({ devices: 100, points: 10, stateEveryMs: 10_000, delayMs, seconds: Math.max(3, share / 2) });
    const name = `wear-slow-${delayMs}`;
    results.push(
      result(`${name}-events`, slow.events / slow.elapsedSeconds, 'events/s kept', { 'points/s': 1000 }),
      result(`${name}-state`, at99(slow.report.statesMs), 'ms (p99)'),
      result(`${name}-measured`, at99(slow.report.measuredMs), 'ms (p99)', { 'group + 3 flushes': GROUP_MS + 3 * Math.max(1, delayMs) }),
      result(`${name}-lost`, slow.lost, 'values'),
    );
  }
  return results;
}

async function measured(plan: WearPlan): Promise<WearMeasurement> {
  const found = await withRig((rig) => measureEdge(rig, plan));
  const { events, elapsedSeconds, bytesWritten, fsyncs, lost, report } = found;
  printBench(
    `${plan.devices * plan.points} points/s, fsync +${plan.delayMs} ms: ${(events / elapsedSeconds).toFixed(0)} events/s, ${(bytesWritten / events).toFixed(0)} B an event, ${(bytesWritten / elapsedSeconds / 1024).toFixed(1)} KB/s, ${(fsyncs / elapsedSeconds).toFixed(2)} fsyncs/s; p99 ${at99(report.statesMs)} ms a state, ${at99(report.measuredMs)} ms a level; stalled ${report.stalledMs.toFixed(0)} ms, ${lost} lost`,
  );
  return found;
}

const at99 = (bySize: readonly number[]): number => bySize[Math.min(bySize.length - 1, Math.ceil(bySize.length * 0.99) - 1)] ?? NaN;
