/** A gateway's log that fills its disk with what a required consumer has not taken, and has it filled by others. */
import { join } from 'node:path';
import { openGatewayLog } from '../../log/gateway-log.ts';
import { LOG_START, type AcceptedGroup, type Cursor, type GatewayLog } from '../../log/types.ts';
import { bulkyDraft } from '../../core/testing/drafts.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { seededRandom } from '../../core/world.ts';
import type { PartResult } from './result.ts';
import { fillDisk, telemetryListener, waitUntil, type SmallDisk } from './small-disk.ts';

const SENDER = 'pump-07';
const EVENTS = 40;
const EVENT_BYTES = 2000;

/** A batch of which hardly a byte shrinks. */
function batches(): (seq: number) => AcceptedGroup {
  const random = seededRandom(9);
  return (seq) => {
    const drafts = Array.from({ length: EVENTS }, (_, index) => bulkyDraft(seq + index, EVENT_BYTES, () => random.next()));
    const payload = encodeBatch({ from: SENDER, stream: 'measurement', epoch: 7, seq }, drafts);
    return {
      origin: { sender: SENDER, stream: 'measurement', epoch: 7, seq, span: EVENTS, receivedAt: Date.now() },
      count: EVENTS,
      payload,
    };
  };
}

export async function gatewayLogOnFullDisk({ disk }: SmallDisk): Promise<PartResult> {
  const failures: string[] = [];
  const expect = (holds: boolean, what: string) => { if (!holds) failures.push(what); };
  const heard = telemetryListener();
  const dir = join(disk, 'log');
  const log = await openGatewayLog({ dir, gateway: 'town-1', maxBytes: 1 << 30, keepMs: 3600_000 }, heard.world);
  const batch = batches();
  const rejected = new Map<string, number>();
  let next = 1;
  const accept = async (): Promise<boolean> => {
    try {
      await log.accept([batch(next)]);
      next += EVENTS;
      return true;
    } catch (error) {
      const { name } = error as Error;
      rejected.set(name, (rejected.get(name) ?? 0) + 1);
      return false;
    }
  };
  log.setConsumer('store', LOG_START, true);
  log.setConsumer('sink', LOG_START, false);
  while (next < 40_000 && (await accept()));
  const heldUp = next - 1;
  expect(rejected.size > 0, 'it took more than the disk holds');
  expect(heard.standing().includes('CV_LOG_DISK_FULL'), `the full disk was not told: ${heard.standing().join(' ')}`);
  expect(log.tail().seq === 0, 'something went that the store had not taken');
  expect(log.mark(SENDER, 'measurement', 7).upTo === heldUp, 'the marks are not what was acknowledged');
  const seen = await readBatches(log, LOG_START);
  expect(seen.events === heldUp, `${seen.events} of ${heldUp} events can be read`);

  // The store catches up: what it has passed goes, whatever its age, and batches are taken again.
  log.setConsumer('store', seen.end, true);
  const resumedMs = await waitUntil(5000, accept);
  expect(resumedMs !== null, 'it did not go on when the store had caught up');
  const overrun = heard.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_LOG_OVERRUN');
  expect(overrun, 'the optional sink was not told that it was overrun');

  const filled = fillDisk(disk);
  let keptWhileFull = 0;
  for (let index = 0; index < 30; index += 1) {
    log.setConsumer('store', log.head(), true);
    keptWhileFull += (await accept()) ? 1 : 0;
  }
  filled.free();
  const afterMs = await waitUntil(5000, accept);
  expect(afterMs !== null, 'it did not go on when there was room');
  log.setConsumer('store', log.head(), true);
  log.setConsumer('sink', log.head(), false);
  const clearedMs = await waitUntil(10_000, async () => (await accept()) && !heard.standing().includes('CV_LOG_DISK_FULL'));
  expect(clearedMs !== null, `still told: ${heard.standing().join(' ')}`);
  const rest = await readBatches(log, log.tail());
  expect(rest.events === log.head().seq - log.tail().seq, `${rest.events} events can be read between tail and head`);
  expect(log.mark(SENDER, 'measurement', 7).upTo === next - 1, 'a batch that was refused is marked');
  await log.close();
  return {
    name: 'gateway log on a full disk',
    figures: {
      'events until it held up': heldUp,
      rejected: [...rejected].map(([code, count]) => `${code} ${count}`).join(' '),
      'resumed after ms': resumedMs ?? 'never',
      'batches kept beside a full disk': keptWhileFull,
      'resumed with room after ms': afterMs ?? 'never',
      'cleared after ms': clearedMs ?? 'never',
    },
    failures,
  };
}

async function readBatches(log: GatewayLog, after: Cursor): Promise<{ events: number; end: Cursor }> {
  let [end, events] = [after, 0];
  for (;;) {
    const groups = await log.read(end, { maxGroups: 100, maxBytes: 4 << 20 });
    const last = groups.at(-1);
    if (!last) return { events, end };
    events += groups.reduce((sum, { count }) => sum + count, 0);
    end = { epoch: last.epoch, seq: last.seq + last.count - 1 };
  }
}
