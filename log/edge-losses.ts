/** What an edge's log has to name as lost: ends that are known elsewhere, numbers that cannot be read any more. */
import type { World } from '../core/world.ts';
import type { EdgeStream } from './edge-stream.ts';
import { addRange, fromMark, missingOf, type Range } from './ranges.ts';
import type { ChainReport, Hole } from './storage.ts';
import { epochOf, lose, owed, parseState, reach, settle, unsettled } from './stream-state.ts';
import type { Mark } from './types.ts';
import './faults.ts';

/** A mark further ahead of the present epoch than this is no mark of ours: the numbers are not burnt for it. */
const MAX_AHEAD = 1e9;

/** Takes over what an opening found, and names what is known of and not there (CV_LOG_REWOUND). */
export function recover(one: EdgeStream, found: ChainReport, world: World): void {
  if (found.state !== null) one.state = parseState(found.state);
  if (found.stateDamaged) {
    world.tell({ kind: 'fault', fault: { code: 'CV_LOG_DAMAGED', params: { file: `${one.stream} marks`, epoch: 0, fromSeq: 0, toSeq: 0, detail: 'what was settled since the last sound file is sent again' } } });
  }
  // An older epoch that the newest state does not name was drained: nothing of it is owed, whatever still lies about.
  const stateEpoch = found.files.find((file) => file.name === found.stateFile)?.epoch ?? 0;
  const isDrained = (epoch: number) => epoch < stateEpoch && !one.state.epochs.has(epoch);
  const onDisk = new Map<number, Range[]>();
  for (const file of one.chain.files) {
    if (isDrained(file.epoch)) continue;
    const known = Math.max(epochOf(one.state, file.epoch).last, found.head?.epoch === file.epoch ? found.head.seq : 0);
    // How far a file reaches whose pages are damaged shows when it is read.
    const last = file.damaged && one.chain.endsEpoch(file) ? Math.max(one.chain.lastOf(file), known) : one.chain.lastOf(file);
    one.chain.extend(file.name, last);
    onDisk.set(file.epoch, addRange(onDisk.get(file.epoch) ?? [], file.first, last));
    one.state = reach(one.state, file.epoch, last);
  }
  if (found.head && !isDrained(found.head.epoch)) one.state = reach(one.state, found.head.epoch, found.head.seq);
  const nowMs = world.clock.nowMs();
  for (const { epoch, from, to } of unsettled(one.state)) {
    const missing = missingOf(onDisk.get(epoch) ?? [], from, to).flatMap(([low, high]) => owed(one.state, epoch, low, high));
    for (const [fromSeq, toSeq] of missing) {
      rewound(one, 'its own head file', epoch, fromSeq, toSeq, world);
      loseRange(one, { epoch, fromSeq, toSeq, fromAt: nowMs, toAt: nowMs, reason: 'log_rewound' }, world);
    }
  }
}

/** The gateway knows of numbers that this log does not have: what it has not settled of them is lost. */
export function witnessMark(one: EdgeStream, epoch: number, mark: Mark, epochs: { current: number; previous: number }, world: World): void {
  const ranges = fromMark(mark);
  const top = ranges.at(-1)?.[1] ?? 0;
  const known = one.state.epochs.has(epoch);
  // An epoch that is forgotten was drained, unless it lies where this folder never was.
  if (!known && epoch <= epochs.previous) return;
  const { last } = epochOf(one.state, epoch);
  if (top <= last || (epoch === epochs.current && top - last > MAX_AHEAD)) return;
  if (epoch > epochs.current) {
    // Somebody else sends under this name, or the folder is an old copy: nothing of that epoch can be named from here.
    if (!one.foreignEpochs.has(epoch)) rewound(one, 'the gateway', epoch, 1, top, world);
    one.foreignEpochs.add(epoch);
    return;
  }
  rewound(one, 'the gateway', epoch, last + 1, top, world);
  one.state = settle(reach(one.state, epoch, top), epoch, ranges);
  const nowMs = world.clock.nowMs();
  loseRange(one, { epoch, fromSeq: last + 1, toSeq: top, fromAt: nowMs, toAt: nowMs, reason: 'log_rewound' }, world);
  one.dirty = true;
}

/** Holes that a read found: fault and loss for what was not settled anyway. @returns whether something was lost */
export async function nameHoles(one: EdgeStream, holes: readonly Hole[], world: World): Promise<boolean> {
  let lost = false;
  for (const { name, epoch, from, to, detail } of holes) {
    // An epoch that is not in the state was drained: nothing of it is owed.
    const isNamed = () => !one.state.epochs.has(epoch) || owed(one.state, epoch, from, to).length === 0;
    if (isNamed()) continue;
    one.chain.distrust(name);
    const times = await one.timesOf(epoch, from - 1, to + 1);
    if (isNamed()) continue;
    world.tell({ kind: 'fault', fault: { code: 'CV_LOG_DAMAGED', params: { file: name, epoch, fromSeq: from, toSeq: to, detail } } });
    lost = loseRange(one, { epoch, fromSeq: from, toSeq: to, ...times, reason: 'log_damaged' }, world) || lost;
    await one.quarantine({ at: world.clock.nowMs(), code: 'CV_LOG_DAMAGED', stream: one.stream, epoch, fromSeq: from, toSeq: to, file: name, detail });
  }
  return lost;
}

interface LostRange {
  epoch: number;
  fromSeq: number;
  toSeq: number;
  fromAt: number;
  toAt: number;
  reason: 'log_rewound' | 'log_damaged';
}

function loseRange(one: EdgeStream, range: LostRange, world: World): boolean {
  const gone = lose(one.state, { stream: one.stream, ...range });
  one.state = gone.state;
  one.dirty = true;
  if (gone.count > 0) world.tell({ kind: 'samples_lost', count: gone.count, reason: range.reason, intended: false, stream: one.stream });
  return gone.ranges.length > 0;
}

function rewound(one: EdgeStream, witness: string, epoch: number, fromSeq: number, toSeq: number, world: World): void {
  world.tell({ kind: 'fault', fault: { code: 'CV_LOG_REWOUND', params: { witness, stream: one.stream, epoch, fromSeq, toSeq } } });
}

