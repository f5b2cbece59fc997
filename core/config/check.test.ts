import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { settingIssue, durationMs, rate, sizeBytes } from '../setting.ts';
import { checkDocument, ConfigDocument, problemLine, resolvePath, type CheckOptions } from './check.ts';

const ITEM = z.strictObject({
  id: z.string().regex(/^[a-z]+$/).meta({ zh: '编号', en: 'id' }),
  every: durationMs().prefault('1s').meta({ zh: '周期', en: 'period' }),
  range: z.tuple([z.number(), z.number()]).optional(),
  mode: z.enum(['tcp', 'rtu']).default('tcp'),
  deadband: z.union([z.number().min(0), z.strictObject({ percent: z.number().min(0).max(100) })]).optional(),
});
const SCHEMA = z.strictObject({
  name: z.string().meta({ zh: '名称', en: 'name of it', examples: ['pump'] }),
  port: z.number().int().min(1).max(65535).default(1883),
  token: z.string().min(4).meta({ zh: '令牌', en: 'token', secret: true }).optional(),
  max: sizeBytes().prefault('1GB'),
  speed: rate().optional(),
  loose: z.object({ a: z.number().optional() }).optional(),
  even: z.number().refine((value) => value % 2 === 0, settingIssue('must be even', '必须是偶数')).optional(),
  items: z.array(ITEM).default([]),
});

function lines(text: string, options: CheckOptions = {}) {
  const { problems } = checkDocument({ path: '/etc/cv/a.yaml', text }, SCHEMA, options);
  return problems.map((problem) => Object.assign(problemLine(problem, 'en'), { zh: problemLine(problem, 'zh-CN') }));
}
const brief = (text: string, options?: CheckOptions) => lines(text, options).map((line) => `${line.line} ${line.path} ${line.fault}`);

test('a right file gives its value with defaults, and quantities in base units', () => {
  const { value, problems } = checkDocument(
    { path: 'a.yaml', text: 'name: pump\nspeed: 60/1m\nitems:\n  - { id: a, every: 2s }\n' },
    SCHEMA,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(value, {
    name: 'pump',
    port: 1883,
    max: 1024 ** 3,
    speed: { amount: 60, periodMs: 60_000 },
    items: [{ id: 'a', every: 2000, mode: 'tcp' }],
  });
});

test('all problems are reported at once, each at its own line', () => {
  const text = `title: pump
port: 70000
max: 1 gigabyte
items:
  - id: A1
    every: 5 seconds
  - every: 1s
    mode: tpc
    range: [1]
loose:
  b: 1
even: 3
`;
  assert.deepEqual(brief(text), [
    '1 name CV_SETTING_MISSING',
    '1 title CV_SETTING_UNKNOWN',
    '2 port CV_SETTING_INVALID',
    '3 max CV_SETTING_INVALID',
    '5 items[0].id CV_SETTING_INVALID',
    '6 items[0].every CV_SETTING_INVALID',
    '7 items[1].id CV_SETTING_MISSING',
    '8 items[1].mode CV_SETTING_INVALID',
    '9 items[1].range CV_SETTING_INVALID',
    '11 loose.b CV_SETTING_UNKNOWN',
    '12 even CV_SETTING_INVALID',
  ]);
});

test('a remedy names the nearest right name, the known ones, the form that is wanted; in both languages', () => {
  const [missing, unknown] = lines('prot: 1\n');
  assert.match(unknown?.remedy ?? '', /did you mean "port"\? known here: name, port/);
  assert.match(unknown?.zh.remedy ?? '', /是否想写“port”/);
  assert.match(missing?.remedy ?? '', /name: pump \(a text; name of it\)/);
  assert.match(missing?.zh.remedy ?? '', /name: pump（文本；名称）/);
  const [mode] = lines('name: a\nitems: [{ id: a, mode: tpc }]\n');
  assert.match(mode?.message ?? '', /"tpc" is not one of tcp, rtu; did you mean tcp\?/);
  const [port] = lines('name: a\nport: 70000\n');
  assert.match(`${port?.message} ${port?.remedy}`, /70000 is out of range; at most 65535 .*a whole number from 1 to 65535/);
  const [every] = lines('name: a\nitems: [{ id: a, every: 5 }]\n');
  assert.match(`${every?.message} ${every?.remedy}`, /5 is a number; expected a duration such as .*every: 1s \(a duration such as/);
  const [name] = lines('name: 007\n');
  assert.match(name?.remedy ?? '', /put it in quotes: "007"/);
  for (const line of [unknown, missing, mode, port, every, name]) {
    assert.match(line?.zh.message ?? '', /\p{Script=Han}/u);
    assert.match(line?.zh.remedy ?? '', /\p{Script=Han}|[:(]/u);
    assert.doesNotMatch(JSON.stringify(line), /\{\w+\}/, 'every hole is filled');
  }
});

test('of two forms a setting may have, the one that was meant is corrected', () => {
  assert.deepEqual(brief('name: a\nitems:\n  - id: a\n    deadband: { percent: 120 }\n'), [
    '4 items[0].deadband.percent CV_SETTING_INVALID',
  ]);
  assert.deepEqual(brief('name: a\nitems:\n  - id: a\n    deadband: -1\n'), ['4 items[0].deadband CV_SETTING_INVALID']);
  const [text] = lines('name: a\nitems:\n  - id: a\n    deadband: little\n');
  assert.match(text?.message ?? '', /"little" is not a number of at least 0 or settings/);
});

test('secrets come from the environment and from files, and are never shown', () => {
  const env = { TOKEN: 's3cret-token', SHORT: 'abc', EMPTY: '' };
  const readFile = (path: string) => {
    if (path === '/etc/cv/token.txt') return 'from-file\n';
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  const check = (token: string) =>
    checkDocument({ path: '/etc/cv/a.yaml', text: `name: a\ntoken: "${token}"\n` }, SCHEMA, { env, readFile });
  assert.equal(check('${env:TOKEN}').value?.token, 's3cret-token');
  assert.equal(check('${file:token.txt}').value?.token, 'from-file');
  for (const [token, wanted] of [
    ['${env:NONE}', /NONE.*is not set/],
    ['${env:EMPTY}', /is empty/],
    ['${file:none}', /ENOENT/],
    ['${NONE}', /no known form/],
  ] as const) {
    const { problems, value } = check(token);
    assert.equal(value, null);
    assert.deepEqual(
      problems.map((problem) => [problem.line, problem.path, problem.fault.code]),
      [[2, 'token', 'CV_SECRET_MISSING']],
    );
    assert.match(problemLine(problems[0] as never, 'en').message, wanted);
  }
  const short = check('${env:SHORT}').problems.map((problem) => problemLine(problem, 'en'));
  assert.equal(short[0]?.fault, 'CV_SETTING_INVALID');
  assert.ok(!JSON.stringify(short).includes('abc'));
  assert.ok(!JSON.stringify(lines('name: a\ntoken: xyz\n')).includes('xyz'), 'a secret in the file itself is not shown either');
});

test('what YAML cannot read is told with its line, and the rest is checked all the same', () => {
  const cases: [text: string, wanted: string[]][] = [
    ['name: a\nport: "12\nmax: 3x\n', ['2  CV_CONFIG_SYNTAX', '3 max CV_SETTING_INVALID']],
    ['name: a\nitems: [{ id: a }\nmax: 3x\n', ['2  CV_CONFIG_SYNTAX', '3 max CV_SETTING_INVALID']],
    ['name: a\nitems:\n  - { id: a mode: tcp }\n  - { id: B }\n', ['3  CV_CONFIG_SYNTAX', '4 items[1].id CV_SETTING_INVALID']],
    ['name a\nport: x\n', ['1  CV_CONFIG_SYNTAX', '2 port CV_SETTING_INVALID']],
    ['name: a\nitems:\n\t- id: a\n\t  mode: x\n', ['3  CV_CONFIG_SYNTAX', '4  CV_CONFIG_SYNTAX', '4 items[0].mode CV_SETTING_INVALID']],
    [
      'name: a\nitems:\n\t- id: a\n\t- id: B\nport: x\n',
      ['3  CV_CONFIG_SYNTAX', '4  CV_CONFIG_SYNTAX', '4 items[1].id CV_SETTING_INVALID', '5 port CV_SETTING_INVALID'],
    ],
    // No width of a tab makes sense of this: it is meant to stand beside what the item holds.
    ['name: a\nitems:\n - id: a\n\tmode: x\n', ['4  CV_CONFIG_SYNTAX', '4 items[0].mode CV_SETTING_INVALID']],
    ['name: a\nname: b\nport: 1\n', ['2 name CV_SETTING_TWICE']],
    ['name: a\nname: b\nitems:\n - id: a\n   id: b\n', ['2 name CV_SETTING_TWICE', '5 items[0].id CV_SETTING_TWICE']],
    ['nmae: a\n', ['1 nmae CV_SETTING_UNKNOWN']],
    ['', ['1 name CV_SETTING_MISSING']],
    ['# nothing\n', ['1 name CV_SETTING_MISSING']],
    ['just a text\n', ['1  CV_SETTING_INVALID']],
    ['- a\n- b\n', ['1  CV_SETTING_INVALID']],
    ['name: *nobody\nport: x\n', ['1 name CV_CONFIG_SYNTAX', '2 port CV_SETTING_INVALID']],
    ['*nobody\n', ['1  CV_CONFIG_SYNTAX']],
    ['name: &a [*a]\n', ['1  CV_CONFIG_SYNTAX']],
    ['x: &a { mode: y }\nname: n\nitems:\n  - { id: a, <<: *a }\n', ['1 x CV_SETTING_UNKNOWN', '4 items[0].mode CV_SETTING_INVALID']],
    ['name: a\n---\nname: b\n', ['2  CV_CONFIG_SYNTAX']],
    ['\uFEFFname: a\r\nport: x\r\n', ['2 port CV_SETTING_INVALID']],
    ['name: \nport: 1\n', ['1 name CV_SETTING_INVALID']],
  ];
  for (const [text, wanted] of cases) assert.deepEqual(brief(text), wanted, JSON.stringify(text));
});

test('no text, however broken, makes the checker throw, and a problem always has a place in the file', () => {
  const piece = fc.constantFrom(
    'name', ': ', 'a', '\n', '  ', '\t', '- ', '{', '}', '[', ']', '"', "'", '&x ', '*x', '|', '>', '!', '%', '#',
    '<<: ', '${env:X}', '---', 'items', 'id', ',', '1', '中',
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')), (text) => {
    const { value, problems } = checkDocument({ path: 'a.yaml', text }, SCHEMA);
    assert.equal(value === null, problems.length > 0);
    const last = text.split('\n').length;
    for (const problem of problems) {
      assert.ok(problem.line >= 1 && problem.line <= last && problem.column >= 1, `${problem.line} of ${last}`);
      assert.doesNotMatch(JSON.stringify(problemLine(problem, 'zh-CN')), /\{(key|owner|hint|problem|detail)\}/);
    }
  }), { numRuns: 500 });
});

test('relative paths are relative to the file that names them', () => {
  assert.equal(resolvePath('/etc/cv/edge.yaml', './data'), '/etc/cv/data');
  assert.equal(resolvePath('/etc/cv/edge.yaml', '/data'), '/data');
});

test('of a setting that stands twice the first is checked, and the second told', () => {
  const document = new ConfigDocument({ path: 'a.yaml', text: 'items: [1, 2]\nname: a\nitems: []\n' }, {});
  assert.deepEqual(document.value, { items: [1, 2], name: 'a' });
  assert.deepEqual(document.problems.map(({ line, fault }) => `${line} ${fault.code}`), ['3 CV_SETTING_TWICE']);
});

test('what YAML cannot read is told in the words of the parser, of one line', () => {
  const detail = (text: string) =>
    checkDocument({ path: 'a.yaml', text }, SCHEMA)
      .problems.filter(({ fault }) => fault.code === 'CV_CONFIG_SYNTAX')
      .map(({ fault }) => String(fault.params.detail));
  const [loop] = detail('name: &a [*a]\n');
  assert.match(loop ?? '', /^Converting circular structure to JSON$/u);
});

test('a group of a wrong kind is checked as the kind whose name is near, else as the one whose settings it holds', () => {
  const kinds = z.strictObject({
    way: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('serial'), port: z.string(), baud: z.number() }),
      z.strictObject({ kind: z.literal('tcp'), host: z.string(), port: z.string() }),
      z.strictObject({ kind: z.literal('none') }),
    ]),
  });
  const told = (way: string) =>
    checkDocument({ path: 'a.yaml', text: `way: ${way}\n` }, kinds).problems.map(
      ({ path, fault }) => `${path} ${fault.code.replace('CV_SETTING_', '')}`,
    );
  assert.deepEqual(told('{ kind: seriel, baud: x }').toSorted(), ['way.baud INVALID', 'way.kind INVALID', 'way.port MISSING']);
  assert.deepEqual(
    told('{ kind: zigbee, host: 5 }').toSorted(),
    ['way.host INVALID', 'way.kind INVALID', 'way.port MISSING'],
    'only tcp has a host',
  );
  assert.deepEqual(
    told('{ kind: zigbee, port: 5 }').toSorted(),
    ['way.kind INVALID', 'way.port INVALID'],
    'two have a port: nothing is said to be missing',
  );
  assert.deepEqual(told('{ host: a, port: b }'), ['way.kind MISSING']);
});
