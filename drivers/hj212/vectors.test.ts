/** Frames and logs made by others: every one marked valid gives its fields, every other is refused for its check value. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { goldenFrames, listedFacts, sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { decode } from './decode.ts';
import { modernCode } from './factors.ts';
import { frameOf } from './frame-of.ts';
import { readMessage, timeOf } from './message.ts';
import { dataOf, packetOf, PacketCutter } from './packet.ts';

const folder = sharedFolder('traffic', 'vectors', 'hj212');
const skip = skipWithout(folder, 'traffic folder');

interface Vector {
  kind: 'frame' | 'segment';
  valid?: boolean;
  frame?: string;
  segment?: string;
}

const files = (ending: string): string[] => (folder ? readdirSync(folder).filter((name) => name.endsWith(ending)) : []);
const vectorsOf = (file: string): Vector[] => readFileSync(join(folder as string, file), 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as Vector);
const UPLOADS = new Set(['2011', '2021', '2031', '2041', '2051', '2061']);

/** Read by hand, and by nothing of the driver. */
function fieldsOf(data: string) {
  const head = data.split('CP=&&')[0] as string;
  const content = /CP=&&(.*)&&/s.exec(data)?.[1] ?? '';
  const field = (name: string) => new RegExp(`(?:^|;)${name}=([^;]*)`).exec(head)?.[1]?.trim() ?? '';
  const items = content.split(/[;,]/).flatMap((item) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(item) ?? [];
    return key ? [[key.trim(), (value ?? '').trim()] as const] : [];
  });
  return { qn: field('QN'), st: field('ST'), cn: field('CN'), pw: field('PW'), mn: field('MN'), items };
}

/** The message as it is read, and of an upload its values and their time. */
function gives(packet: Uint8Array, data: string): void {
  const { items, ...fields } = fieldsOf(data);
  const message = readMessage(dataOf(packet) as Uint8Array);
  assert.ok(message, data);
  assert.deepEqual({ qn: message.qn, st: message.st, cn: message.cn, pw: message.pw, mn: message.mn }, fields);
  if (!UPLOADS.has(fields.cn)) return;
  const [read] = frameOf.read([packet], []);
  assert.ok(read && !read.fault);
  const decoded = decode(read.frame);
  const stamp = items.find(([key]) => key === 'DataTime')?.[1];
  if (stamp !== undefined && timeOf(stamp) === null) {
    assert.equal(decoded.ok ? '' : decoded.fault.code, 'CV_HJ212_TIME', data);
    return;
  }
  assert.ok(decoded.ok, data);
  const values = items.filter(([key]) => /-/.test(key) && !/-(Flag|SampleTime)$/.test(key)).map(([key, text]) => [key, /^[+-]?[\d.]+$/.test(text) ? Number(text) : null]);
  assert.deepEqual((decoded.values ?? []).map(({ point, value }) => [point, value]), values, data);
}

for (const file of folder ? files('.jsonl') : ['frames of others']) {
  test(`${file}: what is right gives its fields and values, what is not is refused`, { skip }, () => {
    let [valid, segments] = [0, 0];
    const vectors = vectorsOf(file);
    for (const { kind, frame = '', segment = '', valid: isValid } of vectors) {
      if (kind === 'segment') {
        segments += 1;
        gives(packetOf(segment).subarray(0, -2), segment);
        continue;
      }
      const cuts = new PacketCutter().feed(Buffer.from(`${frame}\r\n##0000`, 'utf8'));
      const packets = cuts.filter(({ is }) => is === 'packet');
      assert.equal(packets.length, isValid ? 1 : 0, frame);
      for (const { bytes } of packets) gives(bytes, Buffer.from(frame, 'utf8').toString('latin1').slice(6, -4));
      if (isValid) valid += 1;
      else assert.ok(frameOf.read([Buffer.from(frame, 'utf8')], []).some(({ fault }) => fault?.code === 'CV_FRAME_CHECKSUM'), frame);
    }
    const [, frames, right, bare] = /(\d+) frames?, (\d+) with right length and CRC(?:; (\d+) bare)?/.exec(listedFacts(`vectors/hj212/${file}`)) ?? [];
    assert.deepEqual([vectors.length - segments, valid], [Number(frames), Number(right)]);
    if (bare !== undefined) assert.equal(segments, Number(bare));
  });
}

for (const file of folder ? [...files('.txt'), ...files('.log')] : ['logs of others']) {
  test(`${file}: so many packets as listed`, { skip }, () => {
    const facts = listedFacts(`vectors/hj212/${file}`);
    const log = readFileSync(join(folder as string, file));
    const right = new PacketCutter().feed(Buffer.concat([log, Buffer.from('\r\n##0000')])).filter((cut) => cut.is === 'packet' && cut.lengthIsRight);
    assert.equal(right.length, Number(/of which (\d+) have right length/.exec(facts)?.[1]));
    for (const { bytes } of right) gives(bytes, bytes.toString('latin1', 6, bytes.length - 4));
    // Kinds are counted over all frames, the broken ones too.
    if (right.length !== Number(/(\d+) frames/.exec(facts)?.[1])) return;
    const counts = new Map<string, number>();
    for (const { bytes } of right) {
      const cn = String(readMessage(dataOf(bytes) as Uint8Array)?.cn);
      counts.set(cn, (counts.get(cn) ?? 0) + 1);
    }
    for (const [, cn, count] of (/CN: ([^;]*);/.exec(facts)?.[1] ?? '').matchAll(/(\d{4}) x(\d+)/g)) assert.equal(counts.get(cn as string), Number(count), `CN ${cn}`);
  });
}

interface Golden {
  name: string;
  text: string;
  expect: { valid: boolean; frames?: number; factors?: Record<string, Record<string, unknown> & { quality?: string; mapsTo?: string }>; dataTimeUtc?: string; ackRequired?: boolean; dialect?: string };
}

for (const { name, text, expect } of goldenFrames<Golden>('hj212')) {
  test(`golden frame: ${name}`, () => {
    const reads = frameOf.read([Buffer.from(text, 'latin1')], []);
    if (!expect.valid) {
      assert.equal(reads[0]?.fault?.code, 'CV_FRAME_CHECKSUM');
      assert.ok(reads.every(({ fault }) => fault));
      return;
    }
    assert.equal(reads.length, expect.frames ?? 1);
    const packets = new PacketCutter().feed(Buffer.from(`${text}##0000`, 'latin1')).map(({ bytes }) => readMessage(dataOf(bytes) as Uint8Array));
    if (expect.ackRequired !== undefined) assert.equal(packets[0]?.wantsAnswer, expect.ackRequired);
    if (expect.dialect) assert.equal(packets[0]?.edition, expect.dialect);
    const values = reads.flatMap((read) => {
      const decoded = read.fault ? null : decode(read.frame);
      assert.ok(decoded?.ok, name);
      return decoded.values ?? [];
    });
    for (const [factor, { quality, mapsTo, Flag: _mark, ...numbers }] of Object.entries(expect.factors ?? {})) {
      if (mapsTo) assert.equal(modernCode(factor), mapsTo);
      for (const [suffix, value] of Object.entries(numbers)) {
        const found = values.find(({ point }) => point === `${factor}-${suffix}`);
        assert.equal(found?.value, value, `${factor}-${suffix}`);
        if (quality) assert.equal(found?.quality ?? 'good', quality, factor);
        if (expect.dataTimeUtc) assert.equal(found?.deviceAt, Date.parse(expect.dataTimeUtc));
      }
    }
  });
}
