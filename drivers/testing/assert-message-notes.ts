/** A driver's notes of recorded messages must fit them: spans inside, valid seals, requests that can be repeated. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Case } from '../../cases/case.ts';
import { bytesRecordingOf } from '../../cases/replay-bytes.ts';
import { hasValidFrameChecksum, deviceScript } from '../../cases/device-script.ts';
import { ByteStreams } from '../../cases/byte-streams.ts';
import { withPaths } from '../../core/config/paths.ts';
import type { Driver } from '../../core/driver.ts';

export function assertMessageNotes(driver: Driver, recorded: Case): void {
  const recording = bytesRecordingOf(driver);
  const reading = {
    recording,
    settings: withPaths(driver.settings, driver.settings.parse(recorded.devices[0].settings), join(recorded.folder, 'case.yaml')),
  };
  const { messages } = new ByteStreams(recorded.traffic, () => reading);
  assert.ok(messages.some(({ notes }) => notes), 'messages are found in the recorded traffic');
  for (const { bytes, notes, direction } of messages) {
    if (!notes) continue;
    const spans = [...(notes.correlators ?? []), ...(notes.secrets ?? []), ...(notes.identities ?? [])];
    for (const { name, at, length } of spans)
      assert.ok(at >= 0 && length > 0 && at + length <= bytes.length, `${name} lies within its message`);
    const changed = Buffer.from(bytes);
    for (const { at, length } of spans) changed.fill(0x30, at, at + length);
    recording.seal?.(changed, direction, reading.settings);
    assert.equal(changed.length, bytes.length);
    assert.equal(recording.cut(changed, direction, reading.settings), bytes.length, 'a masked message is as long as before');
    assert.ok(hasValidFrameChecksum(changed, direction, reading), 'a sealed message is sealed');
    const refusal = direction === 'out' && notes.role === 'asks' ? recording.refusal?.(bytes, reading.settings) : null;
    if (refusal) assertAnswers(refusal, bytes);
  }
  for (const { message, answers } of deviceScript(recorded.traffic, () => reading).questions) {
    for (const answer of answers) {
      const part = recording.partOf?.(message.bytes, { question: message.bytes, answer: answer.bytes }, reading.settings);
      if (part) assertAnswers(part, message.bytes);
    }
  }
  if (driver.traits.includes('polled')) assert.ok(recording.requestOf, 'a polled driver has requestOf');

  /** Sent when standing in for the device: a whole message that is the answer to this question. */
  function assertAnswers(answer: Uint8Array, question: Uint8Array): void {
    const at = { afterUs: 0, conn: 1 };
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const { questions } = deviceScript(
      [
        { ...at, dir: 'out', bytes: hex(question) },
        { ...at, dir: 'in', bytes: hex(answer) },
      ],
      () => reading,
    );
    assert.deepEqual(
      questions.map(({ answers }) => answers.map(({ bytes }) => hex(bytes))),
      [[hex(answer)]],
      `${hex(answer)} answers ${hex(question)}`,
    );
  }
}
