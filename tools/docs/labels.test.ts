/** What the operators' guides quote from the console is what the console says: *so* in English, “这样” in Chinese. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DICTIONARIES, type Lang } from '../../console/shell/dictionary.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const GUIDES: readonly { page: string; lang: Lang; quoted: RegExp }[] = [
  { page: 'operator.md', lang: 'en', quoted: /(?<!\*)\*([^*\n]+)\*(?!\*)/g },
  { page: 'live-view.md', lang: 'en', quoted: /(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)/g },
  { page: 'operator.zh-CN.md', lang: 'zh-CN', quoted: /“([^”\n]+)”/g },
  { page: 'live-view.zh-CN.md', lang: 'zh-CN', quoted: /“([^”\n]+)”/g },
];
/** Labels of the buttons that change the language are not in a dictionary: each is in its own. */
const IN_BOTH = new Set(['中文', 'EN']);

/** Sentences with holes are functions: their text is in their source. */
const spoken = (value: unknown): string =>
  typeof value === 'object' && value !== null ? Object.values(value).map(spoken).join('\n') : String(value);

for (const { page, lang, quoted } of GUIDES) {
  test(`${page} quotes the console as it is`, () => {
    const said = spoken(DICTIONARIES[lang]).toLowerCase();
    const labels = [...readFileSync(join(DOCS, page), 'utf8').matchAll(quoted)].map(([, label]) => label as string);
    assert.ok(labels.length >= 3);
    const unsaid = labels.filter((label) => !IN_BOTH.has(label) && !label.split(/…+/).every((part) => said.includes(part.toLowerCase())));
    assert.deepEqual([...new Set(unsaid)], []);
  });
}
