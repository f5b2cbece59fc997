import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeHj212Packet } from '../drivers/hj212/packet-cutter.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'cityvitals-decode-'));
after(() => rmSync(folder, { recursive: true }));

function cityvitals(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    input,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', CITYVITALS_LANG: 'en' },
  });
  return {
    status,
    stdout,
    stderr,
    lines: stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

const REQUEST = '0001 0000 0006 11 03 006B 0003';
const ANSWER = '0001 0000 0009 11 03 06 AE41 5652 4340';

test('decode: request and answer give their registers, as JSON lines of samples', () => {
  const { status, lines } = cityvitals(['decode', 'modbus', '--json', '--hex', REQUEST, '--hex', ANSWER]);
  assert.equal(status, 0);
  assert.deepEqual(
    lines.map(({ point, value, quality }) => [point, value, quality]),
    [
      ['holding:107', 44609, 'good'],
      ['holding:108', 22098, 'good'],
      ['holding:109', 17216, 'good'],
    ],
  );
  assert.deepEqual(Object.keys(lines[0] ?? {}), ['device', 'point', 'value', 'unit', 'at', 'quality', 'flags']);
});

test('decode: the points of a settings file, RTU frames from standard input', () => {
  const settings = join(folder, 'points.yaml');
  writeFileSync(settings, 'points:\n  - { id: level, address: "holding:0", type: float32, unit: m }\n');
  const { status, lines } = cityvitals(
    ['decode', 'modbus', '--json', '--settings', settings, '-'],
    '# an exchange\n01 03 00 00 00 02 C4 0B\n01 03 04 42 F6 E9 79 80 0B\n',
  );
  assert.equal(status, 0);
  assert.deepEqual(lines.map(({ point, value, unit }) => [point, value, unit]), [['level', 123.456, 'm']]);
});

test('decode: a fault is a line of its own with stage and remedy, and the exit code is 1', () => {
  const { status, lines } = cityvitals([
    'decode',
    'modbus',
    '--json',
    '--lang',
    'zh-CN',
    '--hex',
    REQUEST,
    '--hex',
    '0001 0000 0003 11 83 02',
  ]);
  assert.equal(status, 1);
  assert.deepEqual(Object.keys(lines[0] ?? {}), ['fault', 'stage', 'message', 'remedy', 'at']);
  assert.equal(lines[0]?.fault, 'CV_MODBUS_ILLEGAL_ADDRESS');
  assert.match(String(lines[0]?.message), /站号 17/);
  assert.deepEqual(lines.slice(1).map(({ value, quality }) => [value, quality]), [[null, 'bad'], [null, 'bad'], [null, 'bad']]);
});

test('decode: what is called wrongly ends with 2 and says what to do', () => {
  const settings = join(folder, 'wrong.yaml');
  writeFileSync(settings, 'points:\n  - { id: a, address: "holdin:0" }\n  - { id: b, address: "coil:0", type: float32 }\n');
  const wrong: [string[], RegExp][] = [
    [['decode', 'modbsu', '--hex', '00'], /did you mean "modbus"/],
    [['decode', 'modbus', '--hex', '0g'], /CV_INPUT_UNREADABLE/],
    [['decode', 'modbus', join(folder, 'absent.txt')], /CV_CONFIG_UNREADABLE/],
    [['decode', 'modbus', '--settings', settings, '--hex', '00'], /wrong\.yaml:2:.*\n[^]*wrong\.yaml:3:/],
  ];
  for (const [args, said] of wrong) {
    const { status, stderr } = cityvitals(args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, said);
  }
});

test('drivers: every driver, and all that can be set, in both languages', () => {
  const { status, lines } = cityvitals(['drivers', '--json']);
  assert.equal(status, 0);
  assert.ok(lines.some(({ id }) => id === 'modbus'));
  for (const { title, settings } of lines as {
    title: Record<string, string>;
    settings: { properties: Record<string, { zh: string; en: string }> };
  }[]) {
    assert.ok(title.zh && title.en);
    for (const field of Object.values(settings.properties)) assert.ok(field.zh && field.en);
  }
  assert.match(cityvitals(['drivers', 'modbus', '--lang', 'zh']).stdout, /wordOrder/);
  assert.equal(cityvitals(['drivers', 'nothing']).status, 2);
});

test('decode: a private protocol by its own description, as the guide has it; a mistake in it is told with its line', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/described-frames.md'), 'utf8');
  const description = /```yaml\n(# yaml-language-server[\s\S]*?)```/.exec(page)?.[1] ?? '';
  const hex = /cityvitals decode frame --settings try\.yaml --hex "([^"]+)"/.exec(page)?.[1] ?? '';
  const settings = join(folder, 'try.yaml');
  writeFileSync(join(folder, 'manhole.yaml'), description);
  writeFileSync(
    settings,
    'settings: { description: ./manhole.yaml, listen: "0.0.0.0:7600", identity: 0A1B2C3D }\npoints:\n  - { id: tilt, read: report.tilt }\n',
  );
  const { status, lines } = cityvitals(['decode', 'frame', '--json', '--settings', settings, '--hex', hex]);
  assert.equal(status, 0);
  assert.deepEqual(lines.map(({ point, value, unit }) => [point, value, unit]), [['tilt', 12.3, 'deg']]);
  writeFileSync(join(folder, 'manhole.yaml'), description.replace('sum8', 'sum9'));
  const wrong = cityvitals(['decode', 'frame', '--json', '--settings', settings, '--hex', hex]);
  assert.equal(wrong.status, 1);
  assert.match(JSON.stringify(wrong.lines[0]), /CV_DESCRIBED_INVALID.*manhole\.yaml:\d+/);
});

test('decode: a file of HJ 212 text, as a logger sends it', () => {
  const traffic = readFileSync(join(import.meta.dirname, '../drivers/hj212/recorded/history-after-an-outage/traffic.jsonl'), 'utf8');
  const packet =
    traffic
      .split('\n')
      .filter((line) => line.includes('"dir":"in"'))
      .map((line) => Buffer.from((JSON.parse(line) as { bytes: string }).bytes, 'hex').toString('latin1'))[0] ?? '';
  assert.match(packet, /^##/);
  const file = join(folder, 'packets.txt');
  writeFileSync(file, `# one packet\n${packet}`);
  const { status, lines } = cityvitals(['decode', 'hj212', '--json', file]);
  assert.equal(status, 0);
  assert.ok(lines.some(({ value }) => value === 11.5));
});

test('decode: a packet of HJ 212 that never became whole is a fault, wherever it was cut, and the exit code is 1', () => {
  const packet = encodeHj212Packet(
    'QN=20260101120001000;ST=22;CN=2011;PW=123456;MN=A1;Flag=5;CP=&&DataTime=20260101120000;a34004-Rtd=1,a34004-Flag=N&&',
  )
    .toString('latin1')
    .trimEnd();
  const missing: [bytes: number, said: RegExp][] = [
    [1, /length/],
    [2, /after 2 bytes, without the four digits of its length: ##$/],
    [50, /after 50 bytes, without `CP=&&`/],
    [90, /the closing `&&`/],
    [packet.length - 4, /its check value/],
    [packet.length - 1, /its check value/],
  ];
  for (const [bytes, said] of missing) {
    const file = join(folder, 'cut.txt');
    writeFileSync(file, `${packet}\r\n${packet.slice(0, bytes)}`);
    const { status, lines } = cityvitals(['decode', 'hj212', '--json', '--input', 'text', file]);
    assert.equal(status, 1, `${bytes} bytes`);
    assert.deepEqual(lines.map(({ value, fault }) => fault ?? value), [1, 'CV_FRAME_LENGTH']);
    assert.match(String(lines[1]?.message), said);
    assert.doesNotMatch(String(lines[1]?.message), /123456/, 'without its password');
  }
});

test('decode: a described frame that is cut short, and what stands behind the last one, is a fault', () => {
  const settings = join(folder, 'short-frame.yaml');
  const page = readFileSync(join(import.meta.dirname, '../docs/described-frames.md'), 'utf8');
  writeFileSync(join(folder, 'hatch.yaml'), /```yaml\n(# yaml-language-server[\s\S]*?)```/.exec(page)?.[1] ?? '');
  writeFileSync(settings, 'settings: { description: ./hatch.yaml }\n');
  const hex = /cityvitals decode frame --settings try\.yaml --hex "([^"]+)"/.exec(page)?.[1] ?? '';
  for (const [more, code] of [[hex.slice(0, 20), 'CV_FRAME_LENGTH'], ['A5', 'CV_FRAME_LENGTH'], ['0102', 'CV_FRAME_INVALID']] as const) {
    const { status, lines } = cityvitals(['decode', 'frame', '--json', '--settings', settings, '--hex', hex, '--hex', more]);
    assert.equal(status, 1, more);
    assert.equal(lines.at(-1)?.fault, code);
    assert.equal(lines.find(({ point }) => String(point).endsWith('tilt'))?.value, 12.3);
  }
});

test('decode: settings that only a running device needs may be left out, a wrong one may not', () => {
  const settings = join(folder, 'short.yaml');
  writeFileSync(settings, 'settings: { mn: "A1" }\npoints:\n  - { id: a, factor: a21026 }\n');
  const { status, stderr } = cityvitals(['decode', 'hj212', '--settings', settings, '--hex', '00']);
  assert.ok(!stderr.includes('CV_SETTING_MISSING'), stderr);
  assert.notEqual(status, 2);
  writeFileSync(settings, 'settings: { mnn: "A1" }\n');
  assert.equal(cityvitals(['decode', 'hj212', '--settings', settings, '--hex', '00']).status, 2);
});

test('decode: a password that is not there is not missed; any other setting that is not, is told', () => {
  const settings = join(folder, 'password.yaml');
  const packet = encodeHj212Packet(
    'QN=20260101080001000;ST=22;CN=2051;PW=1;MN=A1;Flag=4;CP=&&DataTime=20260101080000;a21026-Avg=9,a21026-Flag=N&&',
  ).toString('hex');
  writeFileSync(
    settings,
    'settings: { mn: "A1", listen: "127.0.0.1:8212", password: "${env:CITYVITALS_TEST_UNSET}", periodLabel: end }\npoints:\n  - { id: a, factor: a21026, value: Avg }\n',
  );
  const { status, stderr, lines } = cityvitals(['decode', 'hj212', '--json', '--settings', settings, '--hex', packet]);
  assert.deepEqual([status, lines.map(({ value }) => value)], [0, [9]], stderr);
  writeFileSync(
    settings,
    'settings: { mn: "A1", listen: "127.0.0.1:8212", password: "${file:/nowhere/password}", minuteEvery: "${env:CITYVITALS_TEST_UNSET}" }\n',
  );
  const other = cityvitals(['decode', 'hj212', '--settings', settings, '--hex', packet]);
  assert.equal(other.status, 2);
  assert.match(other.stderr, /minuteEvery.*CITYVITALS_TEST_UNSET/s);
  assert.doesNotMatch(other.stderr, /nowhere/);
});

const llrp = (...bytes: string[]) => bytes.join('');
/** A report of one tag: EPC-96, antenna 3, peak RSSI -61 dBm, last seen at 2026-01-01T00:00:00Z. */
const REPORT = (() => {
  const seen = (1_767_225_600_000n * 1000n).toString(16).padStart(16, '0');
  const tag = llrp('8d', '3074257bf7194e4000001a85', '81', '0003', '86', 'c3', '82', seen, '84', seen);
  const parameter = llrp('00f0', (4 + tag.length / 2).toString(16).padStart(4, '0'), tag);
  return llrp('043d', (10 + parameter.length / 2).toString(16).padStart(8, '0'), '00000001', parameter);
})();

test('decode: a tag with its time, antenna and signal', () => {
  const { status, lines } = cityvitals(['decode', 'llrp', '--json', '--hex', REPORT]);
  assert.equal(status, 0);
  assert.equal(lines[0]?.at, 1_767_225_600_000);
  assert.partialDeepStrictEqual(lines[0]?.tag, { antenna: 3, rssiDbm: -61, lastAt: 1_767_225_600_000 });
  assert.match(cityvitals(['decode', 'llrp', '--lang', 'en', '--hex', REPORT]).stdout, /antenna 3 -61 dBm/);
});

test('decode: an LLRP message cut short anywhere is a fault', () => {
  for (const length of [2, 10, 40, REPORT.length - 2]) {
    const { status, lines } = cityvitals(['decode', 'llrp', '--json', '--hex', REPORT.slice(0, length)]);
    assert.equal(status, 1);
    assert.deepEqual(lines.map(({ fault }) => fault), ['CV_FRAME_LENGTH']);
  }
});

test('decode: each value of a described frame with its place and bytes, and what the edge says around it: in words and as JSON', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/described-frames.md'), 'utf8');
  writeFileSync(join(folder, 'lid.yaml'), /```yaml\n(# yaml-language-server[\s\S]*?)```/.exec(page)?.[1] ?? '');
  const hex = /cityvitals decode frame --settings try\.yaml --hex "([^"]+)"/.exec(page)?.[1] ?? '';
  const settings = join(folder, 'lid-settings.yaml');
  writeFileSync(settings, 'settings: { description: ./lid.yaml }\n');
  const { lines } = cityvitals(['decode', 'frame', '--json', '--settings', settings, '--hex', hex]);
  assert.deepEqual(
    lines.map(({ point, bytes }) => [point, bytes]),
    [
      ['report.id', { at: 3, hex: '0a1b2c3d' }],
      ['report.kind', { at: 7, hex: '02' }],
      ['report.at', { at: 8, hex: '260101080000' }],
      ['report.tilt', { at: 14, hex: '007b' }],
      ['report.state', { at: 16, hex: '01' }],
      ['report.isOpen', { at: 16, hex: '01' }],
      ['report.isFlooded', { at: 16, hex: '01' }],
    ],
  );
  const answer = 'a55a050a1b2c3d8215';
  assert.ok(lines.every((line) => line.answer === answer && !('question' in line)), JSON.stringify(lines[0]));
  const words = cityvitals(['decode', 'frame', '--settings', settings, '--hex', hex]).stdout;
  assert.match(words, /^report\.tilt +12\.3 deg {2}good {2}@14 007b$/m);
  assert.match(words, new RegExp(`^  answer: ${answer}$`, 'm'));
  assert.match(
    cityvitals(['decode', 'frame', '--lang', 'zh-CN', '--settings', settings, '--hex', hex]).stdout,
    new RegExp(`^  应答：${answer}$`, 'm'),
  );
  assert.ok(page.includes('@14 007b') && page.includes(`answer: ${answer}`), 'as the guide shows it');
  // An instrument that is asked: the question that its answer belongs to, its unit being that of the answer.
  writeFileSync(settings, 'settings: { description: "shipped:weighbridge" }\n');
  const body = Buffer.from('07+0012.50S');
  const sum = body
    .reduce((all, byte) => all ^ byte, 0)
    .toString(16)
    .toUpperCase();
  const asked = cityvitals([
    'decode',
    'frame',
    '--json',
    '--settings',
    settings,
    '--hex',
    `02${body.toString('hex')}${Buffer.from(sum).toString('hex')}0d`,
  ]);
  assert.deepEqual(asked.lines.map(({ point, value, bytes, question }) => [point, value, bytes, question]).slice(1, 2), [
    ['weight.mass', 12.5, { at: 3, hex: '2b303031322e3530' }, '0230375735300d'],
  ]);
});
