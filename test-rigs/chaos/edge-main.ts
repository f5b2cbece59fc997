/**
 * The chaos rig's edge: the real line with one extra driver of numbers. To the rig it writes, on descriptor 4,
 * `i N` before numbers up to N are given out, `k A B` after numbers A to B are committed (the witness), `f N` when the
 * batches on their way change between none and some, `d N` how many events are not settled, those that the log has not
 * committed yet among them.
 */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import type { EdgeLog } from '../../log/types.ts';
import { LOG_START } from '../../log/types.ts';
import { openTelemetryOutput } from '../../cli/observe.ts';
import type { Tell } from '../../core/telemetry.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import { realWorld } from '../../core/world.ts';
import { runEdge } from '../../edge/main.ts';
import { loadEdge } from '../../cli/load.ts';
import { endWithParent, tellParent, writeLine, type ChildMessage } from '../processes/child.ts';
import { numbersDriver } from './numbers.ts';

const [path = '', from = '1', perSecond = '1000'] = process.argv.slice(2);
const observer = openTelemetryOutput({ component: 'edge', language: 'en', nowMs: () => Date.now(), log: pino.destination(2) });
/** Numbers that were given out and are not committed. */
let uncommitted = 0;
let givenUpTo = Number(from) - 1;
const numbers = numbersDriver({
  from: Number(from), perSecond: Number(perSecond),
  reserve(upTo) {
    uncommitted += upTo - givenUpTo;
    givenUpTo = upTo;
    writeLine(`i ${upTo}`);
  },
});
const { setup, problems } = await loadEdge({ path, text: readFileSync(path, 'utf8') }, [numbers.driver]);
if (!setup) throw new Error(JSON.stringify(problems, null, 1));

let underWay = 0;
const tell: Tell = (event) => {
  if (event.kind === 'batch_sent') underWayIs(underWay + 1);
  if (event.kind === 'events_settled') underWayIs(0);
  observer.tell(event);
};
function underWayIs(count: number): void {
  if ((count > 0) !== (underWay > 0)) writeLine(`f ${count}`);
  underWay = count;
}

let log: EdgeLog | null = null;
const edge = await runEdge(setup, realWorld(tell), {
  metrics: observer.metrics,
  extraDrivers: [numbers.driver],
  async onLog(opened) {
    log = opened;
    await witnessWhatIsThere(opened);
  },
  onKept({ drafts }) {
    const values = drafts.filter((draft) => draft.point === 'n').map((draft) => draft.value as number);
    uncommitted -= values.length;
    witness(values);
  },
});
process.on('message', (message: ChildMessage) => {
  if (message.kind === 'stop-numbers') numbers.stop();
});
setInterval(() => writeLine(`d ${(log?.size('measurement').events ?? 0) + uncommitted}`), 200).unref();
endWithParent(() => edge.close());
tellParent({ kind: 'ready' });

/** Committed by the process before, and killed before it could say so. */
async function witnessWhatIsThere(opened: EdgeLog): Promise<void> {
  let cursor = LOG_START;
  for (;;) {
    const groups = await opened.read('measurement', cursor, { maxGroups: 100, maxBytes: 4 << 20 });
    const last = groups.at(-1);
    if (!last) return;
    for (const group of groups)
      witness(
        decodeBatch(group.payload)
          .events.filter((event) => event.point === 'n')
          .map((event) => event.value as number),
      );
    cursor = { epoch: last.epoch, seq: last.seq + last.count - 1 };
  }
}

/** Neighbouring numbers as one line. */
function witness(values: readonly number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  for (let at = 0; at < sorted.length;) {
    let end = at;
    while (end + 1 < sorted.length && sorted[end + 1] === (sorted[end] as number) + 1) end += 1;
    writeLine(`k ${sorted[at]} ${sorted[end]}`);
    at = end + 1;
  }
}
