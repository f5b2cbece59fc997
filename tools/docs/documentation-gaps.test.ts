/** The pages as they are committed, not what generates them, are held to the lists in code. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DRIVERS } from '../../drivers/index.ts';
import { SINKS } from '../../gateway/sinks/index.ts';
import { documentationGaps, type Pages } from './documentation-gaps.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Decisions and changelog speak of their own time: what they name may be gone. */
const paths = globSync('{*.md,docs/**/*.md,drivers/*/README.md,models/*/README.md}', { cwd: ROOT }).filter(
  (path) => !/^docs\/(?:decisions|changelog)\//.test(path),
);
const PAGES: Pages = new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
const drivers = await Promise.all(DRIVERS.map((entry) => entry.load()));
const sinks = await Promise.all(SINKS.map((entry) => entry.load()));

/** What is said of the pages with one of them changed. */
function gapsWith(path: string, pattern: RegExp, by: string): string[] {
  const text = PAGES.get(path) ?? '';
  const changed = text.replace(pattern, by);
  assert.notEqual(changed, text, `${path}: nothing to change`);
  return documentationGaps(new Map([...PAGES, [path, changed]]), drivers, sinks);
}

test('codes, losses, metrics, settings and kinds of events on the pages are those in code, both ways', () => {
  assert.ok(PAGES.size > 60);
  assert.deepEqual(documentationGaps(PAGES, drivers, sinks), []);
});

test('a page that lacks a name is found', () => {
  const cases: [path: string, pattern: RegExp, gap: string][] = [
    ['docs/faults/device.md', /^### CV_LINK_TIMEOUT\n/m, 'docs/faults/ lacks CV_LINK_TIMEOUT'],
    ['docs/losses.md', /^\| `merged` .*\n/m, 'docs/losses.md lacks merged'],
    ['docs/metrics.md', /^\| `cityvitals_faults_total` .*\n/m, 'docs/metrics.md lacks cityvitals_faults_total'],
    ['docs/configuration/edge.md', /^\| `log\.maxBytes` .*\n/m, 'docs/configuration/edge.md lacks log.maxBytes'],
    ['docs/configuration/driver-modbus.md', /^\| `wordOrder` .*\n/m, 'docs/configuration/driver-modbus.md lacks wordOrder'],
    ['docs/events.md', /^\| `gap` .*\n/m, 'docs/events.md lacks gap'],
  ];
  for (const [path, pattern, gap] of cases) {
    const found = gapsWith(path, pattern, '');
    assert.ok(found.some((sentence) => sentence.startsWith(gap)), `${gap}: ${found.join('; ')}`);
  }
});

test('a page that names what there is not is found, a guide too', () => {
  const cases: [path: string, pattern: RegExp, by: string, name: string][] = [
    ['docs/faults/device.md', /^### CV_LINK_TIMEOUT$/m, '### CV_LINK_TIMED_OUT', 'CV_LINK_TIMED_OUT'],
    ['docs/losses.md', /`merged`/, '`mixed`', 'mixed'],
    ['docs/metrics.md', /cityvitals_faults_total/, 'cityvitals_errors_total', 'cityvitals_errors_total'],
    ['docs/configuration/gateway.md', /`store\.retention`/, '`store.keep`', 'store.keep'],
    ['docs/operator.md', /CV_LINK_TIMEOUT/, 'CV_LINK_SLOW', 'CV_LINK_SLOW'],
    ['docs/evidence.md', /reason="picture_unblurred"/, 'reason="picture_gone"', 'picture_gone'],
  ];
  for (const [path, pattern, by, name] of cases) {
    const found = gapsWith(path, pattern, by);
    assert.ok(
      found.some((sentence) => sentence.includes(`names ${name}`) && sentence.includes('which there is not')),
      `${name}: ${found.join('; ')}`,
    );
  }
});

test('an index that says another stage, or leads to another page, is found', () => {
  assert.ok(gapsWith('docs/faults.md', /(`CV_LINK_TIMEOUT`\].* \| )`read`/, '$1`open`').length > 0);
  assert.ok(gapsWith('docs/faults.md', /faults\/device\.md#cv_link_timeout/, 'faults/log.md#cv_link_timeout').length > 0);
});
