/** Where things stand in a frame: lengths of every width, fields counted from the end, what a head may name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameCutter } from './cutter.ts';
import { decode } from './decode.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { fillTemplate } from './template.ts';

const head = 'version: 1\ntitle: { zh: 甲, en: a }\n';

function protocolOf(text: string): FrameProtocol {
  const loaded = readDescription('d.yaml', head + text);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

const cuts = (protocol: FrameProtocol, hex: string) => {
  const cutter = new FrameCutter(protocol);
  return [...cutter.feed(Buffer.from(hex, 'hex')), ...cutter.end()].map(({ is, bytes }) => `${is} ${bytes.toString('hex')}`);
};

function values(protocol: FrameProtocol, hex: string) {
  const decoded = decode({ is: 'message', bytes: Buffer.from(hex, 'hex'), pointMap: { protocol, byField: null } });
  return decoded.ok
    ? Object.fromEntries((decoded.values ?? []).map(({ point, value }) => [point, value]))
    : `${decoded.fault.code} ${String(decoded.fault.params.field)}`;
}

const empty = { field: () => new Uint8Array(), identity: new Uint8Array(), sequence: new Uint8Array(), nowMs: 0 };

test('a length of each type and order says where its frame ends, and is written the same way into what is sent', () => {
  const rows: [length: string, hex: string][] = [
    ['type: u8', '06'],
    ['type: u16', '0007'],
    ['type: u16, order: little', '0700'],
    ['type: u24', '000008'],
    ['type: u24, order: little', '080000'],
    ['type: u32', '00000009'],
    ['type: u32, order: little', '09000000'],
    ['type: u32, plus: 9', '00000000'],
    ['type: u32, times: 4, plus: 1', '00000002'],
    ['type: bcd, size: 2', '0007'],
    ['type: bcd, size: 1, plus: -10', '16'],
    ['type: digits, size: 3', '303038'],
    ['type: digits, size: 3, plus: -4', '303132'],
    ['type: hex-digits, size: 2', '3037'],
    ['type: hex-digits, size: 2, plus: -6', '3044'],
  ];
  for (const [length, hex] of rows) {
    const protocol = protocolOf(
      `header: "AA"\nlength: { at: 1, ${length} }\nmax: 60\nmessages: [{ name: m, answer: "AA {length} C1 C2 C3 C4" }]\n`,
    );
    const frame = `aa${hex}c1c2c3c4`;
    assert.deepEqual(cuts(protocol, `${frame}${frame}`), [`frame ${frame}`, `frame ${frame}`], length);
    const answer = protocol.messages[0]?.answer;
    assert.ok(answer);
    assert.equal(fillTemplate(answer, protocol, empty).toString('hex'), frame, length);
  }
});

test('a length of u32 with its highest bit is no length; one that is longer than max, or than a frame can be, is passed over', () => {
  const protocol = protocolOf('header: "AA"\nlength: { at: 1, type: u32, plus: 5 }\nmax: 12\nmessages: [{ name: m }]\n');
  const good = 'aa00000001c1';
  assert.deepEqual(cuts(protocol, `aa80000001c1${good}`), ['noise aa80000001c1', `frame ${good}`]);
  assert.deepEqual(cuts(protocol, `aaffffffff${good}`), ['noise aaffffffff', `frame ${good}`]);
  assert.deepEqual(cuts(protocol, `aa00000008${good}`), ['noise aa00000008', `frame ${good}`], '13 bytes');
  assert.deepEqual(cuts(protocol, `aa00000007${good}cc`), [`frame aa00000007${good}cc`], '12 bytes');
  assert.deepEqual(cuts(protocol, `aa00000007${good}`), [`short aa00000007${good}`]);
  const masked = protocolOf(
    'header: "AA"\nlength: { at: 1, type: u32, mask: 0x800000FF, times: 1, plus: 5 }\nmax: 12\nmessages: [{ name: m }]\n',
  );
  assert.deepEqual(cuts(masked, `aa7f000001c1${good}`), ['frame aa7f000001c1', `frame ${good}`], 'only the bits of the mask');
  assert.deepEqual(
    cuts(masked, `aa80000001c1${good}`),
    ['noise aa80000001c1', `frame ${good}`],
    'a mask with the highest bit stays above zero',
  );
});

test('digits that are none are no length', () => {
  for (const [type, bad] of [
    ['digits, size: 2', '3a30'],
    ['digits, size: 2', '2b31'],
    ['hex-digits, size: 2', '3047'],
    ['bcd, size: 1', '0a'],
  ] as const) {
    const protocol = protocolOf(`header: "AA"\nlength: { at: 1, type: ${type}, plus: 4 }\nmessages: [{ name: m }]\n`);
    assert.deepEqual(cuts(protocol, `aa${bad}c1c2`), [`noise aa${bad}c1c2`], type);
  }
});

test('fields are counted from the start and from the end, in the head and in messages, up to both ends and no further', () => {
  const fields = (spec: string, more = '') =>
    protocolOf(`header: "AA 55"\nterminator: "0D"\nchecksum: { type: sum8 }\n${more}messages: [{ name: m, fields: [${spec}] }]\n`);
  const frame = 'aa55010203040d';
  const sealed = (hex: string) => {
    const bytes = Buffer.from(hex, 'hex');
    bytes[bytes.length - 2] = [...bytes.subarray(0, -2)].reduce((all, byte) => all + byte, 0) & 0xff;
    return bytes.toString('hex');
  };
  const read = (spec: string, more?: string) => values(fields(spec, more), sealed(frame));
  assert.deepEqual(read('{ name: x, at: -1 }'), { 'm.x': 0x0d });
  assert.deepEqual(read('{ name: x, at: -2 }'), { 'm.x': 0x05 }, 'the check value itself');
  assert.deepEqual(read('{ name: x, at: -5, type: u16 }'), { 'm.x': 0x0102 });
  assert.deepEqual(read('{ name: x, at: -7, type: u16 }'), { 'm.x': 0xaa55 });
  assert.equal(read('{ name: x, at: -8, type: u16 }'), 'CV_DESCRIBED_SHORT m.x');
  assert.equal(read('{ name: x, at: -1, type: u16 }'), 'CV_DESCRIBED_SHORT m.x');
  assert.deepEqual(read('{ name: x, at: 6 }'), { 'm.x': 0x0d });
  assert.equal(read('{ name: x, at: 7 }'), 'CV_DESCRIBED_SHORT m.x');
  assert.deepEqual(
    read('{ name: a }, { name: x, at: -3 }, { name: b }'),
    { 'm.a': 1, 'm.x': 3, 'm.b': 2 },
    'the next stands behind the one before',
  );
  assert.deepEqual(read('{ name: x, at: 3, type: hex, size: rest }'), { 'm.x': '0203' }, 'up to the end of the body');
  assert.deepEqual(read('{ name: x, at: -4, type: hex, size: rest }'), { 'm.x': '0203' });
  assert.deepEqual(read('{ name: v }', 'head: [{ name: last, at: -3 }, { name: first }]\nidentity: last\n'), {
    'm.last': 3,
    'm.first': 1,
    'm.v': 2,
  });
  assert.deepEqual(read('{ name: a }, { name: b }, { name: c }'), { 'm.a': 1, 'm.b': 2, 'm.c': 3 });
  assert.equal(read('{ name: a }, { name: b }, { name: c }, { name: d }'), 'CV_DESCRIBED_SHORT m.d', 'the check value is none of the body');
  assert.equal(values(fields('{ name: v }', 'head: [{ name: far, at: -8 }]\n'), sealed(frame)), 'CV_DESCRIBED_SHORT head');
});

test('a field has a name or passes over bytes, never both nor neither: of the head and of messages, told with its line', () => {
  const text = (one: string, fields: string) =>
    `${head}header: "AA"\nfixed: 9\nhead:\n  - { name: kind }\n  - ${one}\nmessages:\n  - name: m\n    fields:\n      - ${fields}\n`;
  const rows: [text: string, line: number][] = [
    [text('{ name: x, skip: 2 }', '{ name: v }'), 7],
    [text('{ type: u16 }', '{ name: v }'), 7],
    [text('{ skip: 1, name: kind2, type: u16 }', '{ name: v }'), 7],
    [text('{ skip: 2 }', '{ name: v, skip: 1 }'), 11],
    [text('{ skip: 2 }', '{ type: u16 }'), 11],
  ];
  for (const [one, line] of rows) {
    const { protocol, faults } = readDescription('d.yaml', one);
    assert.equal(protocol, null);
    const told = faults.filter(({ params }) => /name/.test(String(params.problem)) && /skip/.test(String(params.problem)));
    assert.equal(told.length, 1, one);
    assert.equal(told[0]?.params.line, line, one);
    assert.match(String(told[0]?.params.problemZh), /name/);
  }
  assert.deepEqual(readDescription('d.yaml', text('{ skip: 2 }', '{ name: v }')).faults, []);
  assert.deepEqual(values(readDescription('d.yaml', text('{ skip: 2 }', '{ name: v }')).protocol as FrameProtocol, 'aa0102030405060708'), {
    'm.kind': 1,
    'm.v': 4,
  });
});
