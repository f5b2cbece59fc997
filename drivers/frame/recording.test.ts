/** How a described device is recorded and played back: its recorded cases, and what is said of each message. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { replayCaseLines } from '../../cases/replay.ts';
import { recordedCasesIn } from '../testing/cases.ts';
import { assertMessageNotes } from '../testing/assert-message-notes.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import driver from './driver.ts';
import { recording } from './recording.ts';
import { settings, type FrameSettings } from './settings.ts';
import { terminalFrame, heartbeatBody, stateBody } from './testing/terminal.ts';

const cases = await recordedCasesIn(join(import.meta.dirname, 'recorded'));
const drivers = new Map([[driver.id, driver]]);

for (const recorded of cases) {
  test(`case ${recorded.name}: whole, byte by byte, two messages at a time; what is said of its messages holds`, async () => {
    assert.deepEqual(await replayCaseLines(recorded, { drivers }), recorded.expected);
    const untimed = (line: object) => ({ ...line, at: 0 });
    for (const delivery of ['bytes', 'pairs'] as const)
      assert.deepEqual((await replayCaseLines(recorded, { drivers, delivery })).map(untimed), recorded.expected?.map(untimed));
    assertMessageNotes(driver, recorded);
  });
}

const { dir: folder, remove } = await tempDir();
const FILES: Record<string, string> = {
  asked:
    'header: "68"\nidle: FE\nterminator: "16"\nlength: { at: 1, plus: 4 }\nchecksum: { type: sum8 }\nhead: [{ skip: 1 }, { name: kind }, { name: id, type: bcd, size: 2 }, { name: number, type: u16 }]\nidentity: id\nsequence: number\nmessages: [{ name: level, when: { kind: 0x81 }, fields: [{ name: x }] }, { name: other, answer: "68 {length} 7F {id} {sequence} {checksum} 16" }]\npolls:\n  - { send: "FE 68 {length} 01 {identity} {sequence} {now:bcd} {now:unix} {checksum} 16", wants: [level] }\n  - { send: "AA 01 {identity}", wants: [level] }\n',
  any: 'header: "02"\nterminator: "0D"\nmax: 40\nhead: [{ name: unit, type: ascii, size: 2 }]\nmessages: [{ name: m }]\npolls: [{ send: "02 \'01?\' 0D" }]\n',
  bare: 'header: "AA"\nfixed: 4\nmessages: [{ name: m }]\npolls: [{ send: "AA 01 {identity} {sequence} {checksum} {now:unix}" }]\n',
  text: 'header: "24"\nterminator: "0D"\nseparator: "2C"\nmax: 40\nhead: [{ name: unit }]\nidentity: unit\nmessages: [{ name: m }]\npolls: [{ send: "24 {identity} \'?\' 0D" }, { send: "24 \'ALL\' 0D" }]\n',
  stuffed:
    'header: "7E"\nterminator: "7E"\nescape: { "7D 02": "7E", "7D 01": "7D" }\nchecksum: { type: xor8, from: 1 }\nmax: 40\nhead: [{ name: id, type: hex, size: 2 }, { name: number }]\nidentity: id\nsequence: number\nmessages: [{ name: m, answer: "7E {id} {number} {checksum} 7E" }]\npolls: [{ send: "7E 01 {checksum} 7E" }]\n',
};
before(async () => {
  await Promise.all(
    Object.entries(FILES).map(([name, text]) => writeFile(join(folder, `${name}.yaml`), `version: 1\ntitle: { zh: 甲, en: a }\n${text}`)),
  );
});
after(remove);

const of = (name: string): FrameSettings => settings.parse({ description: join(folder, `${name}.yaml`), host: '127.0.0.1', port: 1 });
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const sealed = (text: string) => {
  const bytes = hex(text);
  bytes[bytes.length - 2] = [...bytes.subarray(bytes.indexOf(0x68), -2)].reduce((all, byte) => all + byte, 0) & 0xff;
  return bytes;
};
const NOWHERE = { ...settings.parse({ description: '/nowhere.yaml', host: '127.0.0.1', port: 1 }) };

/** FE, then 22 bytes: the answer counts from kind to the number, the question goes on with two clocks. */
const QUESTION = sealed('FE 68 0F 01 12 34 00 01 26 01 01 08 00 00 69 57 39 85 00 16');
const ANSWER = sealed('68 06 81 12 34 00 01 07 00 16');

test('messages are cut by their framing, and what we ask by its template', () => {
  assert.equal(recording.cut(ANSWER, 'in', of('asked')), 10);
  assert.equal(recording.cut(Buffer.concat([ANSWER, ANSWER]), 'in', of('asked')), 10);
  assert.equal(recording.cut(ANSWER.subarray(0, 7), 'in', of('asked')), null, 'more is to come');
  assert.equal(recording.cut(hex('01 02'), 'in', of('asked')), 0, 'no message of this protocol');
  assert.equal(recording.cut(QUESTION, 'out', of('asked')), 20);
  assert.equal(recording.cut(Buffer.concat([QUESTION, hex('99')]), 'out', of('asked')), 20);
  assert.equal(recording.cut(QUESTION, 'in', of('asked')), 0, 'the device does not ask');
  assert.equal(recording.cut(hex('AA 01 12 34'), 'out', of('asked')), 4, 'framed otherwise than what is heard');
  assert.equal(recording.cut(hex('AA 01 12'), 'out', of('asked')), 0);
  assert.equal(recording.cut(hex('AA 02 12 34'), 'out', of('asked')), 0);
  assert.equal(recording.cut(ANSWER, 'out', of('asked')), 10, 'an answer of ours is framed as all');
  assert.equal(recording.cut(ANSWER, 'in', NOWHERE), 0);
  assert.equal(recording.cut(Buffer.from('$ALL\r'), 'out', of('text')), 5);
  assert.equal(recording.cut(Buffer.from('$X1?\r'), 'out', of('text')), 5, 'text of no fixed length goes by its framing');
});

test('what a message is, and where its numbers, clocks and names stand', () => {
  assert.deepEqual(recording.notes?.(QUESTION, 'out', of('asked')), {
    role: 'asks',
    correlators: [
      { name: 'sequence', at: 6, length: 2 },
      { name: 'clock', at: 8, length: 6 },
      { name: 'clock', at: 14, length: 4 },
      { name: 'question checksum', at: 18, length: 1 },
    ],
    identities: [{ name: 'identity', at: 4, length: 2 }],
  });
  assert.deepEqual(recording.notes?.(hex('AA 01 12 34'), 'out', of('asked')), {
    role: 'asks',
    correlators: [],
    identities: [{ name: 'identity', at: 2, length: 2 }],
  });
  assert.deepEqual(
    recording.notes?.(hex('AA 01 69573985'), 'out', of('bare')),
    { role: 'asks', correlators: [{ name: 'clock', at: 2, length: 4 }], identities: [] },
    'a hole that is filled with nothing stands nowhere',
  );
  assert.equal(recording.cut(hex('AA 01 69573985'), 'out', of('bare')), 6);
  const spans = { correlators: [{ name: 'sequence', at: 5, length: 2 }], identities: [{ name: 'identity', at: 3, length: 2 }] };
  assert.deepEqual(recording.notes?.(ANSWER, 'in', of('asked')), { role: 'answers', ...spans });
  assert.deepEqual(recording.notes?.(sealed('68 06 82 12 34 00 01 07 00 16'), 'in', of('asked')), { role: 'speaks', ...spans });
  assert.deepEqual(recording.notes?.(ANSWER, 'out', of('asked')), { role: 'speaks', ...spans });
  assert.equal(recording.notes?.(hex('68 16'), 'in', of('asked')), null);
  assert.equal(recording.notes?.(ANSWER, 'in', NOWHERE), null);
  assert.deepEqual(
    recording.notes?.(Buffer.from('\x02017\r', 'latin1'), 'in', of('any')),
    { role: 'answers', correlators: [], identities: [] },
    'any message answers',
  );
  assert.deepEqual(recording.notes?.(Buffer.from('\x0201?\r', 'latin1'), 'out', of('any')), {
    role: 'asks',
    correlators: [],
    identities: [],
  });
  assert.deepEqual(recording.notes?.(Buffer.from('$X1,7\r'), 'in', of('text')), {
    role: 'answers',
    correlators: [],
    identities: [{ name: 'identity', at: 1, length: 2 }],
  });
  assert.deepEqual(recording.notes?.(Buffer.from('$ALL\r'), 'out', of('text')), { role: 'asks', correlators: [], identities: [] });
  assert.deepEqual(recording.notes?.(hex('7E AB01 05 AF 7E'), 'in', of('stuffed')), {
    role: 'answers',
    correlators: [{ name: 'sequence', at: 3, length: 1 }],
    identities: [{ name: 'identity', at: 1, length: 2 }],
  });
  assert.deepEqual(
    recording.notes?.(hex('7E AB7D01 05 D3 7E'), 'in', of('stuffed')),
    { role: 'answers', correlators: [], identities: [] },
    'stuffed, a field stands elsewhere in what was sent',
  );
  assert.deepEqual(recording.notes?.(hex('7E 01 01 7E'), 'out', of('stuffed')), null, 'a question that is stuffed is known by no template');
});

test('a changed message is sealed anew where its length stays', () => {
  const seal = (text: string | Buffer, direction: 'in' | 'out', name: string) => {
    const bytes = Buffer.from(typeof text === 'string' ? hex(text) : text);
    recording.seal?.(bytes, direction, of(name));
    return bytes.toString('hex');
  };
  assert.equal(seal('68 06 81 99 34 00 01 07 00 16', 'in', 'asked'), '6806819934000107c416');
  assert.equal(seal('68 06 81 99 34 00 01 07 00 16', 'out', 'asked'), '6806819934000107c416');
  assert.equal(seal('AA 01 99 34', 'out', 'asked'), 'aa019934', 'a question that is not framed has no check value there');
  assert.equal(seal('68 16', 'in', 'any'), '6816');
  assert.equal(seal('7E AB01 06 00 7E', 'in', 'stuffed'), '7eab0106ac7e');
  assert.equal(seal('7E 7D02 01 06 00 7E', 'in', 'stuffed'), '7e7d020106797e');
  assert.equal(seal('7E AB01 D7 00 7E', 'in', 'stuffed'), '7eab01d7007e', 'its check value would have to be stuffed');
  assert.equal(seal('7E 7E', 'in', 'stuffed'), '7e7e', 'too short for one');
  assert.equal(seal('68', 'in', 'asked'), '68');
  const bytes = Buffer.from(ANSWER);
  recording.seal?.(bytes, 'in', NOWHERE);
  assert.deepEqual(bytes, ANSWER);
});

test('a report with a number waits for its answer, which has the same number and name', () => {
  const terminal = settings.parse({ description: 'shipped:compound-terminal', listen: '127.0.0.1:1' });
  const { keeps } = recording;
  assert.ok(keeps);
  const [report, beat, other] = [
    terminalFrame('000000000001', 7, 4, stateBody('260101080000', 20, 40, 12_000, 0, 0)),
    terminalFrame('000000000001', 8, 1, heartbeatBody(-70)),
    terminalFrame('000000000002', 7, 1, heartbeatBody(-70)),
  ];
  assert.deepEqual(
    [report, beat].map((one) => keeps.waits(one, terminal)),
    [true, true],
  );
  assert.equal(keeps.waits(terminalFrame('000000000001', 9, 9, new Uint8Array()), terminal), false, 'no message: nothing answers it');
  assert.equal(keeps.waits(report, NOWHERE), false);
  assert.equal(keeps.waits(hex('AA55'), terminal), false);
  const answer = (id: string, number: number) => terminalFrame(id, number, 0x84, Uint8Array.of(0));
  assert.equal(keeps.settles(answer('000000000001', 7), report, terminal), true);
  assert.equal(keeps.settles(answer('000000000001', 8), report, terminal), false);
  assert.equal(keeps.settles(answer('000000000002', 7), report, terminal), false);
  assert.equal(keeps.settles(answer('000000000002', 7), other, terminal), true);
  assert.equal(keeps.settles(hex('AA55'), report, terminal), false);
  assert.equal(keeps.settles(answer('000000000001', 7), hex('AA55'), terminal), false);
  assert.equal(keeps.settles(report, report, NOWHERE), false);
  assert.equal(keeps.againAfterMs, 10_000);
  assert.equal(
    keeps.waits(Buffer.from('\x02017\r', 'latin1'), of('any')),
    false,
    'without numbers nobody can tell which report an answer is for',
  );
  assert.equal(keeps.waits(ANSWER, of('asked')), false, 'a message without an answer');
  assert.equal(keeps.waits(sealed('68 06 82 12 34 00 01 07 00 16'), of('asked')), true);
  assert.deepEqual(recording.captures, {
    device: 'dials',
    settings: { description: 'shipped:compound-terminal', listen: '127.0.0.1:7600' },
  });
  assert.equal(recording.level, 'bytes');
});
