import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { CHECKSUMS } from './checksum.ts';
import { PROTOCOL_DESCRIPTION, FIELD_TYPES } from './description.ts';
import { loadDescription, readDescription, shippedDescriptions } from './load-description.ts';

test('every description that comes along is sound, and the compound terminal\'s has at most 60 lines', async () => {
  assert.ok(shippedDescriptions().includes('compound-terminal'));
  for (const name of shippedDescriptions()) assert.deepEqual(loadDescription(`shipped:${name}`).faults, [], name);
  const { readFile } = await import('node:fs/promises');
  const lines = (await readFile(new URL('descriptions/compound-terminal.yaml', import.meta.url), 'utf8')).trimEnd().split('\n');
  assert.ok(lines.length <= 60, `${lines.length} lines`);
});

const GOOD =
  'version: 1\ntitle: { zh: 甲, en: a }\nheader: "AA"\nfixed: 8\nhead: [{ name: kind }]\nmessages:\n  - name: m\n    when: { kind: 1 }\n    fields: [{ name: x, type: u16 }]\n';

test('mistakes are told with their line: unknown names, contradictions, sizes', () => {
  assert.deepEqual(readDescription('d.yaml', GOOD).faults, []);
  const mistakes: [text: string, line: number, words: RegExp][] = [
    [GOOD.replace('kind: 1', 'knid: 1'), 8, /knid/],
    [GOOD.replace('u16', 'u17'), 9, /u17/],
    [GOOD.replace('u16', 'ascii'), 9, /size/],
    [GOOD.replace('fixed: 8', 'max: 8'), 1, /length, fixed or terminator/],
    [GOOD.replace('header: "AA"', 'header: AAA'), 3, /AAA/],
    [`${GOOD}    answer: "AA {nobody}"\n`, 10, /nobody/],
    [`${GOOD}    answer: "AA {length}"\n`, 10, /length/],
    [`${GOOD}    answer: "AA 5"\n`, 10, /hex bytes/],
    [`${GOOD}identity: who\n`, 10, /who/],
    [GOOD.replace('fields:', 'feilds:'), 9, /feilds/],
    [GOOD.replace('fixed: 8', 'fixed: 8\nescape: { "7D 02": "7E" }'), 5, /byte stuffing/],
  ];
  for (const [text, line, words] of mistakes) {
    const [fault] = readDescription('d.yaml', text).faults;
    assert.equal(fault?.code, 'CV_DESCRIBED_INVALID', text);
    assert.equal(fault?.params.line, line, text);
    assert.match(`${fault?.params.problem} ${fault?.params.remedy}`, words);
    assert.match(String(fault?.params.problemZh), /[一-鿿]/);
  }
  assert.equal(loadDescription('/nowhere/at-all.yaml').faults[0]?.code, 'CV_DESCRIBED_FILE');
});

test('the reference names every key, type and checksum, and its examples are sound', async () => {
  const { readFile } = await import('node:fs/promises');
  const page = await readFile(new URL('../../docs/described-frames.md', import.meta.url), 'utf8');
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)]
    .map(([, text]) => text as string)
    .filter((text) => /^version: 1$/m.test(text));
  assert.equal(examples.length, 8);
  for (const text of examples) assert.deepEqual(readDescription('docs/described-frames.md', text).faults, []);
  const shape = z.toJSONSchema(PROTOCOL_DESCRIPTION, { io: 'input', unrepresentable: 'any' }) as unknown;
  const keys = new Set<string>([...FIELD_TYPES, ...Object.keys(CHECKSUMS)]);
  JSON.stringify(shape, (key, value: unknown) => {
    if (key === 'properties') for (const name of Object.keys(value as object)) keys.add(name);
    return value;
  });
  for (const key of keys) assert.match(page, new RegExp(`[\`\\s{,]${key}[\`\\s:,}]`), key);
});
