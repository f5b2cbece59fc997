import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHj212Message } from './message.ts';
import { packetData } from './packet-cutter.ts';
import { recording } from './recording.ts';
import { settings } from './settings.ts';
import { hj212PacketBytes } from './testing/data-logger.ts';

const SETTINGS = settings.parse({ listen: '127.0.0.1:8212', mn: 'A1', minuteEvery: '5m' });
const packet = (cn: string, content = '', more: { flag?: number; pw?: string; qn?: string; mn?: string } = {}) =>
  hj212PacketBytes(
    `QN=${more.qn ?? '20260101080000123'};ST=22;CN=${cn};PW=${more.pw ?? 'secret'};MN=${more.mn ?? 'A1'};Flag=${more.flag ?? 5};CP=&&${content}&&`,
  );
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
const { cut, notes, seal, retime, keeps, captures } = recording;
const trimmed = (bytes: Buffer) => bytes.subarray(0, -2);

test('a stream is cut into packets with their line ends; noise is skipped, an unfinished packet waits', () => {
  const whole = packet('2011', 'a=1');
  const of = (bytes: Buffer | string) => cut(Buffer.from(bytes as string, 'latin1'), 'in', SETTINGS);
  assert.equal(recording.level, 'bytes');
  assert.equal(of(whole), whole.length);
  assert.equal(of(Buffer.concat([whole, Buffer.from('\n\r\n'), whole])), whole.length + 3);
  assert.equal(of(Buffer.concat([trimmed(whole), whole])), whole.length - 2);
  for (const length of [1, 5, 20, whole.length - 3]) assert.equal(of(whole.subarray(0, length)), null, `${length}`);
  assert.equal(of('hello'), 0);
  assert.equal(of('#hello##0101'), 0);
  assert.equal(of(Buffer.concat([Buffer.from('\r\n'), whole])), 0);
  const broken = Buffer.from(whole);
  broken.write('FFFF', broken.length - 6);
  assert.equal(of(Buffer.concat([broken, whole])), 0);
});

test('notes give role and the spans of QN, password and MN', () => {
  const role = (cn: string, direction: 'in' | 'out', flag = 5) => notes(packet(cn, '', { flag }), direction, SETTINGS)?.role;
  for (const cn of ['9011', '9012', '9013', '9014']) assert.deepEqual([role(cn, 'in'), role(cn, 'out')], ['answers', 'answers'], cn);
  assert.deepEqual(
    [role('1062', 'out'), role('1062', 'out', 4), role('2011', 'in'), role('2011', 'in', 4)],
    ['asks', 'speaks', 'speaks', 'speaks'],
  );
  const message = packet('2011', 'PW=content;MN=other');
  const found = notes(message, 'in', SETTINGS);
  const spans = (list: readonly { name: string; at: number; length: number }[] | undefined) =>
    (list ?? []).map(({ name, at, length }) => [name, textOf(message.subarray(at, at + length))]);
  assert.deepEqual(
    [spans(found?.correlators), spans(found?.secrets), spans(found?.identities)],
    [[['QN', '20260101080000123']], [['PW', 'secret']], [['MN', 'A1']]],
  );
  const bare = notes(hj212PacketBytes('CN=9021;PW=;CP=&&&&'), 'in', SETTINGS);
  assert.deepEqual([bare?.correlators, bare?.secrets, bare?.identities], [[], [], []]);
  assert.deepEqual(notes(hj212PacketBytes('CN=9021;MN=A1'), 'in', SETTINGS), null, 'no content: its end is not known');
  assert.equal(notes(hj212PacketBytes('XX=1;CP=&&&&'), 'in', SETTINGS), null);
  const broken = packet('2011');
  broken[20] = (broken[20] as number) ^ 1;
  assert.equal(notes(broken, 'in', SETTINGS), null);
});

test('a changed message is sealed again; a valid one stays unchanged, in lower case too', () => {
  const message = packet('2011', 'DataTime=20260101080000;a=1');
  const changed = Buffer.from(message);
  changed.write('B7', changed.indexOf('MN=A1') + 3);
  seal?.(changed, 'in', SETTINGS);
  assert.deepEqual(changed, packet('2011', 'DataTime=20260101080000;a=1', { mn: 'B7' }));
  const small = Buffer.from(textOf(message).replace(/[0-9A-F]{4}\r\n$/, (crc) => crc.toLowerCase()), 'latin1');
  const before = Buffer.from(small);
  seal?.(small, 'in', SETTINGS);
  assert.deepEqual(small, before);
  const short = Buffer.from('##00&&');
  seal?.(short, 'in', SETTINGS);
  assert.equal(short.toString(), '##00&&');
});

test('retime moves the times: QN by the millisecond, data by the second, statistics by their period', () => {
  const move = (cn: string, content: string, byMs: number) => {
    const moved = retime?.(packet(cn, content), byMs, SETTINGS) as Uint8Array;
    const message = parseHj212Message(packetData(moved.subarray(0, -2)) as Uint8Array);
    assert.ok(message, 'sealed');
    return [message.qn, message.content];
  };
  assert.deepEqual(move('2011', 'DataTime=20260101080000;a-SampleTime=20260101075959;a=20260101080000', 61_001), [
    '20260101080101124',
    'DataTime=20260101080101;a-SampleTime=20260101080100;a=20260101080000',
  ]);
  assert.deepEqual(move('2051', 'DataTime = 20260101080000', 11 * 60_000), ['20260101081100123', 'DataTime = 20260101081000']);
  assert.deepEqual(move('2061', 'DataTime=20260101080000', 3 * 3_600_000 - 1), ['20260101110000122', 'DataTime=20260101100000']);
  for (const cn of ['2031', '2041'])
    assert.deepEqual(move(cn, 'DataTime=20260101000000', 3 * 86_400_000 - 1)[1], 'DataTime=20260103000000');
  assert.deepEqual(
    move('2011', 'DataTime=20261301080000;a=1', 60_000),
    ['20260101080100123', 'DataTime=20261301080000;a=1'],
    'an invalid time stays',
  );
  assert.deepEqual(move('2011', 'DataTime=202601010800001', 60_000)[1], 'DataTime=202601010800001');
  const none = hj212PacketBytes('XX=1;CP=&&&&');
  const moved = retime?.(none, 1000, SETTINGS);
  assert.deepEqual(moved, none);
  assert.notEqual(moved, none, 'a copy');
});

test('a logger keeps what it wants answered until an answer has its number and its MN, and sends it again after five seconds', () => {
  assert.equal(keeps?.againAfterMs, 5000);
  const waits = (bytes: Buffer) => keeps?.waits(bytes, SETTINGS);
  assert.deepEqual(
    [
      waits(packet('2011')),
      waits(packet('2011', '', { flag: 4 })),
      waits(packet('9011')),
      waits(packet('9012')),
      waits(packet('1013')),
      waits(hj212PacketBytes('XX=1;CP=&&&&')),
    ],
    [true, false, false, false, true, false],
  );
  const settles = (answer: Buffer, report = packet('2011')) => keeps?.settles(answer, report, SETTINGS);
  assert.deepEqual(
    [settles(packet('9014')), settles(packet('9013')), settles(packet('9011')), settles(packet('1062'))],
    [true, true, false, false],
  );
  assert.deepEqual([settles(packet('9014', '', { qn: '20260101080000124' })), settles(packet('9014', '', { mn: 'B2' }))], [false, false]);
  assert.deepEqual([settles(hj212PacketBytes('XX=1;CP=&&&&')), settles(packet('9014'), hj212PacketBytes('XX=1;CP=&&&&'))], [false, false]);
});

test('in a capture the logger is the one that dialled', () => {
  assert.equal(captures?.device, 'dials');
  assert.deepEqual(settings.safeParse(captures?.settings).success && captures?.settings, { listen: '127.0.0.1:8212', mn: '0' });
});
