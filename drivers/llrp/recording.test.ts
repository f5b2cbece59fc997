/** A reader recorded with another program's requests, played to this driver. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Case } from '../../cases/case.ts';
import type { TrafficLine } from '../../cases/format.ts';
import { readCase } from '../../cases/read.ts';
import { replayCaseLines } from '../../cases/replay.ts';
import { realFiles } from '../../core/world.ts';
import driver from './driver.ts';
import { parseLlrpMessage, encodeLlrpMessage, LLRP_MESSAGE_TYPES, type LlrpMessage } from './message.ts';
import { recording } from './recording.ts';
import { llrpStatus } from './reader-event.ts';
import { settings } from './settings.ts';

const FOREIGN_ID = 7000;
const recorded = await readCase(join(import.meta.dirname, 'recorded/gate-in-and-out'), realFiles);
const play = (one: Case) => replayCaseLines(one, { drivers: new Map([[driver.id, driver]]) });
const messageIn = (hex: string): LlrpMessage => parseLlrpMessage(Buffer.from(hex, 'hex')) as LlrpMessage;
const samplesOf = (lines: Awaited<ReturnType<typeof play>>) => lines.filter((line) => !('fault' in line));

/** As another program would have sent its requests: with other ids and other contents. */
const foreign = recorded.traffic.map((line): TrafficLine => {
  if (!('bytes' in line)) return line;
  const { type, id } = messageIn(line.bytes);
  if (
    type === LLRP_MESSAGE_TYPES.report ||
    type === LLRP_MESSAGE_TYPES.readerEvent ||
    type === LLRP_MESSAGE_TYPES.keepalive ||
    type === LLRP_MESSAGE_TYPES.keepaliveAck
  )
    return line;
  if (line.dir === 'out')
    return { ...line, bytes: Buffer.from(encodeLlrpMessage(type, FOREIGN_ID + id, Buffer.from('0000002a', 'hex'))).toString('hex') };
  const answer = Buffer.from(line.bytes, 'hex');
  answer.writeUInt32BE(FOREIGN_ID + id, 6);
  return { ...line, bytes: answer.toString('hex') };
});

test('answers recorded for another program are given to the requests of this driver: the same samples', async () => {
  assert.deepEqual(samplesOf(await play({ ...recorded, traffic: foreign, asker: 'other' })), samplesOf(await play(recorded)));
});

test('in a case recorded with this driver, a request that it does not hold is a fault', async () => {
  const [first] = await play({ ...recorded, traffic: foreign });
  assert.equal(first && 'fault' in first ? first.fault : '', 'CV_CASE_STRAY');
});

test('a reader that never answered in the recording does not answer in the replay', async () => {
  const answersLeftOut = foreign.filter(
    (line) => !('bytes' in line) || line.dir === 'out' || messageIn(line.bytes).type >= LLRP_MESSAGE_TYPES.report,
  );
  const lines = await play({ ...recorded, traffic: answersLeftOut, asker: 'other' });
  assert.deepEqual(lines.map((line) => ('fault' in line ? line.fault : line.point)), ['CV_LINK_TIMEOUT']);
});

test('a recorded request for everything answers one for a part, not the other way round; an unknown request is refused with its id', () => {
  const at = settings.parse({ host: '192.0.2.9' });
  const ask = (id: number, what: number) => encodeLlrpMessage(LLRP_MESSAGE_TYPES.getCapabilities, id, Uint8Array.of(what));
  const answer = encodeLlrpMessage(LLRP_MESSAGE_TYPES.capabilities, 1, Buffer.from('011f000800000000', 'hex'));
  const part = recording.partOf?.(ask(9, 2), { question: ask(1, 0), answer }, at);
  assert.deepEqual(
    Buffer.from(part ?? []),
    Buffer.from(encodeLlrpMessage(LLRP_MESSAGE_TYPES.capabilities, 9, Buffer.from('011f000800000000', 'hex'))),
  );
  assert.equal(recording.partOf?.(ask(9, 0), { question: ask(1, 2), answer }, at), null);
  const no = parseLlrpMessage(recording.refusal?.(ask(9, 0), at) ?? new Uint8Array()) as LlrpMessage;
  assert.deepEqual([no.type, no.id, llrpStatus(no.bytes)?.code], [LLRP_MESSAGE_TYPES.error, 9, 109]);
});
