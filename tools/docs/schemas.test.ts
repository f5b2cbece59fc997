import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { ConfigDocument } from '../../core/config/check.ts';
import { DRIVERS } from '../../drivers/index.ts';
import { SINKS } from '../../gateway/sinks/index.ts';
import { editorSchemas, type JsonSchema } from './schemas.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const texts = editorSchemas(await Promise.all(DRIVERS.map((entry) => entry.load())), await Promise.all(SINKS.map((entry) => entry.load())));
const schemas = new Map(Object.entries(texts).map(([path, text]) => [path, JSON.parse(text) as JsonSchema]));
const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
const of = (name: string) => schemas.get(`docs/schemas/${name}.schema.json`) as JsonSchema;

/** As an editor sees it: nothing of it is filled in. */
const asWritten = (path: string, text: string): unknown =>
  new ConfigDocument({ path, text }, { env: new Proxy({}, { get: (_, name) => `\${env:${String(name)}}` }), readFile: () => '${file:x}' })
    .value;

/** Where the schema finds fault; the branches of an `anyOf` are not worth a word beside it. */
function faults(name: string, value: unknown): string[] {
  const validate = ajv.compile(of(name));
  validate(value);
  return [
    ...new Set(
      (validate.errors ?? []).map(
        (error) => `${error.instancePath}${error.keyword === 'additionalProperties' ? `/${String(error.params.additionalProperty)}` : ''}`,
      ),
    ),
  ];
}

const files = globSync('configs/**/*.yaml', { cwd: ROOT });
assert.ok(files.length >= 11);

for (const file of files) {
  test(`${file} names its schema and fits it`, () => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? 'none';
    const path = join(dirname(join(ROOT, file)), named);
    assert.ok(existsSync(path), named);
    assert.deepEqual(faults(/([a-z]+)\.schema\.json$/.exec(path)?.[1] ?? '', asWritten(file, text)), []);
  });
}

test('a file full of mistakes is underlined where they are', () => {
  const path = join(ROOT, 'cli', 'testing', 'mistakes.yaml');
  const found = faults('edge', asWritten(path, readFileSync(path, 'utf8')));
  for (const place of ['/edge', '/centre', '/devices/0/driver', '/devices/0/every'])
    assert.ok(found.includes(place), `${place} in ${found.join(' ')}`);
});

const edge = (device: object) => ({
  edge: 'e',
  centre: '500112001',
  gateway: { url: 'mqtt://127.0.0.1' },
  devices: [
    {
      id: 'd',
      driver: 'modbus',
      settings: { host: 'a' },
      points: [{ id: 'p', indicator: 'I-1', address: 'holding:1', type: 'int16', unit: 'm' }],
      ...device,
    },
  ],
});

test('settings and points are those of the driver', () => {
  assert.deepEqual(faults('edge', edge({})), []);
  assert.deepEqual(faults('edge', edge({ settings: { host: 'a', prot: 502 } })), ['/devices/0/settings/prot', '/devices/0']);
  assert.deepEqual(faults('edge', edge({ points: [{ id: 'p', indicator: 'I-1', address: 'holding:1', type: 'float23', adress: 'x' }] })), [
    '/devices/0/points/0/adress',
    '/devices/0/points/0/type',
    '/devices/0',
  ]);
  assert.ok(faults('edge', edge({ points: undefined })).includes('/devices/0'));
  const camera = { driver: 'camera', settings: { url: 'file:a.avi' } };
  assert.deepEqual(faults('edge', edge({ ...camera, points: [{ id: 'persons', deadband: 1 }] })), []);
  assert.ok(faults('edge', edge({ ...camera, points: [{ id: 'people' }] })).includes('/devices/0/points/0/id'));
});

test('durations, sizes, rates and secrets are taken in every form they have, and in no other', () => {
  const point = (more: object) =>
    edge({ points: [{ id: 'p', indicator: 'I-1', address: 'holding:1', type: 'int16', unit: 'm', ...more }] });
  for (const every of ['500ms', '1s', '1.5s', '5m', '2h', '90d', '2y', 'forever'])
    assert.deepEqual(faults('edge', edge({ every })), [], every);
  for (const every of ['1 sec', '5', 5, 'm']) assert.ok(faults('edge', edge({ every })).includes('/devices/0/every'), String(every));
  assert.deepEqual(faults('edge', point({ maxRate: '2/1m', stuckFor: '1h' })), []);
  assert.ok(faults('edge', point({ maxRate: '2 per minute' })).includes('/devices/0/points/0/maxRate'));
  for (const [maxBytes, isRight] of [['64MB', true], ['1.5GB', true], ['1 GB', false], [5, false]] as const) {
    assert.equal(faults('edge', { ...edge({}), log: { maxBytes } }).length === 0, isRight, String(maxBytes));
  }
  for (const token of ['plain', '${env:TOKEN}', '${file:/run/secrets/token}']) {
    assert.deepEqual(
      faults('gateway', {
        gateway: '${env:NAME}',
        centre: '500112001',
        broker: { embedded: { edges: [{ id: 'a', token }] } },
        operators: [{ name: 'duty', token: '${env:DUTY}' }],
      }),
      [],
    );
  }
});

test('every example that the schemas show is right by them, and everything is explained in both languages', () => {
  const bare: string[] = [];
  const walk = (schema: JsonSchema, path: string): void => {
    const validate = ajv.compile({ ...schema, examples: undefined });
    for (const example of Array.isArray(schema.examples) ? schema.examples : [])
      assert.ok(validate(example), `${path}: ${JSON.stringify(example)}`);
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (
        !/^[^\n]+\n[^\n]*[\u4e00-\u9fff]/.test(String(field.description ?? '')) &&
        field.const === undefined &&
        field.anyOf?.every((one) => one.const === undefined) !== false
      )
        bare.push(`${path}.${name}`);
      walk(field, `${path}.${name}`);
    }
    for (const inner of [schema.items, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? []).map(({ then }) => then)])
      if (inner) walk(inner, `${path}[]`);
  };
  for (const [path, schema] of schemas) walk(schema, path);
  assert.deepEqual(bare.filter((path) => !/\[\]\.(settings|points|driver|kind)$/.test(path)), []);
});
