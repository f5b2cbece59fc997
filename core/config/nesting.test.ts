import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigDocument } from './check.ts';
import { MAX_YAML_DEPTH, tooDeepLine } from './nesting.ts';

const stairs = (levels: number) => Array.from({ length: levels }, (_, index) => `${' '.repeat(index)}a:`).join('\n');

test('a text that would end the parser, and the process with it, is told with its line and never parsed', () => {
  const deep = {
    open: '['.repeat(20_000),
    closed: '['.repeat(20_000) + ']'.repeat(20_000),
    maps: `${'{a: '.repeat(20_000)}1${'}'.repeat(20_000)}`,
    dashes: '- '.repeat(20_000),
    keys: '? '.repeat(300),
    stairs: stairs(2000),
    lines: Array.from({ length: 20_000 }, () => '[').join('\n'),
    inside: `a: {\n${Array.from({ length: 20_000 }, () => '  b: {').join('\n')}`,
    hidden: `edge: e1\n# "\nx: ${'['.repeat(5000)}`,
  };
  for (const [name, text] of Object.entries(deep)) {
    const { problems, value } = new ConfigDocument({ path: '/x.yaml', text }, {});
    assert.deepEqual([problems.map(({ fault }) => fault.code), value ?? null], [['CV_CONFIG_SYNTAX'], null], name);
  }
  assert.equal(new ConfigDocument({ path: '/x.yaml', text: deep.hidden }, {}).problems[0]?.line, 3);
  assert.match(String(new ConfigDocument({ path: '/x.yaml', text: deep.hidden }, {}).problems[0]?.fault.params.detailZh), /256 层/);
});

test('what people write is not held to be deep, whatever brackets stand in their texts', () => {
  const files = globSync(join(import.meta.dirname, '..', '..', '{configs,models,drivers}', '**', '*.yaml'));
  assert.ok(files.length > 20);
  for (const file of files) assert.equal(tooDeepLine(readFileSync(file, 'utf8')), null, file);
  const intervals = `items:\n${Array.from({ length: 2000 }, (_, index) => `  - { id: a${index}, points: [1, 2] }\n    note: from [${index}, 5) on, and [6, 7) too # [[[`).join('\n')}\n`;
  assert.equal(tooDeepLine(intervals), null);
  const nested = (depth: number) => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`;
  assert.deepEqual(
    [tooDeepLine(nested(MAX_YAML_DEPTH)), tooDeepLine(nested(MAX_YAML_DEPTH + 1)), tooDeepLine(stairs(200))],
    [null, 1, null],
  );
});

test('a bracket that is never closed counts for its own lines, and not for what follows them', () => {
  const whole = `b: ${'['.repeat(MAX_YAML_DEPTH)}${']'.repeat(MAX_YAML_DEPTH)}`;
  assert.deepEqual(
    [
      tooDeepLine(`a: from [1 on\n${whole}`),
      tooDeepLine(`a: [\n  ${whole}`),
      tooDeepLine(`[\n${whole}`),
      tooDeepLine(`a: [ # [\n]\n${whole}`),
    ],
    [null, 2, 2, null],
  );
  const dashes = (count: number) => `a:\n${'- '.repeat(count)}x`;
  assert.deepEqual(
    [
      tooDeepLine(dashes(32)),
      tooDeepLine(dashes(33)),
      tooDeepLine(`# ${'['.repeat(300)}\n\n\r\n${stairs(MAX_YAML_DEPTH)}`),
      tooDeepLine(stairs(MAX_YAML_DEPTH + 1)),
    ],
    [null, 2, null, MAX_YAML_DEPTH + 1],
  );
});
