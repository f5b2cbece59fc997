/** Losses of an edge's log: numbers known elsewhere but not on disk, and numbers that cannot be read any more. */
import type { World } from '../core/world.ts';
import type { EdgeStream } from './edge-stream.ts';
import { addRange, fromMark, missingRanges, type SeqRange } from './ranges.ts';
import type { ChainReport, MissingRange } from './storage.ts';
import { epochState, recordLoss, unsettledRows, parseStreamState, extendEpoch, settleRanges, unsettledRanges } from './stream-state.ts';
import type { SettledMark } from './types.ts';
import './faults.ts';

/** A mark this far ahead of the current epoch is not ours: ignored. */
const MAX_AHEAD = 1e9;

/** Restores a stream from an opening's report; numbers that should exist but do not are a loss (CV_LOG_REWOUND). */
export function recoverStream(one: EdgeStream, found: ChainReport, world: World): void {
  if (found.state !== null) one.state = parseStreamState(found.state);
  if (found.stateDamaged) {
    world.tell({
      kind: 'fault',
      fault: {
        code: 'CV_LOG_DAMAGED',
        params: {
          file: `${one.stream} marks`,
          epoch: 0,
          fromSeq: 0,
          toSeq: 0,
          detail: 'what was settled since the last sound file is sent again',
        },
      },
    });
  }
  // An older epoch missing in the newest state was fully settled, whatever files are left of it.
  const stateEpoch = found.files.find((file) => file.name === found.stateFile)?.epoch ?? 0;
  const isDrained = (epoch: number) => epoch < stateEpoch && !one.state.epochs.has(epoch);
  const onDisk = new Map<number, SeqRange[]>();
  for (const file of one.chain.files) {
    if (isDrained(file.epoch)) continue;
    const known = Math.max(epochState(one.state, file.epoch).last, found.head?.epoch === file.epoch ? found.head.seq : 0);
    // The end of a damaged file is known only when it is read.
    const last = file.damaged && one.chain.endsEpoch(file) ? Math.max(one.chain.lastSeqOf(file), known) : one.chain.lastSeqOf(file);
    one.chain.extend(file.name, last);
    onDisk.set(file.epoch, addRange(onDisk.get(file.epoch) ?? [], file.first, last));
    one.state = extendEpoch(one.state, file.epoch, last);
  }
  if (found.head && !isDrained(found.head.epoch)) one.state = extendEpoch(one.state, found.head.epoch, found.head.seq);
  const nowMs = world.clock.nowMs();
  for (const { epoch, from, to } of unsettledRanges(one.state)) {
    const missing = missingRanges(onDisk.get(epoch) ?? [], from, to).flatMap(([low, high]) => unsettledRows(one.state, epoch, low, high));
    for (const [fromSeq, toSeq] of missing) {
      reportRewound(one, 'its own head file', epoch, fromSeq, toSeq, world);
      recordRangeLoss(one, { epoch, fromSeq, toSeq, fromAt: nowMs, toAt: nowMs, reason: 'log_rewound' }, world);
    }
  }
}

/** The gateway knows numbers that this log does not have: those it has not settled are lost. */
export function checkGatewayMark(
  one: EdgeStream,
  epoch: number,
  mark: SettledMark,
  epochs: { current: number; previous: number },
  world: World,
): void {
  const ranges = fromMark(mark);
  const top = ranges.at(-1)?.[1] ?? 0;
  const known = one.state.epochs.has(epoch);
  // A pruned epoch was fully settled, unless this folder never had it.
  if (!known && epoch <= epochs.previous) return;
  const { last } = epochState(one.state, epoch);
  if (top <= last || (epoch === epochs.current && top - last > MAX_AHEAD)) return;
  if (epoch > epochs.current) {
    // Another edge sends under this name, or the folder is an old copy.
    if (!one.foreignEpochs.has(epoch)) reportRewound(one, 'the gateway', epoch, 1, top, world);
    one.foreignEpochs.add(epoch);
    return;
  }
  reportRewound(one, 'the gateway', epoch, last + 1, top, world);
  one.state = settleRanges(extendEpoch(one.state, epoch, top), epoch, ranges);
  const nowMs = world.clock.nowMs();
  recordRangeLoss(one, { epoch, fromSeq: last + 1, toSeq: top, fromAt: nowMs, toAt: nowMs, reason: 'log_rewound' }, world);
  one.stateChanged = true;
}

/** Records ranges that a read found missing, as far as they were not settled. @returns whether anything was lost */
export async function recordMissingRanges(one: EdgeStream, missing: readonly MissingRange[], world: World): Promise<boolean> {
  let lost = false;
  for (const { name, epoch, from, to, detail } of missing) {
    // An epoch missing in the state was fully settled.
    const isRecorded = () => !one.state.epochs.has(epoch) || unsettledRows(one.state, epoch, from, to).length === 0;
    if (isRecorded()) continue;
    one.chain.markDamaged(name);
    const times = await one.timeRange(epoch, from - 1, to + 1);
    if (isRecorded()) continue;
    world.tell({ kind: 'fault', fault: { code: 'CV_LOG_DAMAGED', params: { file: name, epoch, fromSeq: from, toSeq: to, detail } } });
    lost = recordRangeLoss(one, { epoch, fromSeq: from, toSeq: to, ...times, reason: 'log_damaged' }, world) || lost;
    await one.quarantine({
      at: world.clock.nowMs(),
      code: 'CV_LOG_DAMAGED',
      stream: one.stream,
      epoch,
      fromSeq: from,
      toSeq: to,
      file: name,
      detail,
    });
  }
  return lost;
}

interface LossRange {
  epoch: number;
  fromSeq: number;
  toSeq: number;
  fromAt: number;
  toAt: number;
  reason: 'log_rewound' | 'log_damaged';
}

function recordRangeLoss(one: EdgeStream, range: LossRange, world: World): boolean {
  const gone = recordLoss(one.state, { stream: one.stream, ...range });
  one.state = gone.state;
  one.stateChanged = true;
  if (gone.count > 0) world.tell({ kind: 'samples_lost', count: gone.count, reason: range.reason, intended: false, stream: one.stream });
  return gone.ranges.length > 0;
}

function reportRewound(one: EdgeStream, witness: string, epoch: number, fromSeq: number, toSeq: number, world: World): void {
  world.tell({ kind: 'fault', fault: { code: 'CV_LOG_REWOUND', params: { witness, stream: one.stream, epoch, fromSeq, toSeq } } });
}

