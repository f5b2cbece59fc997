import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { explain } from '../core/faults.ts';
import { tempDir } from '../core/testing/temp-dir.ts';
import { realFiles } from '../core/world.ts';
import type { Case } from './case.ts';
import type { TrafficLine } from './format.ts';
import { checkCase, readCase } from './read.ts';
import { caseFiles } from './write.ts';

const HEAD = `version: 1
title: a meter
source: built by hand
licence: Apache-2.0
driver: modbus
device: meter
level: bytes
startsAt: 2026-01-01T00:00:00Z
settings: { host: 192.0.2.1 }
points: [{ id: power, address: "holding:0" }]
`;
const OUT = '{"afterUs":1000,"conn":1,"dir":"out","bytes":"000100000006010300000001"}\n';
const IN = '{"afterUs":9000,"conn":1,"dir":"in","bytes":"00010000000501030200e6"}\n';

async function inFolder<T>(files: Record<string, string>, run: (folder: string) => Promise<T>): Promise<T> {
  const { dir, remove } = await tempDir();
  try {
    const folder = join(dir, 'one');
    await mkdir(folder);
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return await run(folder);
  } finally {
    await remove();
  }
}

const problemsOf = (files: Record<string, string>) =>
  inFolder(files, async (folder) => {
    const { recorded, problems } = await checkCase(folder, realFiles);
    assert.equal(recorded === null, problems.length > 0);
    return problems.map(({ file, line, fault }) => `${file.split('/').at(-1)}:${line} ${fault.code} ${explain(fault, 'en').message}`);
  });

test('a case without expected.jsonl is one that nobody has judged yet', () =>
  inFolder({ 'case.yaml': HEAD, 'traffic.jsonl': OUT + IN }, async (folder) => {
    const recorded = await readCase(folder, realFiles);
    assert.equal(recorded.expected, null);
    assert.deepEqual(
      recorded.devices.map(({ id, driver, timeoutMs }) => [id, driver, timeoutMs]),
      [['meter', 'modbus', 2000]],
    );
    assert.equal(recorded.traffic.length, 2);
  }));

for (const [what, files, wanted] of [
  [
    'another version',
    { 'case.yaml': HEAD.replace('version: 1', 'version: 7'), 'traffic.jsonl': OUT },
    /^case.yaml:1 CV_CASE_VERSION .*version 7.*version 1$/,
  ],
  ['no case.yaml', { 'traffic.jsonl': OUT }, /^case.yaml:1 CV_CASE_UNREADABLE .*ENOENT$/],
  ['no traffic.jsonl', { 'case.yaml': HEAD }, /^traffic.jsonl:1 CV_CASE_UNREADABLE .*ENOENT$/],
  [
    'a file that ends in a line',
    { 'case.yaml': HEAD, 'traffic.jsonl': OUT + IN.slice(0, 40) },
    /^traffic.jsonl:2 CV_CASE_LINE .*truncated$/,
  ],
  [
    'a line without its bytes',
    { 'case.yaml': HEAD, 'traffic.jsonl': '{"afterUs":1,"conn":1,"dir":"in"}\n' },
    /^traffic.jsonl:1 .*bytes missing$/,
  ],
  [
    'half a byte',
    { 'case.yaml': HEAD, 'traffic.jsonl': '{"afterUs":1,"conn":1,"dir":"in","bytes":"012"}\n' },
    /3 hexadecimal digits, expected an even number$/,
  ],
  [
    'no hexadecimal',
    { 'case.yaml': HEAD, 'traffic.jsonl': '{"afterUs":1,"conn":1,"dir":"in","bytes":"zz"}\n' },
    /bytes: bytes are pairs of hexadecimal digits$/,
  ],
  ['time that goes back', { 'case.yaml': HEAD, 'traffic.jsonl': IN + OUT }, /^traffic.jsonl:2 .*afterUs is less than in the line before$/],
  [
    'an unknown device',
    { 'case.yaml': HEAD, 'traffic.jsonl': OUT.replace('{', '{"device":"other",') },
    /device "other" is not in case.yaml$/,
  ],
  [
    'neither driver nor devices',
    { 'case.yaml': HEAD.replace('driver: modbus\n', ''), 'traffic.jsonl': OUT },
    /^case.yaml:1 CV_SETTING_MISSING setting "driver"/,
  ],
  ['a misspelt key', { 'case.yaml': HEAD.replace('title', 'titel'), 'traffic.jsonl': OUT }, /^case.yaml:2 CV_SETTING_UNKNOWN /],
] as const) {
  test(`${what} is told with its place`, async () => {
    const problems = await problemsOf(files as unknown as Record<string, string>);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] as string, wanted);
  });
}

const line = fc.oneof(
  fc.record({
    dir: fc.constantFrom('in' as const, 'out' as const),
    bytes: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  }),
  fc.record({
    event: fc.constant('open' as const),
    via: fc.constantFrom('tcp' as const, 'udp' as const, 'serial' as const),
    by: fc.constantFrom('edge' as const, 'device' as const),
  }),
  fc.record({ event: fc.constant('close' as const), by: fc.constantFrom('edge' as const, 'device' as const) }),
  fc.record({
    event: fc.constant('lost' as const),
    dir: fc.constantFrom('in' as const, 'out' as const),
    count: fc.integer({ min: 1, max: 1e6 }),
  }),
);

test('what is written is read back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(line, fc.integer({ min: 0, max: 5_000_000 }), fc.integer({ min: 1, max: 3 })), { maxLength: 12 }),
      fc.string({ minLength: 1, maxLength: 30 }).filter((title) => title.trim() !== ''),
      fc.boolean(),
      async (drawn, title, isPair) => {
        let afterUs = 0;
        const traffic = drawn.map(
          ([fields, laterUs, conn]): TrafficLine =>
            ({ afterUs: (afterUs += laterUs), conn, ...(isPair && conn === 2 ? { device: 'b' } : {}), ...fields }) as TrafficLine,
        );
        const one = (id: string) => ({
          id,
          driver: 'modbus',
          settings: { host: title },
          points: [{ id: 'p', address: 'coil:1' }],
          timeoutMs: 1500,
        });
        const devices = (isPair ? [one('a'), one('b')] : [one('a')]) as unknown as Case['devices'];
        const facts = {
          title,
          source: 's',
          licence: 'l',
          level: 'bytes',
          secrets: 'masked',
          asker: 'other',
          startsAt: Date.UTC(2026, 1, 3),
          devices,
          traffic,
          frames: [],
          expected: [],
        } as const;
        const back = await inFolder(caseFiles(facts), (folder) => readCase(folder, realFiles));
        const { name, folder, ...rest } = back;
        assert.equal(name, folder.split('/').at(-1));
        assert.deepEqual(rest, facts);
      },
    ),
    {
      numRuns: 40,
      examples: [
        [[], '${} ', false],
        [[], '${env:HOME} ${file:x}', true],
      ],
    },
  );
});
