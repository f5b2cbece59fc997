/** What a driver says of recorded messages must fit them: spans within, seals that hold, requests that can be made again. */
import assert from 'node:assert/strict';
import type { Case } from '../cases/case.ts';
import { bytesRecording } from '../cases/replay-bytes.ts';
import { isSealed } from '../cases/script.ts';
import { Streams } from '../cases/streams.ts';
import type { Driver } from '../driver.ts';

export function messagesHold(driver: Driver, recorded: Case): void {
  const recording = bytesRecording(driver);
  const reading = { recording, settings: driver.settings.parse(recorded.devices[0].settings) };
  const { messages } = new Streams(recorded.traffic, () => reading);
  assert.ok(messages.some(({ notes }) => notes), 'it finds messages in what was recorded');
  for (const { bytes, notes, direction } of messages) {
    if (!notes) continue;
    const spans = [...notes.correlators ?? [], ...notes.secrets ?? [], ...notes.identities ?? []];
    for (const { name, at, length } of spans) assert.ok(at >= 0 && length > 0 && at + length <= bytes.length, `${name} lies within its message`);
    const changed = Buffer.from(bytes);
    for (const { at, length } of spans) changed.fill(0x30, at, at + length);
    recording.seal?.(changed, direction, reading.settings);
    assert.equal(changed.length, bytes.length);
    assert.equal(recording.cut(changed, direction, reading.settings), bytes.length, 'a masked message is as long as before');
    assert.ok(isSealed(changed, direction, reading), 'a sealed message is sealed');
  }
  if (driver.traits.includes('polled')) assert.ok(recording.requestOf, 'a polled driver says which request a message was');
}
