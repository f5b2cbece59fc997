import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse } from 'yaml';
import { problemLine } from '../../core/config/problem.ts';
import { WIRE_EXAMPLES } from '../../gateway/http/wire-examples.ts';
import { EXAMPLES } from '../../gateway/http/testing/examples.ts';
import { messageSchemas } from './messages.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const ajv = new Ajv({ strict: false, validateFormats: false, allowUnionTypes: true });
const schemas = Object.fromEntries(Object.entries(messageSchemas()).map(([name, schema]) => [name, ajv.compile(schema)]));

function fits(name: string, value: unknown, where: string): void {
  const validate = schemas[name] as ValidateFunction;
  assert.ok(validate(value), `${name}, ${where}: ${JSON.stringify(validate.errors?.slice(0, 2))}`);
}

const linesOf = (file: string) =>
  readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('every recorded case is one by the schemas of its files', () => {
  const cases = globSync('drivers/*/recorded/*/case.yaml', { cwd: ROOT });
  assert.ok(cases.length >= 10);
  for (const file of cases) {
    fits('case', parse(readFileSync(join(ROOT, file), 'utf8')), file);
    for (const [name, schema] of [['traffic.jsonl', 'traffic-line'], ['frames.jsonl', 'frame-line']] as const) {
      for (const path of globSync(join(dirname(file), name), { cwd: ROOT })) for (const line of linesOf(path)) fits(schema, line, path);
    }
    for (const path of globSync(join(dirname(file), 'expected.jsonl'), { cwd: ROOT }))
      for (const line of linesOf(path)) fits('fault' in line ? 'fault-line' : 'sample-line', line, path);
  }
});

test('a mistake in a configuration, as it is printed, fits the schema of its line', () => {
  fits(
    'problem-line',
    problemLine(
      {
        file: '/edge.yaml',
        line: 3,
        column: 5,
        path: 'devices[0].driver',
        fault: { code: 'CV_CONFIG_UNREADABLE', params: { path: '/edge.yaml', detail: 'ENOENT' } },
      },
      'zh-CN',
    ),
    'problemLine',
  );
});

test('what goes over the wire fits the schema of its name, and nothing else does', () => {
  const { rows, columns, ack, refusal, clock, state, lastWill, command, answer, out, warning } = WIRE_EXAMPLES;
  const { cursor: _cursor, receivedAt: _receivedAt, original: _original, ...event } = EXAMPLES.event;
  const right: [string, unknown][] = [
    ['event', event],
    ['batch', rows],
    ['batch', columns],
    ['ack', ack],
    ['ack', refusal],
    ['ack', clock],
    ['state', state],
    ['state', lastWill],
    ['command', command],
    ['answer', answer],
    ['out-event', out],
    ['warning', warning],
  ];
  for (const [name, message] of right) fits(name, JSON.parse(JSON.stringify(message)), 'example');
  for (const [name] of right) assert.ok(!schemas[name]?.({ v: 7 }) && !schemas[name]?.([]), name);
});
