/** What a frame gives, in full: values with all that goes with them, and each fault with what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { jsonSchemaOf } from '../../core/json-schema.ts';
import { decode } from './decode.ts';
import { PROTOCOL_DESCRIPTION } from './description.ts';
import { readableFields, fieldPointMap, type FieldPointMap } from './frame.ts';
import { frameReader } from './frame-reader.ts';
import { encodeIdentity, readIdentity } from './identity.ts';
import { loadDescription, readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { matchMessage, readHeadFields } from './read-fields.ts';
import { point, settings, type ConfiguredFramePoint } from './settings.ts';
import { crowdBody, terminalFrame, stateBody, tagsBody } from './testing/terminal.ts';

const TERMINAL = loadDescription('shipped:compound-terminal').protocol as FrameProtocol;
const ID = '500112000017';

function protocolOf(text: string): FrameProtocol {
  const loaded = readDescription('d.yaml', `version: 1\ntitle: { zh: 甲, en: a }\n${text}\n`);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const all = (protocol: FrameProtocol, hex: string) => decode({ is: 'message', bytes: bytesOf(hex), pointMap: { protocol, byField: null } });
const read = (protocol: FrameProtocol, bytes: Uint8Array, ...points: Record<string, unknown>[]) =>
  decode({
    is: 'message',
    bytes,
    pointMap: fieldPointMap(
      protocol,
      points.map((one) => ({ id: String(one.id), ...point.parse(one) }) as ConfiguredFramePoint),
    ),
  });

test('what a device does not say is said in full: away, gone, silent once and twice', () => {
  assert.deepEqual(decode({ is: 'away', identity: 'A1', address: '0.0.0.0:7600', wasConnected: false }), {
    ok: false,
    fault: { code: 'CV_DESCRIBED_ABSENT', params: { identity: 'A1', address: '0.0.0.0:7600' } },
    isAway: true,
  });
  assert.deepEqual(decode({ is: 'away', identity: 'A1', address: '0.0.0.0:7600', wasConnected: true }), {
    ok: false,
    fault: { code: 'CV_DESCRIBED_LEFT', params: { identity: 'A1', address: '0.0.0.0:7600' } },
    isAway: true,
  });
  const silent = (count: number) => decode({ is: 'silent', address: 'x', timeoutMs: 500, count, points: ['p'] });
  assert.deepEqual(silent(1), {
    ok: false,
    fault: { code: 'CV_DESCRIBED_SILENT', params: { address: 'x', timeoutMs: 500 } },
    points: ['p'],
  });
  assert.deepEqual(silent(2), {
    ok: false,
    fault: { code: 'CV_DESCRIBED_SILENT', params: { address: 'x', timeoutMs: 500 } },
    points: ['p'],
    isAway: true,
  });
});

test('each fault of a frame shows its first 24 bytes; a whole message may confirm all or says only what it has', () => {
  const protocol = protocolOf(
    'header: "AA"\nterminator: "0D"\nmax: 99\nhead: [{ name: kind }, { name: id, type: u16 }]\nmessages: [{ name: m, when: { kind: 1 }, fields: [{ name: x }] }, { name: alive, when: { kind: 2 }, confirms: true }]',
  );
  const rest = '00'.repeat(30);
  assert.deepEqual(all(protocol, `AA 03 0001 ${rest} 0D`), {
    ok: false,
    fault: { code: 'CV_DESCRIBED_MESSAGE', params: { bytes: `aa030001${'00'.repeat(20)}` } },
  });
  assert.deepEqual(all(protocol, 'AA 03 00 0D'), {
    ok: false,
    fault: { code: 'CV_DESCRIBED_SHORT', params: { field: 'head', bytes: 'aa03000d' } },
  });
  assert.deepEqual(all(protocol, 'AA 01 0001 0D'), {
    ok: false,
    fault: { code: 'CV_DESCRIBED_SHORT', params: { field: 'm.x', bytes: 'aa0100010d' } },
  });
  assert.deepEqual(all(protocol, 'AA 02 0001 0D'), {
    ok: true,
    values: [
      { point: 'alive.kind', value: 2 },
      { point: 'alive.id', value: 1 },
    ],
  });
  assert.deepEqual(all(protocol, 'AA 01 0001 07 0D'), {
    ok: true,
    values: [
      { point: 'm.kind', value: 1 },
      { point: 'm.id', value: 1 },
      { point: 'm.x', value: 7 },
    ],
    isPartial: true,
  });
  const bad = terminalFrame(ID, 1, 4, stateBody('260101080000', 20, 40, 12_345, 1, 0));
  bad[20] = 0;
  assert.deepEqual(read(TERMINAL, bad), {
    ok: false,
    fault: { code: 'CV_FRAME_CHECKSUM', params: { detail: bad.toString('hex', 0, 24), detailZh: bad.toString('hex', 0, 24) } },
  });
});

test('a value that is bad says why: no value by the protocol, or what is none of its type', () => {
  const protocol = protocolOf(
    'header: "AA"\nfixed: 4\nhead: [{ name: kind, type: bcd, size: 1, invalid: ["EE"] }]\nmessages: [{ name: m, fields: [{ name: x, type: bcd, size: 1, invalid: ["FF", 7], unit: V }, { name: y, bits: { up: 0, mode: 1-2 }, invalid: [255] }] }]',
  );
  const fault = (name: string) => ({
    point: name,
    value: null,
    quality: 'bad',
    flags: ['sensor'],
    fault: { code: 'CV_DESCRIBED_VALUE', params: { point: name, field: name } },
  });
  const none = (name: string) => ({ point: name, value: null, quality: 'bad', flags: ['fault-code'] });
  assert.deepEqual(all(protocol, 'AA 01 12 05'), {
    ok: true,
    values: [
      { point: 'm.kind', value: 1 },
      { point: 'm.x', value: 12, unit: 'V' },
      { point: 'm.y', value: 5 },
      { point: 'm.up', value: true },
      { point: 'm.mode', value: 2 },
    ],
    isPartial: true,
  });
  assert.deepEqual(all(protocol, 'AA 1A FF 00').ok && (all(protocol, 'AA 02 FA 02') as { values: unknown[] }).values, [
    { point: 'm.kind', value: 2 },
    fault('m.x'),
    { point: 'm.y', value: 2 },
    { point: 'm.up', value: false },
    { point: 'm.mode', value: 1 },
  ]);
  const bits = (name: string) => ({ ...fault(name), point: name });
  assert.deepEqual((all(protocol, 'AA EE 07 FF') as { values: unknown[] }).values, [
    none('m.kind'),
    none('m.x'),
    none('m.y'),
    bits('m.up'),
    bits('m.mode'),
  ]);
});

test('times and windows: of the message, of a repetition; without a time that can be read a value stands nowhere', () => {
  const at = Date.UTC(2026, 0, 1);
  const bad = (id: string) => ({
    point: id,
    value: null,
    quality: 'bad',
    flags: ['device'],
    fault: { code: 'CV_DESCRIBED_TIME', params: { point: id } },
  });
  const timeless = read(TERMINAL, terminalFrame(ID, 1, 4, stateBody('261301080000', 20, 40, 12_345, 1, 0)), {
    id: 't',
    read: 'state.temperature',
  });
  assert.deepEqual(timeless, { ok: true, values: [{ ...bad('t'), unit: 'Cel' }], isPartial: true });
  const windowed = read(
    TERMINAL,
    terminalFrame(ID, 1, 3, crowdBody('260101080000', 12, 3)),
    { id: 'c', read: 'crowd.devices' },
    { id: 'd', read: 'crowd.until' },
  );
  const window = { fromAt: at - 300_000, toAt: at, count: 0 };
  assert.deepEqual(windowed, {
    ok: true,
    values: [
      { point: 'd', value: at, deviceAt: at, window },
      { point: 'c', value: 12, unit: '{device}', deviceAt: at, window },
    ],
    isPartial: true,
  });
  const own = read(
    TERMINAL,
    terminalFrame(
      ID,
      1,
      2,
      tagsBody([
        ['260101080000', 2, -61, 'ABCD'],
        ['261301080000', 0, 5, 'EF'],
      ]),
    ),
    { id: 'e', read: 'tags.reads.epc' },
    { id: 'n', read: 'tags.count' },
  );
  assert.deepEqual(
    own,
    {
      ok: true,
      values: [
        { ...bad('n') },
        { point: 'e', value: 'ABCD', deviceAt: at, evidence: [{ kind: 'tag', epc: 'ABCD', antenna: 2, rssiDbm: -61 }] },
        { ...bad('e'), evidence: [{ kind: 'tag', epc: 'EF', antenna: 0, rssiDbm: 5 }] },
      ],
      isPartial: true,
    },
    'a value outside has the time of the last repetition, which is none',
  );
  const live = protocolOf('header: "AA"\nfixed: 3\nmessages: [{ name: m, history: { kind: 1 }, fields: [{ name: kind }, { name: x }] }]');
  assert.deepEqual(
    [all(live, 'AA 01 02'), all(live, 'AA 00 02')].map((one) => (one.ok ? one.values?.map(({ origin }) => origin) : null)),
    [
      ['backfill', 'backfill'],
      [undefined, undefined],
    ],
  );
});

test('tags go along with what was said of them, and only what can be', () => {
  const protocol = protocolOf(
    'header: "AA"\nterminator: "0D"\nmessages: [{ name: m, fields: [{ repeat: g, count: rest, tag: { epc: epc, antenna: antenna, rssiDbm: rssi, count: seen }, fields: [{ name: epc, type: hex, size: 1 }, { name: antenna, type: i8 }, { name: rssi, type: i8 }, { name: seen, type: i8 }] }] }]',
  );
  const evidence = (hex: string) => {
    const decoded = all(protocol, `AA ${hex} 0D`);
    return decoded.ok ? decoded.values?.[0]?.evidence : null;
  };
  assert.deepEqual(evidence('AB 01 C4 02'), [{ kind: 'tag', epc: 'AB', antenna: 1, rssiDbm: -60, count: 2 }]);
  assert.deepEqual(evidence('AB 00 00 00'), [{ kind: 'tag', epc: 'AB', antenna: 0, rssiDbm: 0, count: 0 }]);
  assert.deepEqual(evidence('AB FF FF FF'), [{ kind: 'tag', epc: 'AB', rssiDbm: -1 }]);
  const text = protocolOf(
    'header: "AA"\nterminator: "0D"\nmessages: [{ name: m, fields: [{ repeat: g, count: rest, tag: { epc: epc }, fields: [{ name: epc, type: ascii, size: 2 }] }] }]',
  );
  const written = (epc: string) => {
    const decoded = all(text, `AA ${Buffer.from(epc).toString('hex')} 0D`);
    return decoded.ok ? decoded.values?.[0]?.evidence : null;
  };
  assert.deepEqual(
    [written('AB'), written('A '), written('XY'), written('  ')],
    [[{ kind: 'tag', epc: 'AB' }], [{ kind: 'tag', epc: 'A' }], undefined, undefined],
  );
});

test('a report of twenty thousand values is one, a value more is none', () => {
  const protocol = protocolOf(
    'header: "AA"\nterminator: "0D"\nmax: 65535\nmessages: [{ name: m, fields: [{ repeat: g, count: rest, fields: [{ name: v }] }] }]',
  );
  const of = (count: number) => all(protocol, `AA ${'01'.repeat(count)} 0D`);
  assert.equal((of(20_000) as { values: unknown[] }).values.length, 20_000);
  assert.deepEqual((of(20_001) as { fault: { params: unknown } }).fault.params, { field: 'g', bytes: `aa${'01'.repeat(23)}` });
});

test('a point takes what is so beside it: of text, number, truth and digits; what is not there is not so', () => {
  const protocol = protocolOf(
    'header: "AA"\nterminator: "0D"\nhead: [{ name: kind }]\nmessages: [{ name: m, fields: [{ name: side, type: ascii, size: 1 }, { name: flags, bits: { up: 0 } }, { name: more, when: { kind: 9 } }, { name: x }] }]',
  );
  const found = (where: Record<string, unknown>) =>
    (
      read(protocol, bytesOf('AA 02 41 01 07 0D'), { id: 'p', read: 'm.x', where }, { id: 'q', read: 'm.x' }) as {
        values: { point: string }[];
      }
    ).values
      .map(({ point: id }) => id)
      .join('');
  for (const [where, wanted] of [
    [{ side: 'A' }, 'pq'],
    [{ side: 'B' }, 'q'],
    [{ up: true }, 'pq'],
    [{ up: 'true' }, 'pq'],
    [{ up: false }, 'q'],
    [{ kind: 2 }, 'pq'],
    [{ kind: 2, side: 'A' }, 'pq'],
    [{ kind: 2, side: 'B' }, 'q'],
    [{ more: 1 }, 'q'],
    [{ nothing: 1 }, 'q'],
  ] as const)
    assert.equal(found(where), wanted, JSON.stringify(where));
});

test('what a description gives to points: unit, kind, indicator, whether text, of heads, bits and repeats', () => {
  const protocol = protocolOf(
    'header: "AA"\nterminator: "0D"\nhead: [{ name: kind, unit: V }, { skip: 1 }, { name: about, bits: { old: 0 } }]\nmessages:\n  - name: m\n    fields: [{ name: a, type: ascii, size: 1 }, { name: w, enum: { 1: on } }, { name: n, unit: A, kind: state, indicator: ST-EQP-901 }, { repeat: g, count: 1, tag: { epc: e }, fields: [{ name: e, type: hex, size: 1 }, { name: k, kind: measurement, bits: { b: 0 } }] }]\n  - { name: other, when: { kind: 1 } }',
  );
  assert.deepEqual(
    [...readableFields(protocol)].map(([name, one]) => [name, one.unit, one.kind, one.indicator, one.isText, one.isTag]),
    [
      ['m.kind', 'V', null, null, false, false],
      ['m.about', null, null, null, false, false],
      ['m.old', null, 'state', null, true, false],
      ['m.a', null, null, null, true, false],
      ['m.w', null, null, null, true, false],
      ['m.n', 'A', 'state', 'ST-EQP-901', false, false],
      ['m.g.e', null, 'occurrence', null, true, true],
      ['m.g.k', null, 'measurement', null, false, true],
      ['m.g.b', null, 'state', null, true, false],
      ['other.kind', 'V', null, null, false, false],
      ['other.about', null, null, null, false, false],
      ['other.old', null, 'state', null, true, false],
    ],
  );
  const [a, b] = [
    fieldPointMap(protocol, [
      { id: 'p', read: 'm.n', where: { kind: 1 } },
      { id: 'q', read: 'm.n', where: {} },
    ] as ConfiguredFramePoint[]).byField?.get('m.n'),
    readableFields(protocol).get('m.g.e')?.names,
  ];
  assert.deepEqual(a, [
    { id: 'p', where: [['kind', '1']] },
    { id: 'q', where: [] },
  ]);
  assert.deepEqual([...(b?.keys() ?? [])].toSorted(), ['a', 'about', 'b', 'e', 'k', 'kind', 'n', 'old', 'w'].toSorted());
});

test('an identity as text and back as bytes, of each type; what does not fit stands nowhere', () => {
  const of = (field: string, more = '') =>
    protocolOf(`header: "AA"\nterminator: "0D"\n${more}head: [{ name: id, ${field} }]\nidentity: id\nmessages: [{ name: m }]`);
  const rows: [field: string, hex: string, text: string][] = [
    ['type: bcd, size: 3', '001234', '001234'],
    ['type: bcd, size: 3, order: little', '341200', '001234'],
    ['type: hex, size: 2', 'ab01', 'AB01'],
    ['type: hex, size: 2, order: little', '01ab', 'AB01'],
    ['type: u8', '07', '7'],
    ['type: u32', '00000102', '258'],
    ['type: u32, order: little', '02010000', '258'],
    ['type: i16', '0102', '258'],
    ['type: ascii, size: 4', '41420000', 'AB'],
    ['type: ascii, size: 2', '4142', 'AB'],
  ];
  for (const [field, hex, text] of rows) {
    const protocol = of(field);
    const head = readHeadFields(bytesOf(`AA${hex}0D`), protocol);
    assert.ok(head);
    assert.equal(readIdentity(head, protocol), text, field);
    assert.equal(encodeIdentity(text, protocol)?.toString('hex'), hex, field);
  }
  for (const [field, text] of [
    ['type: bcd, size: 3', '1234'],
    ['type: bcd, size: 3', '00123A'],
    ['type: bcd, size: 3', '0012345'],
    ['type: hex, size: 2', 'AB0'],
    ['type: hex, size: 2', 'AB0G'],
    ['type: u8', '256'],
    ['type: u8', '-1'],
    ['type: u8', 'x'],
    ['type: ascii, size: 2', 'ABC'],
    ['type: hex, size: rest', 'AB'],
    ['type: f32', '1'],
  ] as const)
    assert.equal(encodeIdentity(text, of(field)), null, `${field} ${text}`);
  assert.equal(encodeIdentity('a', protocolOf('header: "AA"\nfixed: 3\nmessages: [{ name: m }]')), null);
  const nobody = protocolOf(
    'header: "AA"\nfixed: 3\nhead: [{ name: kind }, { name: id, when: { kind: 1 } }]\nidentity: id\nmessages: [{ name: m }]',
  );
  const head = (hex: string) => {
    const one = readHeadFields(bytesOf(hex), nobody);
    assert.ok(one);
    return readIdentity(one, nobody);
  };
  assert.deepEqual([head('AA0105'), head('AA0205')], ['5', '']);
  const plain = protocolOf('header: "AA"\nfixed: 3\nhead: [{ name: kind }]\nmessages: [{ name: m }]');
  assert.equal(readIdentity(readHeadFields(bytesOf('AA0105'), plain) as NonNullable<ReturnType<typeof readHeadFields>>, plain), '');
  assert.equal(matchMessage(readHeadFields(bytesOf('AA0105'), plain) as NonNullable<ReturnType<typeof readHeadFields>>, plain)?.name, 'm');
});

test('conditions: equal, among, unequal, and each comparison at its edge; a field that is not there fits none', () => {
  const of = (when: string, kind: number) => {
    const protocol = protocolOf(
      `header: "AA"\nfixed: 4\nhead: [{ name: kind }, { name: more, when: { kind: 5 } }]\nmessages: [{ name: m, when: ${when} }, { name: other }]`,
    );
    const head = readHeadFields(bytesOf(`AA${kind.toString(16).padStart(2, '0')}0303`), protocol);
    return head && matchMessage(head, protocol)?.name === 'm';
  };
  const rows: [when: string, fits: number[]][] = [
    ['{ kind: 3 }', [3]],
    ['{ kind: [2, 4] }', [2, 4]],
    ['{ kind: ">= 3" }', [3, 4, 5]],
    ['{ kind: "> 3" }', [4, 5]],
    ['{ kind: "<= 3" }', [1, 2, 3]],
    ['{ kind: "< 3" }', [1, 2]],
    ['{ kind: "!= 3" }', [1, 2, 4, 5]],
    ['{ kind: ">= 2", more: 3 }', [5]],
    ['{ more: "!= 7" }', [5]],
    ['{ more: ">= 0" }', [5]],
    ['{}', [1, 2, 3, 4, 5]],
  ];
  for (const [when, fits] of rows) assert.deepEqual([1, 2, 3, 4, 5].filter((kind) => of(when, kind)), fits, when);
});

test('numbers at their edges: signs, wide integers, decimals, digits that are none', () => {
  const value = (field: string, hex: string) => {
    const decoded = all(
      protocolOf(`header: "AA"\nterminator: "0D"\nmessages: [{ name: m, fields: [{ name: x, ${field} }] }]`),
      `AA${hex}0D`,
    );
    return decoded.ok ? decoded.values?.[0]?.value : decoded.fault.code;
  };
  const rows: [field: string, hex: string, wanted: unknown][] = [
    ['type: u64', '001fffffffffffff', 2 ** 53 - 1],
    ['type: u64', '0020000000000000', 2 ** 53],
    ['type: i64', 'ffe0000000000001', -(2 ** 53 - 1)],
    ['type: i64, order: little', 'feffffffffffffff', -2],
    ['type: i8', '80', -128],
    ['type: i24, order: little', '0000ff', -65_536],
    ['type: i32, order: little', '00000080', -(2 ** 31)],
    ['type: u16, scale: 0.01', '0001', 0.01],
    ['type: u16, scale: 0.1, offset: 0.25', '0001', 0.35],
    ['type: u16, scale: 2', '0003', 6],
    ['type: u16, scale: 1e-7', '0003', 3e-7],
    ['type: f32, scale: 0.1', '3f800000', 0.1],
    ['type: f64, order: little', '000000000000f03f', 1],
    ['type: f64', '7ff0000000000000', null],
    ['type: bcd, size: 8', '0123456789012345', '0123456789012345'],
    ['type: bcd, size: 8', '1234567890123456', '1234567890123456'],
    ['type: number-text, size: 3', '2e3520', 0.5],
    ['type: number-text, size: 3', '316533', 1000],
    ['type: number-text, size: 3', '2b2e20', null],
    ['type: number-text, size: 3', '312e20', 1],
    ['type: number-text, size: 4', '31653939', 1e99],
    ['type: number-text, size: 5', '3165393939', null],
    ['type: ascii, size: 4', '20410020', 'A'],
    ['type: ascii, size: 2', '0000', ''],
    ['type: unix, order: little', '01000000', 1000],
    ['type: unix-ms', '0000000000000001', 1],
    ['type: unix-ms, order: little', '0100000000000000', 1],
    ['type: bcd-time, size: 5', '2601010800', Date.UTC(2026, 0, 1)],
    ['type: bcd-time', '240229080000', Date.UTC(2024, 1, 29)],
    ['type: bcd-time', '250229080000', null],
    ['type: bcd-time', '260101240000', null],
    ['type: bcd-time', '260101086000', null],
    ['type: bcd-time', '260101080060', null],
    ['type: bcd-time', '260101080059', Date.UTC(2026, 0, 1, 0, 0, 59)],
    ['type: bcd-time', '26010a080000', null],
    ['type: bcd-time', '260001080000', null],
    ['type: bytes-time', '1a01010800ff', null],
    ['type: bytes-time, order: little', '3b0008 01011a'.replaceAll(' ', ''), Date.UTC(2026, 0, 1, 0, 0, 59)],
    ['type: bcd-time, order: little', '000008010126', Date.UTC(2026, 0, 1)],
    ['type: u8, enum: { "1": on }, invalid: [1]', '01', null],
    ['type: bcd, size: 1, enum: { 1: one }', '01', 'one'],
    ['type: u64, bits: { top: 63, low: 0-52 }', '8000000000000003', 2 ** 63 + 3],
  ];
  for (const [field, hex, wanted] of rows) assert.ok(Object.is(value(field, hex), wanted), `${field} ${hex}: ${String(value(field, hex))}`);
});

test('from bytes to frames on the command line: each that is none with its reason, without a description the best of those that come along', () => {
  const own = settings.parse({ description: 'shipped:compound-terminal', listen: '127.0.0.1:1' });
  const whole = terminalFrame(ID, 1, 4, stateBody('260101080000', 20, 40, 12_345, 1, 0));
  const bad = Buffer.from(whole);
  bad[20] = 0;
  const shown = (...input: Parameters<typeof frameReader.read>) =>
    frameReader
      .read(...input)
      .map(({ frame, fault }) =>
        frame
          ? `${frame.is} ${(frame as { pointMap: FieldPointMap }).pointMap.protocol.title.en}`
          : `${fault.code} ${String(fault.params.detail)}|${String(fault.params.detailZh)}`,
      );
  assert.deepEqual(shown([whole, bad, Buffer.from([1, 2]), whole.subarray(0, 20)], [], own), [
    'message Compound RFID terminal',
    `CV_FRAME_CHECKSUM ${bad.toString('hex', 0, 24)}|undefined`,
    `CV_FRAME_INVALID ${Buffer.concat([bad.subarray(2), Buffer.from([1, 2])]).toString('hex', 0, 24)}|undefined`,
    `CV_FRAME_LENGTH a frame cut short after 20 bytes: ${whole.toString('hex', 0, 20)}|帧不完整，只有 20 字节：${whole.toString('hex', 0, 20)}`,
  ]);
  assert.deepEqual(shown([], [], own), ['CV_FRAME_INVALID no whole frame of this description|没有此描述的完整帧']);
  assert.deepEqual(shown([Buffer.from([1])], [], undefined), [
    'CV_FRAME_INVALID no frame of a shipped description; give yours with --settings|不是任何自带描述的帧；请用 --settings 指定描述',
  ]);
  assert.deepEqual(shown([Buffer.from('\x0201+0012.50S7E\r', 'latin1'), whole], [], undefined).at(-1), 'message Compound RFID terminal');
  assert.deepEqual(
    frameReader.read([whole], [], { ...own, description: '/nowhere.yaml' }).map(({ fault }) => fault?.code),
    ['CV_DESCRIBED_FILE'],
  );
  const [wanted] = frameReader.read([whole], [{ id: 't', read: 'state.temperature', where: {} }], own);
  const decoded = wanted?.frame ? decode(wanted.frame) : null;
  assert.deepEqual(decoded?.ok ? decoded.values?.map(({ point: id, bytes }) => [id, bytes]) : null, [['t', { at: 19, hex: '00c8' }]]);
});

test('what a description may say is what its published schema says', () => {
  const published = JSON.parse(
    readFileSync(new URL('../../docs/schemas/frame-description.schema.json', import.meta.url), 'utf8'),
  ) as Record<string, unknown>;
  const limits = (schema: unknown): string[] => {
    const found: string[] = [];
    const visit = (one: unknown, path: string): void => {
      if (one === null || typeof one !== 'object') return;
      for (const [key, value] of Object.entries(one)) {
        if (['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'default'].includes(key) && typeof value !== 'object')
          found.push(`${path}.${key} ${String(value)}`);
        visit(value, `${path}.${key}`);
      }
    };
    visit(schema, '');
    return found.filter((line) => !line.includes('default')).map((line) => line.replace(/^.*\.(\w+) /, '$1 ')).toSorted();
  };
  const now = limits(jsonSchemaOf(PROTOCOL_DESCRIPTION, { io: 'input' }));
  assert.deepEqual(now, limits(published));
});
