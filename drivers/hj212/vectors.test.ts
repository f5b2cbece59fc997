/** Frames and logs made by others: every one marked valid gives its fields, every other is refused. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharedFolder } from '../../core/testing/shared.ts';
import { readMessage } from './message.ts';
import { dataOf, PacketCutter } from './packet.ts';

const folder = sharedFolder('traffic/vectors/hj212');
const skip = folder ? false : 'skipped: traffic folder not found';

test('every frame marked valid is one, and no other', { skip }, () => {
  let valid = 0;
  let refused = 0;
  for (const file of readdirSync(folder as string).filter((name) => name.endsWith('.jsonl'))) {
    for (const line of readFileSync(join(folder as string, file), 'utf8').split('\n').filter(Boolean)) {
      const vector = JSON.parse(line) as { kind: string; valid: boolean; frame: string; crc_calc?: string; crc_field?: string };
      if (vector.kind !== 'frame') continue;
      const cuts = new PacketCutter().feed(Buffer.from(`${vector.frame}\r\n##0000`, 'utf8'));
      const packets = cuts.filter(({ is }) => is === 'packet');
      // A frame whose length alone is wrong is read by its check value.
      const isRight = vector.crc_field?.toUpperCase() === vector.crc_calc?.toUpperCase();
      assert.equal(packets.length, isRight ? 1 : 0, `${file}: ${vector.frame}`);
      if (vector.valid) valid += 1;
      else refused += 1;
      for (const { bytes } of packets) {
        const message = readMessage(dataOf(bytes) as Uint8Array);
        assert.ok(message, vector.frame);
        for (const [field, value] of [['QN', message.qn], ['ST', message.st], ['CN', message.cn], ['MN', message.mn]] as const) {
          const written = new RegExp(`(?:^|[;\\d])${field}=([^;]*)`).exec(vector.frame)?.[1];
          if (written !== undefined) assert.equal(value, written.trim(), `${file} ${field}`);
        }
      }
    }
  }
  assert.ok(valid >= 10 && refused >= 10, `${valid} valid, ${refused} others`);
});

test('the log of a virtual station: 218 of 218; the logs of a receiver: 29 and 2', { skip }, () => {
  for (const [file, wanted] of [['mutoushirana_HJ212Virtual_Log.txt', 218], ['tonyxia2016_HJ212Receiver_rx_debug.log', 29], ['tonyxia2016_HJ212Receiver_rx_release.log', 2]] as const) {
    const cuts = new PacketCutter().feed(Buffer.concat([readFileSync(join(folder as string, file)), Buffer.from('\r\n##0000')]));
    const right = cuts.filter((cut) => cut.is === 'packet' && cut.lengthIsRight);
    assert.equal(right.length, wanted, file);
    for (const { bytes } of right) assert.ok(readMessage(dataOf(bytes) as Uint8Array));
  }
});
