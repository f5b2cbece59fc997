/** What the parts of a description mean for a frame: defaults, orders, names near and far, words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameCutter } from './cutter.ts';
import { decode } from './decode.ts';
import { fieldPointMap } from './frame.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { point, type ConfiguredFramePoint } from './settings.ts';
import { fillTemplate } from './template.ts';

function protocolOf(text: string): FrameProtocol {
  const loaded = readDescription('d.yaml', `version: 1\ntitle: { zh: 甲, en: a }\n${text}\n`);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function read(protocol: FrameProtocol, hex: string, ...points: Record<string, unknown>[]) {
  const plan =
    points.length === 0
      ? { protocol, byField: null }
      : fieldPointMap(
          protocol,
          points.map((one) => ({ id: String(one.id), ...point.parse(one) }) as ConfiguredFramePoint),
        );
  const decoded = decode({ is: 'message', bytes: bytesOf(hex), pointMap: plan });
  return decoded.ok ? (decoded.values ?? []).map(({ point: id, value }) => `${id} ${String(value)}`) : decoded.fault.code;
}

const fields = (spec: string, more = '') =>
  protocolOf(`header: "AA"\nterminator: "0D"\nmax: 200\n${more}messages: [{ name: m, fields: [${spec}] }]`);

test('the order of the whole goes for lengths, check values and fields, unless they say their own', () => {
  const of = (order: string, length = '', checksum = '', field = '') =>
    protocolOf(
      `${order}header: "AA"\nlength: { at: 1, type: u16, plus: 5${length} }\nchecksum: { type: crc16-modbus, from: 1${checksum} }\nmessages: [{ name: m, fields: [{ skip: 2 }, { name: x, type: u16${field} }], answer: "AA {length} 0102 {checksum}" }]`,
    );
  const frames: [protocol: FrameProtocol, wanted: string, value: number][] = [
    [of(''), 'aa00020102', 258],
    [of('order: big\n'), 'aa00020102', 258],
    [of('order: little\n'), 'aa02000102', 513],
    [of('order: little\n', ', order: big', ', order: big', ', order: big'), 'aa00020102', 258],
    [of('', ', order: little', ', order: little', ', order: little'), 'aa02000102', 513],
  ];
  const sums = frames.map(([protocol, wanted, value]) => {
    const answer = protocol.messages[0]?.answer;
    assert.ok(answer);
    const frame = fillTemplate(answer, protocol, {
      field: () => new Uint8Array(),
      identity: new Uint8Array(),
      sequence: new Uint8Array(),
      nowMs: 0,
    });
    assert.equal(frame.toString('hex', 0, 5), wanted);
    assert.deepEqual(new FrameCutter(protocol).feed(frame).map(({ is }) => is), ['frame']);
    assert.deepEqual(read(protocol, frame.toString('hex')), [`m.x ${value}`]);
    return frame.toString('hex', 5);
  });
  // CRC-16/MODBUS of 00 02 01 02 and of 02 00 01 02, high byte first and low byte first.
  assert.equal(sums[0], sums[1]);
  assert.equal(sums[3], sums[0]);
  assert.equal(sums[4], sums[2]);
  assert.notEqual(sums[2], sums[0]);
});

test('fields three repeats deep, with what decides beside, before and behind them at each depth', () => {
  const protocol = fields(
    '{ name: a }, { repeat: r1, count: 2, fields: [{ name: b }, { repeat: r2, count: 1, fields: [{ name: c }, { repeat: r3, count: 2, fields: [{ name: d }, { name: x }] }, { name: e }] }, { name: f }] }, { name: g }',
  );
  // a | b c (d x)(d x) e f | b c (d x)(d x) e f | g
  const frame = 'AA 01 10 20 31 41 32 42 50 60 11 21 31 43 33 44 51 61 09 0D';
  const found = (where: Record<string, unknown>) => read(protocol, frame, { id: 'x', read: 'm.r1.r2.r3.x', where });
  const rows: [where: Record<string, unknown>, wanted: number[]][] = [
    [{}, [0x41, 0x42, 0x43, 0x44]],
    [{ d: 0x31 }, [0x41, 0x43]],
    [{ c: 0x21 }, [0x43, 0x44]],
    [{ e: 0x50 }, [0x41, 0x42]],
    [{ b: 0x11 }, [0x43, 0x44]],
    [{ f: 0x61 }, [0x43, 0x44]],
    [{ f: 0x61, d: 0x33 }, [0x44]],
    [{ a: 1 }, [0x41, 0x42, 0x43, 0x44]],
    [{ g: 9, d: 0x32 }, [0x42]],
    [{ g: 8 }, []],
    [{ a: 2 }, []],
    [{ e: 0x50, f: 0x61 }, []],
  ];
  for (const [where, wanted] of rows)
    assert.deepEqual(
      found(where),
      wanted.map((value) => `x ${value}`),
      JSON.stringify(where),
    );
  assert.deepEqual(
    read(protocol, frame, { id: 'f', read: 'm.r1.f', where: { b: 0x11 } }, { id: 'e', read: 'm.r1.r2.e', where: { f: 0x60 } }),
    ['e 80', 'f 97'],
  );
  const timed = protocolOf(
    'header: "AA"\nterminator: "0D"\nmax: 200\nmessages: [{ name: m, time: at, fields: [{ repeat: r1, count: rest, fields: [{ repeat: r2, count: 1, fields: [{ name: x }, { name: at, type: unix }] }, { name: y }] }] }]',
  );
  const decoded = decode({
    is: 'message',
    bytes: bytesOf('AA 01 00000001 07 02 00000002 08 0D'),
    pointMap: { protocol: timed, byField: null },
  });
  assert.deepEqual(
    decoded.ok ? decoded.values?.filter(({ point: id }) => id.endsWith('.x')).map(({ value, deviceAt }) => [value, deviceAt]) : null,
    [
      [1, 1000],
      [2, 2000],
    ],
  );
});

test('repeats: a number, a field, what is left, only where a condition holds, at a place of their own', () => {
  assert.deepEqual(read(fields('{ repeat: r, count: 2, fields: [{ name: x }] }, { name: y }'), 'AA 01 02 03 0D'), [
    'm.r.x 1',
    'm.r.x 2',
    'm.y 3',
  ]);
  assert.deepEqual(read(fields('{ name: n }, { repeat: r, count: n, fields: [{ name: x }] }, { name: y }'), 'AA 01 02 03 0D'), [
    'm.n 1',
    'm.r.x 2',
    'm.y 3',
  ]);
  assert.deepEqual(read(fields('{ repeat: r, count: rest, fields: [{ name: x, type: u16 }] }'), 'AA 01 02 03 04 0D'), [
    'm.r.x 258',
    'm.r.x 772',
  ]);
  assert.equal(read(fields('{ repeat: r, count: rest, fields: [{ name: x, type: u16 }] }'), 'AA 01 02 03 0D'), 'CV_DESCRIBED_SHORT');
  assert.deepEqual(
    read(fields('{ name: n }, { repeat: r, count: 1, when: { n: 2 }, fields: [{ name: x }] }, { name: y }'), 'AA 01 02 0D'),
    ['m.n 1', 'm.y 2'],
  );
  assert.deepEqual(
    read(fields('{ name: n }, { repeat: r, count: 1, when: { n: 1 }, fields: [{ name: x }] }, { name: y }'), 'AA 01 02 03 0D'),
    ['m.n 1', 'm.r.x 2', 'm.y 3'],
  );
  assert.deepEqual(read(fields('{ repeat: r, count: 1, at: 3, fields: [{ name: x }] }'), 'AA 01 02 03 0D'), ['m.r.x 3']);
  assert.deepEqual(read(fields('{ repeat: r, count: 1, at: -4, fields: [{ name: x }] }'), 'AA 01 02 03 0D'), ['m.r.x 1']);
  assert.deepEqual(
    read(fields('{ repeat: r, count: rest, at: 4, fields: [{ name: x }] }'), 'AA 01 02 03 0D'),
    [],
    'at the end of the body there is none',
  );
  assert.equal(read(fields('{ repeat: r, count: rest, at: 5, fields: [{ name: x }] }'), 'AA 01 02 03 0D'), 'CV_DESCRIBED_SHORT');
  assert.deepEqual(
    read(fields('{ repeat: r, count: 1, fields: [{ name: x }, { name: y, at: 1 }, { name: z, at: -1 }] }'), 'AA 01 02 0D'),
    ['m.r.x 1', 'm.r.y 1', 'm.r.z 13'],
    'a field of a fixed size has a place of its own',
  );
  assert.deepEqual(read(fields('{ repeat: r, count: rest, fields: [{ name: x, type: hex, size: rest }] }'), 'AA 01 02 0D'), ['m.r.x 0102']);
});

test('fields that are there only sometimes leave their place to the next; their bits go with them', () => {
  const protocol = fields('{ name: n }, { name: x, when: { n: ">= 2" }, bits: { up: 0 } }, { name: y, when: { up: true } }, { name: z }');
  assert.deepEqual(read(protocol, 'AA 01 05 0D'), ['m.n 1', 'm.z 5']);
  assert.deepEqual(read(protocol, 'AA 02 04 05 0D'), ['m.n 2', 'm.x 4', 'm.up false', 'm.z 5']);
  assert.deepEqual(read(protocol, 'AA 02 03 06 05 0D'), ['m.n 2', 'm.x 3', 'm.up true', 'm.y 6', 'm.z 5']);
  const turns = fields(
    '{ repeat: r, count: rest, fields: [{ name: n }, { name: x, when: { n: 1 }, bits: { up: 0 } }, { name: y, when: { up: true } }] }',
  );
  assert.deepEqual(
    read(turns, 'AA 01 01 07 02 0D'),
    ['m.r.n 1', 'm.r.x 1', 'm.r.up true', 'm.r.y 7', 'm.r.n 2'],
    'nothing stays of the repetition before',
  );
});

test('words of an enumeration by number, text, hex and digits; decimals by what the protocol fixes', () => {
  const one = (field: string, hex: string) => read(fields(`{ name: x, ${field} }`), `AA ${hex} 0D`);
  const rows: [field: string, hex: string, wanted: string][] = [
    ['enum: { 0: off, 0x0A: ten }', '0A', 'ten'],
    ['enum: { "010": ten }', '0A', 'ten'],
    ['type: i8, enum: { -1: back }', 'FF', 'back'],
    ['type: ascii, size: 2, enum: { "01": one, OK: fine }', '3031', 'one'],
    ['type: ascii, size: 2, enum: { OK: fine }', '4F4B', 'fine'],
    ['type: ascii, size: 1, enum: { "": none }', '20', 'none'],
    ['type: hex, size: 1, enum: { ab: found }', 'AB', 'found'],
    ['type: bcd, size: 2, enum: { "0012": dozen }', '0012', 'dozen'],
    ['type: gbk, size: 2, enum: { 度: degree }', 'B6C8', 'degree'],
    ['type: number-text, size: 2, enum: { 1: one }', '3120', 'one'],
    ['type: u64, enum: { "18446744073709551615": all }', 'FFFFFFFFFFFFFFFF', 'null'],
    ['type: u16, scale: 0.001', '0001', '0.001'],
    ['type: u16, scale: 0.1', '0003', '0.3'],
    ['type: u16, scale: 0.07', '0003', '0.21'],
    ['type: u16, scale: 0.1, offset: 0.02', '0001', '0.12'],
    ['type: u16, scale: 1e-3', '0007', '0.007'],
    ['type: u16, scale: 2.5e-7', '0003', '7.5e-7'],
    ['type: u16, offset: -100', '0001', '-99'],
    ['type: u16, scale: 3', '0002', '6'],
    ['type: i16, scale: 0.1', '0000', '0'],
    ['type: u32, scale: 0.0000001', '00000003', '3e-7'],
  ];
  for (const [field, hex, wanted] of rows) assert.deepEqual(one(field, hex), [`m.x ${wanted}`], `${field} ${hex}`);
});

test('bits of signed and wide numbers, one or several, in either order of their ends', () => {
  const one = (field: string, hex: string) => read(fields(`{ name: x, ${field} }`), `AA ${hex} 0D`).slice(1);
  assert.deepEqual(one('type: i8, bits: { sign: 7, low: 0-3, turned: 3-0 }', 'F5'), ['m.sign true', 'm.low 5', 'm.turned 5']);
  assert.deepEqual(one('type: i64, bits: { top: 63, next: 62, wide: 0-52 }', '8000000000000001'), [
    'm.top true',
    'm.next false',
    'm.wide 1',
  ]);
  assert.deepEqual(one('type: u16, order: little, bits: { a: 8, b: 0 }', '0001'), ['m.a true', 'm.b false']);
  assert.deepEqual(one('bits: { one: 4-4, truth: 4 }', '10'), ['m.one 1', 'm.truth true'], 'a stretch of one is a number');
});

test('what is none by the protocol: of numbers, texts and digits, as they read or in hex', () => {
  const isNone = (field: string, hex: string) => {
    const decoded = decode({
      is: 'message',
      bytes: bytesOf(`AA ${hex} 0D`),
      pointMap: { protocol: fields(`{ name: x, ${field} }`), byField: null },
    });
    return decoded.ok && decoded.values?.[0]?.value === null && decoded.values[0].flags?.[0] === 'fault-code';
  };
  const rows: [field: string, hex: string, wanted: boolean][] = [
    ['invalid: [255]', 'FF', true],
    ['invalid: [0xFF]', 'FE', false],
    ['type: i16, invalid: [-32768]', '8000', true],
    ['type: ascii, size: 2, invalid: ["--"]', '2D2D', true],
    ['type: ascii, size: 2, invalid: ["--"]', '2D2E', false],
    ['type: hex, size: 1, invalid: ["FF"]', 'FF', true],
    ['type: bcd, size: 2, invalid: ["ffff"]', 'FFFF', true],
    ['type: bcd, size: 2, invalid: ["FFFF"]', 'FFFE', false],
    ['type: bcd, size: 2, invalid: [12]', '0012', true],
    ['type: bcd, size: 2, invalid: ["0012"]', '0012', true],
    ['type: bcd, size: 2, invalid: [12]', '0112', false],
    ['type: bcd, size: 2, order: little, invalid: ["EEFF"]', 'FFEE', true],
    ['type: number-text, size: 2, invalid: [99]', '3939', true],
    ['type: number-text, size: 2, invalid: ["--"]', '2D2D', false],
  ];
  for (const [field, hex, wanted] of rows) assert.equal(isNone(field, hex), wanted, `${field} ${hex}`);
});

test('a size by a field is a whole number above nothing, or the frame is another', () => {
  const sized = (first: string) => fields(`{ name: n, ${first} }, { name: x, type: hex, size: n }`);
  assert.deepEqual(read(sized('type: u8'), 'AA 01 07 0D'), ['m.n 1', 'm.x 07']);
  assert.deepEqual(read(sized('type: u8'), 'AA 00 0D'), ['m.n 0', 'm.x ']);
  assert.equal(read(sized('type: i8'), 'AA FF 07 0D'), 'CV_DESCRIBED_SHORT');
  assert.equal(read(sized('type: u8, scale: 0.5'), 'AA 01 07 0D'), 'CV_DESCRIBED_SHORT');
  assert.equal(read(sized('type: ascii, size: 1'), 'AA 31 07 0D'), 'CV_DESCRIBED_SHORT', 'a text has no size');
  assert.equal(read(sized('type: bcd, size: 1'), 'AA 1A 07 0D'), 'CV_DESCRIBED_SHORT');
  assert.deepEqual(read(fields('{ name: x, type: hex, size: rest }, { name: y, type: hex, size: rest }'), 'AA 01 0D'), ['m.x 01', 'm.y ']);
});

test('digits of BCD are a number up to fifteen of them, and beside a point they are written with their zeros or without', () => {
  const protocol = (size: number) => fields(`{ name: id, type: bcd, size: ${size} }, { name: x }`);
  const found = (size: number, hex: string, id: unknown) =>
    (read(protocol(size), `AA ${hex} 07 0D`, { id: 'x', read: 'm.x', where: { id } }) as string[]).length === 1;
  for (const [size, hex, id, wanted] of [
    [2, '0061', '0061', true],
    [2, '0061', 61, true],
    [2, '0061', '61', true],
    [2, '0061', '610', false],
    [2, '0061', 'x', false],
    [8, '0123456789012345', '0123456789012345', true],
    [8, '0123456789012345', '123456789012345', false],
    [8, '1234567890123456', '1234567890123456', true],
    [7, '12345678901234', '12345678901234', true],
  ] as const)
    assert.equal(found(size, hex, id), wanted, `${hex} ${id}`);
});

test('hex digits that YAML made a number of are told with how many are wanted', () => {
  const told = (size: number | string, wanted: string) =>
    readDescription(
      'd.yaml',
      `version: 1\ntitle: { zh: 甲, en: a }\nheader: "AA"\nterminator: "0D"\nhead: [{ name: id, type: hex, size: ${size} }]\nmessages: [{ name: m, when: { id: ${wanted} } }]`,
    ).faults.map(({ params }) => `${params.problem}|${params.problemZh}`);
  assert.deepEqual(told(1, '7'), ['7: hex digits must be quoted, 2 of them, such as "90"|7：十六进制须加引号，共 2 位，如 "90"']);
  assert.deepEqual(told(4, '"0001"'), [
    '0001: hex digits must be quoted, 8 of them, such as "901F901F"|0001：十六进制须加引号，共 8 位，如 "901F901F"',
  ]);
  assert.deepEqual(told('rest', '12'), [
    '12: hex digits must be quoted, two per byte, such as "901F"|12：十六进制须加引号，每字节两位，如 "901F"',
  ]);
  for (const [size, wanted] of [
    [1, '12'],
    [1, '"0A"'],
    [1, '"0a"'],
    [2, '[1234, "00AB"]'],
    ['rest', '"0A0B0C"'],
    [1, '"!= 0A"'],
  ] as const)
    assert.deepEqual(told(size, wanted), [], wanted);
  for (const [size, wanted] of [
    [1, '"0G"'],
    [1, '"ABC"'],
    ['rest', '"ABC"'],
    [1, 'true'],
  ] as const)
    assert.equal(told(size, wanted).length, 1, wanted);
});
