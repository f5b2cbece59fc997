/** What the papers on security claim: each row has a state of the list, and what is met names the tests that hold it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const STATES: Readonly<Record<string, string>> = { met: '满足', partly: '部分满足', 'in work': '进行中', 'not met': '未满足' };

interface Claim {
  page: string;
  item: string;
  state: string;
  answer: string;
  files: string[];
}

/** Rows of the tables of five columns, of which the third is the state. */
function claimsOf(page: string): Claim[] {
  return readFileSync(join(ROOT, page), 'utf8').split('\n').flatMap((line) => {
    const cells = line.split('|').slice(1, -1).map((cell) => cell.trim());
    if (cells.length !== 5 || /^-+$/.test(cells[0] ?? '') || ['State', '状态'].includes(cells[2] ?? '')) return [];
    const [item = '', , state = '', answer = '', tests = ''] = cells;
    return [{ page, item, state, answer, files: [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file) }];
  });
}

const PAGES = ['SECURITY.md', 'docs/security.md'];
const claims = PAGES.flatMap(claimsOf);

test('there is a row for each surface by each kind of threat, and for the items of both standards', () => {
  const kinds = ['Spoofing', 'Tampering', 'Repudiation', 'Disclosure', 'Denial of service', 'Elevation of rights'];
  for (const kind of kinds) assert.ok(claimsOf('SECURITY.md').filter(({ item }) => item === kind).length >= 6, kind);
  const items = claimsOf('docs/security.md').map(({ item }) => item);
  assert.equal(new Set(items).size, items.length);
  assert.ok(items.filter((item) => /^(CR|EDR) \d\.\d+$/.test(item)).length > 40);
  assert.ok(items.filter((item) => /^8\.[14]\./.test(item)).length > 25);
});

test('a state is one of the list; what is met says how, and by which test; each file that is named is there', () => {
  assert.deepEqual(claims.filter(({ state }) => STATES[state] === undefined), []);
  assert.deepEqual(claims.filter(({ state, files, answer }) => state === 'met' && (files.length === 0 || answer === '–')), []);
  assert.deepEqual(claims.flatMap(({ files }) => files).filter((file) => !existsSync(join(ROOT, file))), []);
  assert.deepEqual(claims.flatMap(({ files }) => files).filter((file) => !file.endsWith('.test.ts')), []);
});

for (const page of PAGES)
  test(`${page} and its Chinese page claim the same`, () => {
    const chinese = claimsOf(page.replace('.md', '.zh-CN.md'));
    const told = ({ state, files }: Claim) => [state, ...files];
    assert.deepEqual(chinese.map(told), claimsOf(page).map((claim) => told({ ...claim, state: STATES[claim.state] ?? claim.state })));
  });
