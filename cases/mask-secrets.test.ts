import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import type { Driver } from '../core/driver.ts';
import type { BytesRecording } from '../core/recording.ts';
import type { TrafficLine } from './format.ts';
import { maskSecrets, maskSettings, findUnmaskedSecret } from './mask-secrets.ts';

/** length 1 | password 6 | value 1 | sum of all before */
const recording: BytesRecording<unknown, never, unknown> = {
  level: 'bytes',
  cut: (bytes) => (bytes[0] !== 9 ? 0 : bytes.length < 9 ? null : 9),
  notes: () => ({ role: 'speaks', secrets: [{ name: 'password', at: 1, length: 6 }] }),
  seal: (message) => { message[8] = message.subarray(0, 8).reduce((sum, byte) => (sum + byte) & 0xff, 0); },
};
const driver = {
  id: 'toy',
  settings: z.object({ password: z.string().meta({ zh: '密码', en: 'Password', secret: true }), host: z.string() }),
  recording,
} as unknown as Driver;
const reading = { recording, settings: {} };

function message(value: number, isDamaged: boolean): Buffer {
  const bytes = Buffer.concat([Buffer.from([9]), Buffer.from('s3cret'), Buffer.from([value, 0])]);
  recording.seal?.(bytes, 'in', {});
  if (isDamaged) bytes[8] = (bytes[8] as number) ^ 1;
  return bytes;
}

test('secrets are gone however the stream was cut, lengths and right checksums stay, a wrong checksum stays wrong', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(255), fc.boolean()), { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      (messages, sizes) => {
        const stream = Buffer.concat(messages.map(([value, isDamaged]) => message(value, isDamaged)));
        const traffic: TrafficLine[] = [];
        for (let offset = 0; offset < stream.length;) {
          const size = sizes[traffic.length % sizes.length] as number;
          traffic.push({ afterUs: offset, conn: 1, dir: 'in', bytes: stream.toString('hex', offset, offset + size) });
          offset += size;
        }
        const settings = { password: 's3cret', host: 'h' };
        assert.equal(findUnmaskedSecret(driver, settings, traffic), 'password');
        const { traffic: clean, count } = maskSecrets(traffic, () => reading);
        assert.equal(count, messages.length);
        assert.equal(findUnmaskedSecret(driver, settings, clean), null);
        assert.deepEqual(
          clean.map((line) => ('bytes' in line ? line.bytes.length : 0)),
          traffic.map((line) => ('bytes' in line ? line.bytes.length : 0)),
        );
        const after = Buffer.from(clean.map((line) => ('bytes' in line ? line.bytes : '')).join(''), 'hex');
        messages.forEach(([value, isDamaged], index) => {
          const one = after.subarray(index * 9, index * 9 + 9);
          assert.equal(one.toString('latin1', 1, 7), '000000');
          assert.equal(one[7], value);
          const sealed = Buffer.from(one);
          recording.seal?.(sealed, 'in', {});
          assert.equal(sealed.equals(one), !isDamaged);
        });
      },
    ),
    { numRuns: 60 },
  );
});

test('the settings are masked alike, so that the case still fits', () => {
  assert.deepEqual(maskSettings(driver, { password: 's3cret', host: 'h' }), { password: '000000', host: 'h' });
});
