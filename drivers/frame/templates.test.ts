/** What is sent, byte for byte: each hole of a template, lengths and check values of each kind, stuffing, what wakes a device. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undoTransform, applyTransform } from './transform.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { readHeadFields, readAllFields } from './read-fields.ts';
import { fieldBytes, messagesAround, sequenceBytes } from './messages-around.ts';
import { fillTemplate, idleLength, parseTemplate, stuff, TemplateError } from './template.ts';

function protocolOf(text: string): FrameProtocol {
  const loaded = readDescription('d.yaml', `version: 1\ntitle: { zh: 甲, en: a }\n${text}\n`);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
/** 2026-01-02T03:04:05Z, 11:04:05 in UTC+8. */
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 999);
const FILLING = { field: () => bytesOf('F1F2'), identity: bytesOf('0B0C'), sequence: bytesOf('5E'), nowMs: NOW };

function filled(framing: string, template: string, filling: Partial<typeof FILLING> = {}): string {
  const protocol = protocolOf(`${framing}\nmessages: [{ name: m }]`);
  return fillTemplate(parseTemplate(template, new Map([['x', 0]]), protocol.length !== null), protocol, {
    ...FILLING,
    ...filling,
  }).toString('hex');
}

test('each hole and each kind of text', () => {
  const framing = 'header: "AA"\nterminator: "0D"';
  const rows: [template: string, wanted: string][] = [
    ['AA bb', 'aabb'],
    ["AA'Ab?'0D", 'aa41623f0d'],
    ['AA{x}0D', 'aaf1f20d'],
    ['AA {identity} 0D', 'aa0b0c0d'],
    ['AA {sequence} 0D', 'aa5e0d'],
    ['AA {now:bcd}', 'aa260102110405'],
    ['AA {now:unix}', `aa${Math.floor(NOW / 1000).toString(16)}`],
    ['AA {checksum} 0D', 'aa0d'],
    ["AA '' 0D  ", 'aa0d'],
  ];
  for (const [template, wanted] of rows) assert.equal(filled(framing, template), wanted, template);
  for (const [template, said] of [
    ['AA {y}', 'there is no {y}; known here: x, identity, sequence, length, checksum, now:bcd, now:unix'],
    ['AA {length}', '{length}: the description has no length'],
    ['AA 5', 'at "5": expected hex bytes, \'text\' or {name}'],
    ['AA "0123456789abcdef"', 'at ""0123456789": expected hex bytes, \'text\' or {name}'],
    ["AA 'x", "at \"'x\": expected hex bytes, 'text' or {name}"],
  ] as const) {
    assert.throws(
      () => parseTemplate(template, new Map([['x', 0]]), false),
      (error) => error instanceof TemplateError && error.en === said && error.message === said && /[一-鿿]/.test(error.zh),
      template,
    );
  }
  assert.throws(
    () => parseTemplate('AA {length}', null, false),
    (error) => error instanceof TemplateError && error.zh === '{length}：描述中没有 length',
  );
  assert.throws(
    () => parseTemplate('AA zz0123456789abcdef', null, false),
    (error) => error instanceof TemplateError && error.zh === "“zz012345678”处应为十六进制字节、'文本' 或 {名字}",
  );
});

test('a length of each kind is that of the whole frame, less what it does not count', () => {
  const of = (length: string, body = 'C1 C2') => filled(`header: "AA"\nlength: { at: 1, ${length} }\nmax: 60000`, `AA {length} ${body}`);
  const rows: [length: string, wanted: string][] = [
    ['type: u8', '04'],
    ['type: u8, plus: 2', '02'],
    ['type: u8, plus: 9', '00'],
    ['type: u8, times: 2', '02'],
    ['type: u8, times: 3', '01'],
    ['type: u16', '0005'],
    ['type: u16, order: little', '0500'],
    ['type: u24', '000006'],
    ['type: u32', '00000007'],
    ['type: u32, order: little', '07000000'],
    ['type: bcd, size: 2', '0005'],
    ['type: digits, size: 3', '303036'],
    ['type: hex-digits, size: 2', '3035'],
  ];
  for (const [length, wanted] of rows) assert.equal(of(length), `aa${wanted}c1c2`, length);
  const long = 'C1 '.repeat(300);
  for (const [length, wanted] of [
    ['type: u8', '2e'],
    ['type: u16', '012f'],
    ['type: u16, order: little', '2f01'],
    ['type: bcd, size: 2', '0303'],
    ['type: bcd, size: 1', '02'],
    ['type: digits, size: 2', '3033'],
    ['type: hex-digits, size: 3', '313330'],
  ] as const)
    assert.equal(of(length, long).slice(2, 2 + wanted.length), wanted, length);
  assert.equal(filled('header: "AA"\nlength: { at: 1, type: u8 }', 'AA {length} {length}'), 'aa0003', 'the last one has it');
});

test('a check value of each kind and order, over its range, of what is sent', () => {
  const of = (checksum: string, template = 'AA 01 02 {checksum} 0D') =>
    filled(`header: "AA"\nterminator: "0D"\nchecksum: ${checksum}`, template);
  const rows: [checksum: string, wanted: string][] = [
    ['{ type: sum8 }', 'aa0102ad0d'],
    ['{ type: sum8, from: 1 }', 'aa0102030d'],
    ['{ type: sum8, to: 2 }', 'aa0102ab0d'],
    ['{ type: sum8, to: -3 }', 'aa0102ab0d'],
    ['{ type: lrc, from: 1 }', 'aa0102fd0d'],
    ['{ type: sum16 }', 'aa010200ad0d'],
    ['{ type: sum16, order: little }', 'aa0102ad000d'],
    ['{ type: sum8, form: hex }', 'aa010241440d'],
    ['{ type: sum8, form: hex, from: 1 }', 'aa010230330d'],
    ['{ type: xor8, from: 1 }', 'aa0102030d'],
  ];
  for (const [checksum, wanted] of rows) assert.equal(of(checksum), wanted, checksum);
  assert.equal(of('{ type: crc32, from: 1 }', "AA '123456789' {checksum} 0D"), 'aa313233343536373839cbf439260d');
  assert.equal(of('{ type: crc32, from: 1, order: little }', "AA '123456789' {checksum} 0D"), 'aa3132333435363738392639f4cb0d');
  assert.equal(of('{ type: crc16-xmodem, from: 1 }', "AA '123456789' {checksum} 0D"), 'aa31323334353637383931c30d');
  assert.equal(of('{ type: sum8 }', 'AA {checksum} 01 0D'), 'aaaa010d', 'where it stands: up to itself');
});

test('what wakes a device stands before its frame and counts nowhere', () => {
  const framing = 'header: "68"\nidle: "FE 00"\nterminator: "16"\nlength: { at: 1, plus: 3 }\nchecksum: { type: sum8 }';
  assert.equal(filled(framing, 'FE FE 68 {length} 01 {checksum} 16'), 'fefe6802016b16');
  assert.equal(filled(framing, '68 {length} 01 {checksum} 16'), '6802016b16');
  assert.equal(
    filled(framing, 'FE 69 {length} 01 {checksum} 16'),
    `fe690301${((0xfe + 0x69 + 3 + 1) & 0xff).toString(16)}16`,
    'not before a header: bytes of the question',
  );
  assert.equal(
    filled(`${framing}\ntransform: { from: 2, subtract: 1 }`, 'FE 68 {length} 01 {checksum} 16'),
    'fe6802026c16',
    'it is sent as it stands',
  );
  const lead = (hex: string, text: string) => idleLength(bytesOf(hex), protocolOf(`${text}\nmessages: [{ name: m }]`));
  assert.deepEqual(
    [
      lead('FE00FE68', framing),
      lead('FEFE', framing),
      lead('6868', framing),
      lead('FE0168', framing),
      lead('FE', 'idle: FE\nterminator: "16"'),
      lead('68', 'header: "68"\nterminator: "16"'),
    ],
    [3, 0, 0, 0, 0, 0],
  );
});

test('stuffing: what has a meaning of its own is sent as two, but for the marks', () => {
  const protocol = protocolOf(
    'header: "7E"\nterminator: "7E"\nescape: { "7D 02": "7E", "7D 01": "7D" }\nchecksum: { type: xor8, from: 1 }\nmessages: [{ name: m }]',
  );
  assert.equal(stuff(bytesOf('7E 01 7E 7D 02 7E'), protocol).toString('hex'), '7e017d027d01027e');
  assert.equal(stuff(bytesOf('7E 7E'), protocol).toString('hex'), '7e7e');
  assert.equal(
    fillTemplate(parseTemplate('7E 7F 01 {checksum} 7E', null, false), protocol, FILLING).toString('hex'),
    '7e7f017d027e',
    'a check value too',
  );
  const wide = protocolOf('header: "7E 7E"\nterminator: "0D 0A"\nescape: { "7D 02": "7E", "7D 0A": "0A" }\nmessages: [{ name: m }]');
  assert.equal(stuff(bytesOf('7E7E 0A 7E 0D0A'), wide).toString('hex'), '7e7e7d0a7d020d0a');
});

test('a transform reaches from its byte to its end, on the way out and back, in neither what stands behind the body', () => {
  const of = (transform: string, more = '') =>
    protocolOf(`header: "AA"\nterminator: "0D"\nchecksum: { type: sum8 }\n${more}transform: ${transform}\nmessages: [{ name: m }]`);
  const out = (transform: string, more?: string) => applyTransform(bytesOf('AA 01 02 03 99 0D'), of(transform, more)).toString('hex');
  assert.deepEqual(
    [
      out('{ from: 1, subtract: 1 }'),
      out('{ from: 2, add: 1 }'),
      out('{ from: 1, to: 2, xor: 255 }'),
      out('{ from: 0, to: -3, add: 255 }'),
      out('{ from: 3, subtract: 255 }'),
      out('{ from: 4, xor: 1 }'),
      out('{ from: 1, xor: 1 }', 'tail: 1\n'),
    ],
    ['aa020304990d', 'aa010102990d', 'aafe0203990d', 'ab020303990d', 'aa010202990d', 'aa010203990d', 'aa000303990d'],
  );
  for (const transform of ['{ from: 1, subtract: 51 }', '{ from: 1, to: 3, add: 7 }', '{ from: 2, xor: 85 }']) {
    const protocol = of(transform);
    assert.equal(
      undoTransform(applyTransform(bytesOf('AA 01 FE 03 99 0D'), protocol), protocol).toString('hex'),
      'aa01fe03990d',
      transform,
    );
  }
});

test('the number of what we send, as the field of numbers has it', () => {
  const of =
    (field: string, more = 'header: "AA"\nterminator: "0D"\n') =>
    (number: number) =>
      Buffer.from(sequenceBytes(number, protocolOf(`${more}head: [{ name: n${field} }]\nsequence: n\nmessages: [{ name: m }]`))).toString(
        'hex',
      );
  assert.equal(of('')(0x1ff), 'ff');
  assert.equal(of(', type: u16')(258), '0102');
  assert.equal(of(', type: u16, order: little')(258), '0201');
  assert.equal(of(', type: u32')(0xffff_ffff), 'ffffffff');
  assert.equal(of(', type: u64')(258), '000000000102', 'six bytes at most');
  assert.equal(of(', type: hex, size: rest')(1), '');
  assert.equal(of('', 'header: "24"\nterminator: "0D"\nseparator: "2C"\n')(258), Buffer.from('258').toString('hex'));
  assert.equal(
    Buffer.from(sequenceBytes(1, protocolOf('header: "AA"\nfixed: 3\nhead: [{ name: n }]\nmessages: [{ name: m }]'))).length,
    0,
    'where there is none',
  );
});

test('what the edge says around a frame: an answer with the fields of it, the question of which it is the answer', () => {
  const protocol = (polls: string) =>
    protocolOf(
      `header: "AA"\nterminator: "0D"\nhead: [{ name: kind }, { name: id, type: hex, size: 1 }, { name: n }]\nidentity: id\nsequence: n\nmessages:\n  - { name: a, when: { kind: 1 }, fields: [{ name: x }], answer: "AA 81 {id} {x} {n} {sequence} {now:bcd} 0D" }\n  - { name: b, when: { kind: 2 } }\n${polls}`,
    );
  const said = (bytes: string, one: FrameProtocol) =>
    Object.fromEntries(
      Object.entries(messagesAround({ is: 'message', bytes: bytesOf(bytes), pointMap: { protocol: one, byField: null } }, NOW)).map(
        ([key, value]) => [key, Buffer.from(value as Uint8Array).toString('hex')],
      ),
    );
  const plain = protocol('');
  assert.deepEqual(said('AA 01 0B 05 07 0D', plain), { answer: 'aa810b0705012601021104050d' });
  assert.deepEqual(said('AA 02 0B 05 0D', plain), {});
  assert.deepEqual(said('AA 03 0B 05 0D', plain), {}, 'no message');
  assert.deepEqual(said('AA 01 0B 05 0D', plain), {}, 'too short for its fields');
  assert.deepEqual(said('AA 0D', plain), {});
  const asked = protocol('polls: [{ send: "AA 31 {identity} {sequence} 0D", wants: [a] }, { send: "AA 32 0D" }]');
  assert.deepEqual(said('AA 01 0B 05 07 0D', asked), { question: 'aa310b010d', answer: 'aa810b0705012601021104050d' });
  assert.deepEqual(said('AA 02 0B 05 0D', asked), {}, 'which of two is not known');
  assert.deepEqual(said('AA 02 0B 05 0D', protocol('polls: [{ send: "AA 32 0D" }]')), { question: 'aa320d' }, 'the only one');
  assert.deepEqual(messagesAround({ is: 'away', identity: 'x', address: 'y', wasConnected: false }, NOW), {});
  const head = readHeadFields(bytesOf('AA 01 0B 05 07 0D'), plain);
  assert.ok(head);
  const [message] = plain.messages;
  assert.ok(message);
  const whole = readAllFields(head, message);
  assert.deepEqual([0, 1, 3, 9].map((slot) => Buffer.from(fieldBytes(whole, slot)).toString('hex')), ['01', '0b', '07', '']);
  assert.equal(fieldBytes(null, 0).length, 0);
});
