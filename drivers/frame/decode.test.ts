import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { fieldPointMap } from './frame.ts';
import { loadDescription, readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { point, type ConfiguredFramePoint } from './settings.ts';
import { crowdBody, terminalFrame, stateBody, tagsBody } from './testing/terminal.ts';

const TERMINAL = loadDescription('shipped:compound-terminal').protocol as FrameProtocol;
const ID = '500112000017';

function read(protocol: FrameProtocol, bytes: Uint8Array, points?: Record<string, unknown>[]) {
  const plan = points
    ? fieldPointMap(
        protocol,
        points.map((one) => ({ id: String(one.id), ...point.parse(one) }) as ConfiguredFramePoint),
      )
    : { protocol, byField: null };
  const decoded = decode({ is: 'message', bytes, pointMap: plan });
  return decoded.ok ? decoded.values ?? [] : decoded.fault.code;
}

/** Fields of one frame, without framing: header 00, fixed length. */
function described(fields: string, bytes: number, order = 'big'): FrameProtocol {
  const loaded = readDescription(
    't.yaml',
    `version: 1\ntitle: { zh: 甲, en: a }\norder: ${order}\nheader: "00"\nfixed: ${bytes + 1}\nmessages:\n  - name: m\n    fields:\n${fields
      .split('\n')
      .map((line) => `      ${line}`)
      .join('\n')}\n`,
  );
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

const one = (field: string, hex: string, order?: string) => {
  const values = read(described(`- { name: x, ${field} }`, hex.length / 2, order), Buffer.from(`00${hex}`, 'hex'));
  return typeof values === 'string' ? values : values[0]?.value;
};

test('each type gives its value', () => {
  const at = Date.UTC(2026, 0, 2, 3, 4, 5) - 8 * 3_600_000;
  const rows: [field: string, hex: string, wanted: unknown, order?: string][] = [
    ['type: u8', 'ff', 255],
    ['type: i8', 'ff', -1],
    ['type: u16', '0102', 258],
    ['type: u16', '0102', 513, 'little'],
    ['type: i16, order: little', 'feff', -2],
    ['type: u24', '010203', 66_051],
    ['type: i24', 'ffffff', -1],
    ['type: u32', 'ffffffff', 4_294_967_295],
    ['type: i32', 'ffffffff', -1],
    ['type: u64', '0000000100000000', 4_294_967_296],
    ['type: i64', 'ffffffffffffffff', -1],
    ['type: f32', '41200000', 10],
    ['type: f64', '4024000000000000', 10],
    ['type: f32', '7fc00000', null],
    ['type: bcd, size: 3', '012345', 12_345],
    ['type: bcd, size: 3', '452301', 12_345, 'little'],
    ['type: bcd, size: 1', '1a', null],
    ['type: bcd, size: 2, scale: 0.01', '0315', 3.15],
    ['type: ascii, size: 4', '41420000', 'AB'],
    ['type: gbk, size: 4', 'd6d8c7ec', '重庆'],
    ['type: hex, size: 2', 'ab01', 'AB01'],
    ['type: number-text, size: 5', '2d312e3520', -1.5],
    ['type: number-text, size: 2', '2d2d', null],
    ['type: degrees-minutes, size: 8', '343830372e303338', 48.1173],
    ['type: degrees-minutes, size: 4', '34383630', 49],
    ['type: degrees-minutes, size: 4', '34383631', null],
    ['type: degrees-minutes, size: 3', '383937', null],
    ['type: degrees-minutes, size: 4', '2d383037', null],
    ['type: unix', '69573985', 1_767_324_037_000],
    ['type: bcd-time', '260102030405', at],
    ['type: bcd-time, size: 7', '20260102030405', at],
    ['type: bytes-time', '1a0102030405', at],
    ['type: bcd-time', '261302030405', null],
    ['type: i16, scale: 0.1', 'ffff', -0.1],
    ['type: u16, scale: 0.1', '0003', 0.3],
    ['type: u8, scale: 0.5, offset: -40', '50', 0],
    ['type: u8, enum: { 1: on, 0x10: odd }', '01', 'on'],
    ['type: u8, enum: { 1: on, 0x10: odd }', '10', 'odd'],
    ['type: u8, enum: { 1: on }', '02', null],
    ['type: u16, invalid: [0xFFFF]', 'ffff', null],
  ];
  for (const [field, hex, wanted, order] of rows) assert.deepEqual(one(field, hex, order), wanted, `${field} ${hex}`);
});

test('bits, conditions, sizes and counts of other fields', () => {
  const protocol = described(
    '- { name: flags, type: u8, bits: { open: 0, level: 4-6, top: 7 } }\n- { name: extra, type: u8, when: { open: true } }\n- { name: much, type: u8, when: { level: ">= 3" } }\n- { name: size, type: u8 }\n- { name: text, type: ascii, size: size }\n- { repeat: g, count: rest, fields: [{ name: c }, { name: v, type: i8 }] }',
    10,
  );
  const values = read(protocol, Buffer.from('00b1070902414201ff02fe', 'hex'));
  assert.ok(Array.isArray(values));
  assert.deepEqual(
    values.map(({ point: id, value }) => [id, value]),
    [
      ['m.flags', 0xb1],
      ['m.open', true],
      ['m.level', 3],
      ['m.top', true],
      ['m.extra', 7],
      ['m.much', 9],
      ['m.size', 2],
      ['m.text', 'AB'],
      ['m.g.c', 1],
      ['m.g.v', -1],
      ['m.g.c', 2],
      ['m.g.v', -2],
    ],
  );
  assert.deepEqual(
    (
      read(protocol, Buffer.from('00b1070902414201ff02fe', 'hex'), [{ id: 'two', read: 'm.g.v', where: { c: 2 } }]) as { value: unknown }[]
    ).map(({ value }) => value),
    [-2],
  );
  assert.equal(read(protocol, Buffer.from('00b10709ff414201ff02fe', 'hex')), 'CV_DESCRIBED_SHORT');
});

test('the terminal: reads with their own time and evidence, statistics with their window, history', () => {
  const EPC = '30342848A80CD24000000001';
  const at = Date.UTC(2026, 0, 1);
  assert.deepEqual(
    read(
      TERMINAL,
      terminalFrame(
        ID,
        1,
        2,
        tagsBody(
          [
            ['260101080000', 2, -61, EPC],
            ['260101080001', 1, -50, 'ABCD'],
          ],
          true,
        ),
      ),
      [
        { id: 'in', read: 'tags.reads.epc', where: { antenna: 1 } },
        { id: 'tag', read: 'tags.reads.epc' },
      ],
    ),
    [
      { point: 'tag', value: EPC, evidence: [{ kind: 'tag', epc: EPC, antenna: 2, rssiDbm: -61 }], deviceAt: at, origin: 'backfill' },
      {
        point: 'in',
        value: 'ABCD',
        evidence: [{ kind: 'tag', epc: 'ABCD', antenna: 1, rssiDbm: -50 }],
        deviceAt: at + 1000,
        origin: 'backfill',
      },
      {
        point: 'tag',
        value: 'ABCD',
        evidence: [{ kind: 'tag', epc: 'ABCD', antenna: 1, rssiDbm: -50 }],
        deviceAt: at + 1000,
        origin: 'backfill',
      },
    ],
  );
  assert.deepEqual(
    read(TERMINAL, terminalFrame(ID, 1, 3, crowdBody('260101080000', 12, 65_535)), [
      { id: 'all', read: 'crowd.devices' },
      { id: 'new', read: 'crowd.fresh' },
    ]),
    [
      { point: 'all', value: 12, unit: '{device}', deviceAt: at, window: { fromAt: at - 300_000, toAt: at, count: 0 } },
      {
        point: 'new',
        value: null,
        quality: 'bad',
        flags: ['fault-code'],
        deviceAt: at,
        window: { fromAt: at - 300_000, toAt: at, count: 0 },
      },
    ],
  );
  assert.deepEqual(
    (
      read(TERMINAL, terminalFrame(ID, 1, 4, stateBody('260101080000', -0.5, 40, 12_345, 1, 0x21)), [
        { id: 't', read: 'state.temperature' },
        { id: 'v', read: 'state.supply' },
        { id: 'p', read: 'state.power' },
        { id: 'd', read: 'state.doorOpen' },
        { id: 'a', read: 'state.antennasDown' },
      ]) as { value: unknown }[]
    ).map(({ value }) => value),
    [-0.5, 12.345, 'battery', true, 2],
  );
});

test('a wrong check value never gives a value; nor does what is no message', () => {
  const whole = terminalFrame(ID, 1, 4, stateBody('260101080000', 20, 40, 12_345, 1, 0));
  for (let at = 4; at < whole.length; at += 1) {
    const broken = Buffer.from(whole);
    broken[at] = (broken[at] as number) ^ 0x10;
    assert.equal(read(TERMINAL, broken), 'CV_FRAME_CHECKSUM', `byte ${at}`);
  }
  assert.equal(read(TERMINAL, terminalFrame(ID, 1, 9, new Uint8Array(2))), 'CV_DESCRIBED_MESSAGE');
  assert.equal(read(TERMINAL, terminalFrame(ID, 1, 4, new Uint8Array(2))), 'CV_DESCRIBED_SHORT');
});
