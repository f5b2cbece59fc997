import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FrameCutter } from './cutter.ts';
import { decode } from './decode.ts';
import { readableFields } from './frame.ts';
import { encodeIdentity } from './identity.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';

function protocolOf(text: string): FrameProtocol {
  const loaded = readDescription('d.yaml', text);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

const GUIDE =
  /```yaml\nversion: 1\ntitle: \{ zh: 卫星[\s\S]*?```/
    .exec(readFileSync(new URL('../../docs/described-frames.md', import.meta.url), 'utf8'))?.[0]
    .slice(8, -3) ?? '';

/** With its check value. */
function sentence(body: string): Buffer {
  const sum = [...Buffer.from(body, 'latin1')].reduce((all, byte) => all ^ byte, 0);
  return Buffer.from(`$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}\r\n`, 'latin1');
}

function read(protocol: FrameProtocol, bytes: Buffer) {
  const cuts = new FrameCutter(protocol).feed(bytes);
  return cuts.flatMap((cut): unknown[] => {
    if (cut.is !== 'frame') return [cut.is];
    const decoded = decode({ is: 'message', bytes: cut.bytes, pointMap: { protocol, byField: null } });
    return decoded.ok
      ? [Object.fromEntries((decoded.values ?? []).map(({ point, value, flags, fault }) => [point, value ?? fault?.code ?? flags?.[0]]))]
      : [`${decoded.fault.code} ${String(decoded.fault.params.field)}`];
  });
}

test('NMEA 0183 as the guide describes it: fields by number, the side of the world as a sign, the sum in hex', () => {
  const protocol = protocolOf(GUIDE);
  assert.deepEqual(read(protocol, Buffer.from('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n')), [
    {
      'fix.sentence': 'GPGGA',
      'fix.quality': 'single',
      'fix.northSouth': 'N',
      'fix.lat': 48.1173,
      'fix.eastWest': 'E',
      'fix.lon': 11.516_666_667,
      'fix.satellites': 8,
      'fix.height': 545.4,
    },
  ]);
  const [south] = read(protocol, sentence('GNGGA,1,3350.5,S,15112.6,w,4,12,1,-3.5,M,,,,')) as Record<string, unknown>[];
  assert.deepEqual([south?.['fix.lat'], south?.['fix.lon'], south?.['fix.height']], [-33.841_666_667, -151.21, -3.5]);
  assert.deepEqual(
    read(protocol, Buffer.from('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*48\r\n')),
    ['checksum'],
    'a wrong sum',
  );
});

test('an empty field has no value, a missing one is a fault; what cannot be is bad', () => {
  const protocol = protocolOf(GUIDE);
  const [none] = read(protocol, Buffer.from('$GNGGA,040001.00,,,,,0,00,99.99,,,,,,*7D\r\n')) as Record<string, unknown>[];
  assert.deepEqual(
    [none?.['fix.quality'], none?.['fix.lat'], none?.['fix.northSouth'], none?.['fix.height']],
    ['none', 'fault-code', 'fault-code', 'fault-code'],
  );
  assert.deepEqual(read(protocol, sentence('GNGGA,1,3350.5,S,15112.6')), ['CV_DESCRIBED_SHORT fix.quality']);
  assert.deepEqual(read(protocol, sentence('GNGGA')), ['CV_DESCRIBED_SHORT fix.quality']);
  const [odd] = read(protocol, sentence('GNGGA,1,3360.5,S,151,W,9,1x,1,1e999,M')) as Record<string, unknown>[];
  assert.deepEqual(
    ['lat', 'lon', 'quality', 'satellites', 'height'].map((name) => odd?.[`fix.${name}`]),
    Array.from({ length: 5 }, (_, at) => (at === 1 ? -1.85 : 'CV_DESCRIBED_VALUE')),
  );
  const [sideless] = read(protocol, sentence('GNGGA,1,3350.5,,15112.6,W,4,12,1,3.5,M')) as Record<string, unknown>[];
  assert.equal(sideless?.['fix.lat'], 'CV_DESCRIBED_VALUE', 'north or south is not known');
  assert.deepEqual(read(protocol, sentence('GPGSV,1,1')), [{ 'other.sentence': 'GPGSV' }]);
});

const text = (fields: string, more = '') =>
  `version: 1\ntitle: { zh: 甲, en: a }\nheader: "23"\nterminator: "0A"\nseparator: "3B 20"\n${more}messages:\n  - name: m\n    fields:\n${fields
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n')}\n`;

test('in sequence, from the end, passed over, in repeats; a separator of two bytes', () => {
  const protocol = protocolOf(
    text(
      '- { name: a }\n- { skip: 2 }\n- { name: n, type: number-text }\n- { name: last, at: -1 }\n- { repeat: g, count: n, fields: [{ name: v, type: number-text, scale: 0.1 }] }\n- { name: unit, type: gbk }',
    ),
  );
  const one = (body: string) => read(protocol, Buffer.concat([Buffer.from('#'), Buffer.from(body, 'latin1'), Buffer.from('\n')]));
  assert.deepEqual(one('x; -; -; 2; 15; 25; \xb6\xc8; end'), [{ 'm.a': 'x', 'm.n': 2, 'm.last': 'end', 'm.g.v': 2.5, 'm.unit': '度' }]);
  assert.deepEqual(one('x; -; -; 5; 15; 25'), ['CV_DESCRIBED_SHORT m.g.v']);
  assert.deepEqual(one('x; -'), ['CV_DESCRIBED_SHORT skip']);
  assert.deepEqual(one('; -; -; 0; ; '), [{ 'm.a': 'fault-code', 'm.n': 0, 'm.last': 'fault-code', 'm.unit': 'fault-code' }]);
  assert.ok(readableFields(protocol).get('m.a')?.isText);
});

test('a device that has to be named in text is: as long as its name is', () => {
  const protocol = protocolOf(text('- { name: v }', 'head: [{ name: id }]\nidentity: id\n'));
  assert.equal(encodeIdentity('ab-12', protocol)?.toString('latin1'), 'ab-12');
  assert.equal(encodeIdentity('a; b', protocol), null);
});

test('what is no text between separators, or has a size, is told with its line', () => {
  const rows: [fields: string, words: RegExp][] = [
    ['- { name: a, type: u16 }', /separated fields are text \(ascii, gbk, number-text, degrees-minutes\), not u16/],
    ['- { name: a, type: hex }', /not hex/],
    ['- { name: a, size: 4 }', /a separator ends the field: no size here/],
    ['- { name: a, bits: { x: 0 } }', /ascii has no bits/],
  ];
  for (const [fields, words] of rows) {
    const [fault] = readDescription('d.yaml', text(fields)).faults;
    assert.equal(fault?.params.line, 9, fields);
    assert.match(String(fault?.params.problem), words);
    assert.match(String(fault?.params.problemZh), /[一-鿿]/);
  }
});

test('a body of separators alone costs no more than its bytes', () => {
  const protocol = protocolOf(text('- { repeat: g, count: rest, fields: [{ name: v }] }', 'max: 65535\n'));
  const [result] = read(protocol, Buffer.from(`#${'; '.repeat(15_000)}\n`)) as Record<string, unknown>[];
  assert.deepEqual(result, { 'm.g.v': 'fault-code' });
  assert.deepEqual(read(protocol, Buffer.from(`#${'; '.repeat(30_000)}\n`)), ['CV_DESCRIBED_SHORT g']);
});
