/** Frames and logs made by others: every one marked valid gives its fields, every other is refused for its check value. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { goldenFrames, listedFacts, sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { decode } from './decode.ts';
import { currentFactorCode } from './factors.ts';
import { frameReader } from './frame-reader.ts';
import { parseHj212Message, parseHj212Time } from './message.ts';
import { packetData, encodeHj212Packet, Hj212PacketCutter } from './packet-cutter.ts';
import { hj212PacketBytes } from './testing/data-logger.ts';

const folder = sharedFolder('traffic', 'vectors', 'hj212');
const skip = skipWithout(folder, 'traffic folder');

interface Vector {
  kind: 'frame' | 'segment';
  valid?: boolean;
  frame?: string;
  segment?: string;
}

const files = (ending: string): string[] => (folder ? readdirSync(folder).filter((name) => name.endsWith(ending)) : []);
const vectorsOf = (file: string): Vector[] =>
  readFileSync(join(folder as string, file), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Vector);
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
  const message = parseHj212Message(packetData(packet) as Uint8Array);
  assert.ok(message, data);
  assert.deepEqual({ qn: message.qn, st: message.st, cn: message.cn, pw: message.pw, mn: message.mn }, fields);
  if (!UPLOADS.has(fields.cn)) return;
  const [read] = frameReader.read([packet], []);
  assert.ok(read && !read.fault);
  const decoded = decode(read.frame);
  const stamp = items.find(([key]) => key === 'DataTime')?.[1];
  if (stamp !== undefined && parseHj212Time(stamp) === null) {
    assert.equal(decoded.ok ? '' : decoded.fault.code, 'CV_HJ212_TIME', data);
    return;
  }
  assert.ok(decoded.ok, data);
  const values = items
    .filter(([key]) => /-/.test(key) && !/-(Flag|SampleTime)$/.test(key))
    .map(([key, text]) => [key, /^[+-]?[\d.]+$/.test(text) ? Number(text) : null]);
  assert.deepEqual(
    (decoded.values ?? []).map(({ point, value }) => [point, value]),
    values,
    data,
  );
}

for (const file of folder ? files('.jsonl') : ['frames of others']) {
  test(`${file}: what is right gives its fields and values, what is not is refused`, { skip }, () => {
    let [valid, segments] = [0, 0];
    const vectors = vectorsOf(file);
    for (const { kind, frame = '', segment = '', valid: isValid } of vectors) {
      if (kind === 'segment') {
        segments += 1;
        gives(encodeHj212Packet(segment).subarray(0, -2), segment);
        continue;
      }
      const cuts = new Hj212PacketCutter().feed(Buffer.from(`${frame}\r\n##0000`, 'utf8'));
      const packets = cuts.filter(({ is }) => is === 'packet');
      assert.equal(packets.length, isValid ? 1 : 0, frame);
      for (const { bytes } of packets) gives(bytes, Buffer.from(frame, 'utf8').toString('latin1').slice(6, -4));
      if (isValid) valid += 1;
      else assert.ok(frameReader.read([Buffer.from(frame, 'utf8')], []).some(({ fault }) => fault?.code === 'CV_FRAME_CHECKSUM'), frame);
    }
    const [, frames, right, bare] =
      /(\d+) frames?, (\d+) with right length and CRC(?:; (\d+) bare)?/.exec(listedFacts(`vectors/hj212/${file}`)) ?? [];
    assert.deepEqual([vectors.length - segments, valid], [Number(frames), Number(right)]);
    if (bare !== undefined) assert.equal(segments, Number(bare));
  });
}

for (const file of folder ? [...files('.txt'), ...files('.log')] : ['logs of others']) {
  test(`${file}: so many packets as listed`, { skip }, () => {
    const facts = listedFacts(`vectors/hj212/${file}`);
    const log = readFileSync(join(folder as string, file));
    const right = new Hj212PacketCutter()
      .feed(Buffer.concat([log, Buffer.from('\r\n##0000')]))
      .filter((cut) => cut.is === 'packet' && cut.lengthIsRight);
    assert.equal(right.length, Number(/of which (\d+) have right length/.exec(facts)?.[1]));
    for (const { bytes } of right) gives(bytes, bytes.toString('latin1', 6, bytes.length - 4));
    // Kinds are counted over all frames, the broken ones too.
    if (right.length !== Number(/(\d+) frames/.exec(facts)?.[1])) return;
    const counts = new Map<string, number>();
    for (const { bytes } of right) {
      const cn = String(parseHj212Message(packetData(bytes) as Uint8Array)?.cn);
      counts.set(cn, (counts.get(cn) ?? 0) + 1);
    }
    for (const [, cn, count] of (/CN: ([^;]*);/.exec(facts)?.[1] ?? '').matchAll(/(\d{4}) x(\d+)/g))
      assert.equal(counts.get(cn as string), Number(count), `CN ${cn}`);
  });
}

interface Golden {
  name: string;
  text: string;
  expect: {
    valid: boolean;
    frames?: number;
    factors?: Record<string, Record<string, unknown> & { quality?: string; mapsTo?: string }>;
    dataTimeUtc?: string;
    ackRequired?: boolean;
    dialect?: string;
  };
}

/** Packets of our own, made after HJ 212-2017, 6.3 and annexes A and B: the standard's example, and stations that are none. */
const PM =
  'QN=20260101080001000;ST=22;CN=2011;PW=123456;MN=CV0000000000000000000001;Flag=5;CP=&&DataTime=20260101080000;a34004-Rtd=35.5,a34004-Flag=N;a34002-Rtd=71,a34002-Flag=T&&';
const packetText = (data: string) => hj212PacketBytes(data).toString('latin1');
const OWN: Golden[] = [
  {
    name: 'the example of annex A',
    text: '##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80\r\n',
    expect: { valid: true, ackRequired: true, dialect: '2017' },
  },
  {
    name: 'realtime data with marks',
    text: packetText(PM),
    expect: {
      valid: true,
      ackRequired: true,
      dialect: '2017',
      dataTimeUtc: '2026-01-01T00:00:00Z',
      factors: { a34004: { Rtd: 35.5, quality: 'good' }, a34002: { Rtd: 71, quality: 'uncertain' } },
    },
  },
  {
    name: 'two packets in one read',
    text: packetText(PM) + packetText(PM.replace('QN=20260101080001000', 'QN=20260101080001001')),
    expect: { valid: true, frames: 2 },
  },
  {
    name: 'an hour of water by the codes of 2005',
    text: packetText(
      'ST=32;CN=2061;PW=123456;MN=CV0000000000000000000002;CP=&&DataTime=20260101070000;011-Cou=12.5,011-Min=20,011-Avg=21.25,011-Max=23&&',
    ),
    expect: {
      valid: true,
      ackRequired: false,
      dialect: '2005',
      factors: { '011': { Cou: 12.5, Min: 20, Avg: 21.25, Max: 23, mapsTo: 'w01018', quality: 'good' } },
    },
  },
  { name: 'a wrong check value', text: `${packetText(PM).slice(0, -6)}FFFF\r\n`, expect: { valid: false } },
  {
    name: 'a check value that is one off',
    text: '##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C81\r\n',
    expect: { valid: false },
  },
];

test('there are golden frames of others to try', { skip: skipWithout(sharedFolder('domain'), 'domain folder') }, () =>
  assert.ok(goldenFrames<Golden>('hj212').length > 0),
);

test('packets of our own give their fields and values', () => {
  for (const { text, expect } of OWN)
    for (const { is, bytes } of new Hj212PacketCutter().feed(Buffer.from(text, 'latin1')))
      if (expect.valid && is === 'packet') gives(bytes, bytes.toString('latin1', 6, bytes.length - 4));
});

for (const { name, text, expect } of [...OWN, ...goldenFrames<Golden>('hj212')]) {
  test(`golden frame: ${name}`, () => {
    const reads = frameReader.read([Buffer.from(text, 'latin1')], []);
    if (!expect.valid) {
      assert.equal(reads[0]?.fault?.code, 'CV_FRAME_CHECKSUM');
      assert.ok(reads.every(({ fault }) => fault));
      return;
    }
    assert.equal(reads.length, expect.frames ?? 1);
    const packets = new Hj212PacketCutter()
      .feed(Buffer.from(`${text}##0000`, 'latin1'))
      .map(({ bytes }) => parseHj212Message(packetData(bytes) as Uint8Array));
    if (expect.ackRequired !== undefined) assert.equal(packets[0]?.wantsAnswer, expect.ackRequired);
    if (expect.dialect) assert.equal(packets[0]?.edition, expect.dialect);
    const values = reads.flatMap((read) => {
      const decoded = read.fault ? null : decode(read.frame);
      assert.ok(decoded?.ok, name);
      return decoded.values ?? [];
    });
    for (const [factor, { quality, mapsTo, Flag: _mark, ...numbers }] of Object.entries(expect.factors ?? {})) {
      if (mapsTo) assert.equal(currentFactorCode(factor), mapsTo);
      for (const [suffix, value] of Object.entries(numbers)) {
        const found = values.find(({ point }) => point === `${factor}-${suffix}`);
        assert.equal(found?.value, value, `${factor}-${suffix}`);
        if (quality) assert.equal(found?.quality ?? 'good', quality, factor);
        if (expect.dataTimeUtc) assert.equal(found?.deviceAt, Date.parse(expect.dataTimeUtc));
      }
    }
  });
}
