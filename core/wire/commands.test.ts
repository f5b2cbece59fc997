import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER_SCHEMA, COMMAND_SCHEMA, CONDITION_SCHEMA, conditionText, MAX_COMMAND_BYTES, MAX_POINTS, readMessage } from './commands.ts';

const base = { v: 1, id: 'cmd-00001', device: 'pump-1', by: 'duty-1', reason: 'test', issuedAt: 1, expiresAt: 2 };
const write = { ...base, kind: 'write', point: 'start', value: true };
const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const command = (body: unknown) => readMessage(COMMAND_SCHEMA, bytes(body), MAX_COMMAND_BYTES);
const isTaken = (body: unknown) => command(body).ok;

test('a command of each kind is read as it was written', () => {
  for (const body of [
    { ...base, kind: 'read' },
    { ...base, kind: 'read', points: ['level'] },
    write,
    { ...write, value: -1e9, unit: 'm', ifState: { point: 'running', is: false } },
    { ...base, kind: 'snapshot', over: true },
  ]) {
    assert.deepEqual(command(body), { ok: true, message: body });
  }
});

test('what is beyond its bounds is refused', () => {
  for (const [field, good, bad] of [
    ['v', [], [0, 2, '1']],
    ['id', ['a'.repeat(8), 'A_-z0'.repeat(2), 'a'.repeat(64)], ['a'.repeat(7), 'a'.repeat(65), 'a b c d e', 7]],
    ['by', ['x', 'x'.repeat(64)], ['', 'x'.repeat(65)]],
    ['reason', ['x', 'x'.repeat(500)], ['', 'x'.repeat(501)]],
    ['issuedAt', [0, 8.64e15], [-1, 0.5, 8.64e15 + 2]],
    ['expiresAt', [0, 8.64e15], [-1, 0.5]],
    ['over', [true], [false, null]],
    ['kind', [], ['reboot']],
    ['value', ['x'.repeat(4096), 0, false], ['x'.repeat(4097), null, []]],
    ['unit', ['', 'x'.repeat(64)], ['x'.repeat(65), null]],
    ['more', [], [1]],
  ] as [string, unknown[], unknown[]][]) {
    for (const value of good) assert.equal(isTaken({ ...write, [field]: value }), true, `${field} ${JSON.stringify(value)}`);
    for (const value of bad) assert.equal(isTaken({ ...write, [field]: value }), false, `${field} ${JSON.stringify(value)}`);
  }
  const reads = (count: number) => isTaken({ ...base, kind: 'read', points: Array.from({ length: count }, (_, at) => `p${at}`) });
  assert.deepEqual([0, 1, MAX_POINTS, MAX_POINTS + 1].map(reads), [false, true, true, false]);
});

test('a condition gives exactly one of is, above and below, and says so in both languages', () => {
  const problems = (more: object) =>
    CONDITION_SCHEMA.safeParse({ point: 'level', ...more }).error?.issues.map((issue) => [
      issue.message,
      'params' in issue && (issue.params as { zh?: string }).zh,
    ]) ?? [];
  const wanted = [['give exactly one of is, above, below', 'is、above、below 三者只能且必须写一个']];
  for (const one of [{ is: false }, { is: 0 }, { is: '' }, { above: 0 }, { below: 0 }])
    assert.deepEqual(problems(one), [], JSON.stringify(one));
  for (const other of [{}, { is: 1, above: 0 }, { above: 0, below: 2 }, { is: 1, above: 0, below: 2 }])
    assert.deepEqual(problems(other), wanted, JSON.stringify(other));
});

test('a condition in words names the device that is written to where it names none', () => {
  const texts = [{ is: false }, { is: '' }, { above: 0.5 }, { below: 0 }].map((one) =>
    conditionText({ point: 'running', ...one }, 'pump-1'),
  );
  assert.deepEqual(texts, ['pump-1/running = false', 'pump-1/running = ', 'pump-1/running > 0.5', 'pump-1/running < 0']);
  assert.equal(conditionText({ device: 'plc', point: 'level', below: 3 }, 'pump-1'), 'plc/level < 3');
});

test('a message is taken up to its size, and says in few words what else is wrong, with its id where it has one', () => {
  const text = JSON.stringify(write);
  const padded = (size: number) => bytes(text + ' '.repeat(size - text.length));
  assert.equal(readMessage(COMMAND_SCHEMA, padded(400), 400).ok, true);
  assert.deepEqual(readMessage(COMMAND_SCHEMA, padded(401), 400), { ok: false, detail: '401 bytes', id: null });
  assert.deepEqual(command({ ...write, reason: 7 }), {
    ok: false,
    detail: 'reason: Invalid input: expected string, received number',
    id: 'cmd-00001',
  });
  assert.deepEqual(command({ ...write, ifState: { point: 'level' } }), {
    ok: false,
    detail: 'ifState: give exactly one of is, above, below',
    id: 'cmd-00001',
  });
  for (const id of [undefined, 7, 'short', 'with blank']) assert.equal((command({ ...write, id }) as { id: unknown }).id, null);
  for (const other of ['null', '7', '"x"', '[]', '{'])
    assert.deepEqual([command(other).ok, (command(other) as { id: unknown }).id], [false, null], other);
  const broken = readMessage(COMMAND_SCHEMA, Uint8Array.of(0x22, 0xff, 0x22), 400);
  assert.ok(!broken.ok && broken.detail.length > 0 && broken.id === null, 'ill-formed UTF-8 is no text');
  const long = command({ ...write, [`x${'y'.repeat(900)}`]: 1 });
  assert.ok(!long.ok && long.detail.length === 300);
  const odd = command('x'.repeat(900));
  assert.ok(!odd.ok && odd.detail.length <= 200);
});

test('an answer is one of five, with what belongs to it', () => {
  const answer = { v: 1, id: 'cmd-00001', status: 'done', at: 5 };
  const reading = { point: 'level', value: null, unit: 'm', at: 3, quality: 'bad', flags: ['comm'] };
  const isAnswer = (more: object) => ANSWER_SCHEMA.safeParse({ ...answer, ...more }).success;
  for (const status of ['done', 'refused', 'failed', 'expired', 'unknown']) assert.equal(isAnswer({ status }), true, status);
  assert.deepEqual(
    [
      { status: 'ok' },
      { values: [reading] },
      { values: [{ ...reading, flags: ['odd'] }] },
      { values: Array.from({ length: MAX_POINTS + 1 }, () => reading) },
      { readBack: 2.5 },
      { fault: { code: 'CV_X', params: { a: 1, b: 'x' } } },
      { fault: { code: 'X', params: {} } },
      { at: -1 },
    ].map(isAnswer),
    [false, true, false, false, true, true, false, false],
  );
  const picture = {
    device: 'cam',
    at: 1,
    index: 0,
    width: 640,
    height: 360,
    jpegBase64: '',
    boxes: [{ class: 'person', score: 0.5, x: 0, y: 1, width: 0.5, height: 0.5 }],
  };
  const box = picture.boxes[0];
  assert.deepEqual(
    [
      picture,
      { ...picture, boxes: [{ ...box, x: 1.1 }] },
      { ...picture, boxes: [{ ...box, y: -0.1 }] },
      { ...picture, boxes: Array.from({ length: 501 }, () => box) },
      { ...picture, index: -1 },
    ].map((one) => isAnswer({ picture: one })),
    [true, false, false, false, false],
  );
});
