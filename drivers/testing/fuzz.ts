/** Fuzzes a driver with its recorded cases: mutated frames into `decode`, mutated streams through the link. */
import assert from 'node:assert/strict';
import type { Case } from '../../cases/case.ts';
import { bytesRecordingOf } from '../../cases/replay-bytes.ts';
import { replayCase, type ReplayResult } from '../../cases/replay.ts';
import { hasValidFrameChecksum } from '../../cases/device-script.ts';
import { ByteStreams, type RecordedMessage } from '../../cases/byte-streams.ts';
import type { Driver, Request } from '../../core/driver.ts';
import type { Random } from '../../core/world.ts';
import { assertDecoded } from './assert-decoded.ts';
import type { DriverDouble } from './driver-double.ts';
import { mutateBytes, mutateFrame } from './mutate.ts';

interface Frame {
  frame: unknown;
  request?: Request | undefined;
}

/** The undamaged frames and cases that a fuzz run starts from. */
export interface FuzzCorpus {
  driver: Driver;
  double: Pick<DriverDouble, 'mutate'>;
  frames: readonly Frame[];
  cases: readonly Case[];
}

/** Plays the cases to get their frames. */
export async function fuzzCorpusOf(
  driver: Driver,
  double: Pick<DriverDouble, 'mutate' | 'frames' | 'runCase'>,
  cases: readonly Case[],
): Promise<FuzzCorpus> {
  const frames: Frame[] = [];
  for (const recorded of cases) {
    if (double.frames) frames.push(...(await double.frames(recorded)));
    else
      await replayCase(recorded, { drivers: new Map([[driver.id, driver]]) }, ({ frame, request }) => {
        if (frame !== undefined) frames.push({ frame, request });
      });
  }
  return { driver, double, frames, cases: cases.filter(({ level }) => level === 'bytes') };
}

/** Decodes one mutated frame. */
export function fuzzFrame({ driver, double, frames }: FuzzCorpus, turn: number, random: Random): void {
  const { frame, request } = frames[turn % frames.length] as Frame;
  const mutant = double.mutate ? double.mutate(frame, random) : mutateFrame(frame, random);
  assertDecoded(driver, driver.decode(mutant, request), request, null);
}

/** Plays one case with mutated traffic of the device through the link. */
export async function fuzzStream({ driver, cases }: FuzzCorpus, turn: number, random: Random): Promise<void> {
  const recorded = cases[turn % cases.length] as Case;
  await replayCase(mutatedCase(recorded, random), { drivers: new Map([[driver.id, driver]]) }, ({ decoded, request }) =>
    assertDecoded(driver, decoded, request, null),
  );
}

/** Lines of the device are damaged, dropped or doubled. */
function mutatedCase(recorded: Case, random: Random): Case {
  const traffic = [...recorded.traffic];
  const received = traffic.flatMap((line, at) => ('bytes' in line && line.dir === 'in' ? [at] : []));
  for (let times = 1 + Math.floor(random.next() * 3); times > 0 && received.length > 0; times -= 1) {
    const at = received[Math.floor(random.next() * received.length)] as number;
    const line = traffic[at] as Extract<(typeof traffic)[number], { bytes: string }>;
    if (!('bytes' in line)) continue;
    const kind = random.next();
    const bytes =
      kind < 0.1
        ? ''
        : kind < 0.2
          ? line.bytes + line.bytes
          : Buffer.from(mutateBytes(Buffer.from(line.bytes, 'hex'), random)).toString('hex');
    traffic[at] = { ...line, bytes };
  }
  return { ...recorded, traffic };
}

/**
 * A message of the device with one flipped bit, so that its checksum is wrong, gives no more values than a missing message.
 *
 * @returns whether there was such a message
 */
export async function assertDamagedMessageGivesNothing({ driver, cases }: FuzzCorpus, turn: number, random: Random): Promise<boolean> {
  const recorded = cases[turn % cases.length];
  if (!recorded) return false;
  const recording = bytesRecordingOf(driver);
  const settings = driver.settings.parse(recorded.devices[0].settings);
  const reading = { recording, settings };
  if (!recording.seal) return false;
  const streams = new ByteStreams(recorded.traffic, () => reading);
  const whole = streams.messages.filter(
    ({ direction, notes, bytes }) => direction === 'in' && notes && hasValidFrameChecksum(bytes, 'in', reading),
  );
  const message = whole[Math.floor(random.next() * whole.length)] as RecordedMessage | undefined;
  if (!message) return false;
  const played = (lines: ReturnType<ByteStreams['lines']>): Case => ({
    ...recorded,
    traffic: recorded.traffic.map((line) => ('bytes' in line ? (lines.get(line) ?? line) : line)),
  });
  const absent = await goodValues(driver, played(streams.lines(message)));
  const at = Math.floor(random.next() * message.bytes.length);
  message.bytes[at] = (message.bytes[at] as number) ^ (1 << Math.floor(random.next() * 8));
  if (hasValidFrameChecksum(message.bytes, 'in', reading)) return false;
  const damaged = await goodValues(driver, played(streams.lines()));
  assert.ok(damaged <= absent, `${recorded.name}: a message with a wrong checksum gave values: ${message.bytes.toString('hex')}`);
  return true;
}

async function goodValues(driver: Driver, recorded: Case): Promise<number> {
  let good = 0;
  const count = ({ decoded }: ReplayResult) => {
    if (decoded.ok) good += decoded.values?.filter(({ quality }) => quality !== 'bad').length ?? 0;
  };
  await replayCase(recorded, { drivers: new Map([[driver.id, driver]]) }, count);
  return good;
}
