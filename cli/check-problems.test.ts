import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { problemLine, type ProblemLine } from '../core/config/check.ts';
import { DRIVERS } from '../drivers/index.ts';
import { checkEdge } from '../edge/config/check.ts';

const RIGHT = `edge: pump-07
centre: "500112001"
gateway:
  url: mqtt://127.0.0.1:1883
  token: \${env:TOKEN}
log: { dir: ./data/pump-07, maxBytes: 1GB }
http: { host: 127.0.0.1, port: 0 }
devices:
  - id: plc
    driver: modbus
    subject: pump-07
    position: { lon: 106.577, lat: 29.557 }
    every: 1s
    timeout: 2s
    settings: { transport: tcp, host: 10.1.2.3, port: 5020, unit: 1 }
    points:
      - id: level
        address: "holding:100"
        type: float32
        wordOrder: big
        unit: m
        indicator: YJ-FLD-001
        scale: 1
        offset: 0
        range: [0, 12]
        maxRate: 2/1m
        stuckFor: 1h
        deadband: 0.01
        heartbeat: 60s
        limits: [3.0, 3.5]
      - id: running
        address: "coil:3"
        type: bool
        indicator: SS-DRN-011
  - id: air
    driver: opcua
    settings:
      endpoint: opc.tcp://10.1.2.4:4840
      security: none
    points:
      - id: pm25
        node: "ns=2;s=Air.PM25"
        unit: ug/m3
        indicator: ST-AIR-001
        deadband: { percent: 1 }
  - id: gate-cam
    driver: camera
    settings:
      url: file:./gate.avi
      fps: 5
    points:
      - id: persons
        heartbeat: 30s
`;

/** [what stands, what somebody wrote instead, the code, what the message and remedy must hold]. One mistake each. */
const MISTAKES: [right: string, wrong: string, code: string, words: RegExp][] = [
  // misspelt keys
  ['edge: pump-07\n', 'egde: pump-07\n', 'UNKNOWN', /did you mean "edge"/],
  ['gateway:\n', 'gatway:\n', 'UNKNOWN', /did you mean "gateway"/],
  ['  token:', '  tocken:', 'UNKNOWN', /did you mean "token"/],
  ['maxBytes', 'maxbytes', 'UNKNOWN', /did you mean "maxBytes"/],
  ['subject: pump', 'subjekt: pump', 'UNKNOWN', /did you mean "subject"/],
  ['    every: 1s', '    interval: 1s', 'UNKNOWN', /known here: .*every/],
  ['    timeout: 2s', '    time-out: 2s', 'UNKNOWN', /did you mean "timeout"/],
  ['unit: 1 }', 'unitt: 1 }', 'UNKNOWN', /did you mean "unit"/],
  ['        wordOrder', '        word_order', 'UNKNOWN', /did you mean "wordOrder"/],
  ['        address: "holding', '        adress: "holding', 'UNKNOWN', /did you mean "address"/],
  ['        deadband: 0.01', '        dead: 0.01', 'UNKNOWN', /did you mean "deadband"/],
  ['{ percent: 1 }', '{ percents: 1 }', 'UNKNOWN', /did you mean "percent"/],
  // left out
  ['centre: "500112001"\n', '', 'MISSING', /add it: centre: .*"?500112001/],
  ['        address: "coil:3"\n', '', 'MISSING', /address: "?holding:100/],
  ['        unit: m\n', '', 'MISSING', /unit: m .*UCUM/],
  ['        indicator: SS-DRN-011\n', '', 'MISSING', /indicator: YJ-FLD-001/],
  ['      security: none\n', '', 'MISSING', /security: .*Basic256Sha256/],
  ['host: 10.1.2.3, ', '', 'MISSING', /host: /],
  ['    driver: camera\n', '', 'MISSING', /driver: modbus/],
  ['  url: mqtt://127.0.0.1:1883\n', '', 'MISSING', /url: "?mqtt:/],
  // of the wrong type
  ['"500112001"', '500112001', 'INVALID', /put it in quotes: "500112001"/],
  ['port: 5020', 'port: fivethousand', 'INVALID', /"fivethousand" is a text; expected a number .*whole number from 1 to 65535/],
  ['port: 5020', 'port: "5020"', 'INVALID', /"5020" is a text; expected a number/],
  ['range: [0, 12]', 'range: 12', 'INVALID', /range: \[0,12\]/],
  ['range: [0, 12]', 'range: [0]', 'INVALID', /at least 2 entries/],
  ['limits: [3.0, 3.5]', 'limits: 3.0', 'INVALID', /expected a list/],
  ['scale: 1', 'scale: yes', 'INVALID', /"yes" is a text; expected a number/],
  ['scale: 1', 'scale: .nan', 'INVALID', /number/],
  ['    every: 1s', '    every: 1', 'INVALID', /1 is a number; expected a duration such as/],
  ['    every: 1s', '    every:', 'INVALID', /is empty/],
  // of the wrong form
  ['edge: pump-07\n', 'edge: Pump 07\n', 'INVALID', /"Pump 07" does not have the form/],
  ['"500112001"', '"5001"', 'INVALID', /"5001" does not have the form/],
  ['mqtt://127.0.0.1:1883', '127.0.0.1:1883', 'INVALID', /broker address such as mqtt:/],
  ['mqtt://127.0.0.1:1883', 'http://127.0.0.1:1883', 'INVALID', /broker address such as mqtt:/],
  ['mqtt://127.0.0.1:1883', 'mqtt://127.0.0.1:188300', 'INVALID', /port from 1 to 65535/],
  ['maxBytes: 1GB', 'maxBytes: 1 gigabyte', 'INVALID', /a size such as 64MB or 1GB/],
  ['host: 127.0.0.1, port: 0', 'host: 127.0.0.256, port: 0', 'INVALID', /IP address or host name/],
  ['host: 127.0.0.1, port: 0', 'host: 127.0.0.1, port: 70000', 'INVALID', /at most 65535/],
  ['    every: 1s', '    every: 1 second', 'INVALID', /a duration such as 500ms/],
  ['    every: 1s', '    every: forever', 'INVALID', /from 10ms to 1d/],
  ['    timeout: 2s', '    timeout: -2s', 'INVALID', /a duration such as/],
  ['    timeout: 2s', '    timeout: 0s', 'INVALID', /from 10ms to 10m/],
  ['maxRate: 2/1m', 'maxRate: 2 per minute', 'INVALID', /a rate such as 60\/1m/],
  ['indicator: YJ-FLD-001', 'indicator: YJ FLD 001', 'INVALID', /"YJ FLD 001" does not have the form/],
  ['  - id: plc', '  - id: "plc 1"', 'INVALID', /"plc 1" does not have the form/],
  ['"holding:100"', '"register:100"', 'INVALID', /holding:100/],
  ['"holding:100"', '"holding:99999"', 'INVALID', /holding:100/],
  ['opc.tcp://10.1.2.4:4840', 'http://10.1.2.4:4840', 'INVALID', /opc\.tcp:/],
  ['file:./gate.avi', 'gate.avi', 'INVALID', /file:/],
  ['"ns=2;s=Air.PM25"', 'Air.PM25', 'INVALID', /ns=2;s=/],
  // no such choice
  ['type: float32', 'type: float23', 'INVALID', /did you mean float32/],
  ['wordOrder: big', 'wordOrder: biggest', 'INVALID', /one of big, little/],
  ['transport: tcp', 'transport: tpc', 'INVALID', /tcp/],
  ['security: none', 'security: non', 'INVALID', /none/],
  // out of bounds, or against sense
  ['port: 5020', 'port: 502000', 'INVALID', /502000 is out of range; at most 65535/],
  ['unit: 1 }', 'unit: 300 }', 'INVALID', /at most 255/],
  ['lon: 106.577', 'lon: 206.577', 'INVALID', /at most 180/],
  ['lat: 29.557', 'lat: -91', 'INVALID', /at least -90/],
  ['range: [0, 12]', 'range: [12, 0]', 'INVALID', /first number must be below/],
  ['limits: [3.0, 3.5]', 'limits: [3.0, 35]', 'INVALID', /35 lies outside the range 0 to 12/],
  ['deadband: 0.01', 'deadband: -0.01', 'INVALID', /-0\.01/],
  ['deadband: 0.01', 'deadband: 20', 'INVALID', /as wide as the whole range/],
  ['{ percent: 1 }', '{ percent: 120 }', 'INVALID', /at most 100/],
  ['scale: 1', 'scale: 0', 'INVALID', /0 would make every value 0/],
  ['fps: 5', 'fps: 500', 'INVALID', /at most 60/],
  // names that are not there, or are there twice
  ['driver: modbus\n', 'driver: modbuss\n', 'CV_DRIVER_UNKNOWN', /did you mean "modbus"/],
  ['driver: modbus\n', 'driver: profibus\n', 'CV_DRIVER_UNKNOWN', /known here: .*modbus, opcua, camera/],
  ['  - id: air', '  - id: plc', 'CV_ID_TWICE', /"plc" .*line 9/],
  ['      - id: running', '      - id: level', 'CV_ID_TWICE', /"level" .*line 17/],
  ['      - id: persons', '      - id: person', 'CV_POINT_UNKNOWN', /did you mean "persons"/],
  ['    timeout: 2s', '    every: 2s', 'CV_SETTING_TWICE', /"every".*line 13/],
  // units
  ['        unit: m\n', '        unit: metre\n', 'CV_UNIT_UNKNOWN', /did you mean "m"/],
  ['        unit: ug/m3', '        unit: µg/m³', 'CV_UNIT_UNKNOWN', /did you mean "ug\/m3"/],
  ['        unit: ug/m3', '        unit: furlongs/fortnight', 'CV_UNIT_UNKNOWN', /did you mean|UCUM code/],
  // secrets
  ['${env:TOKEN}', '${env:TOKN}', 'CV_SECRET_MISSING', /TOKN.*is not set/],
  ['${env:TOKEN}', '${file:/no/such/token}', 'CV_SECRET_MISSING', /cannot be read \(ENOENT\)/],
  ['${env:TOKEN}', '${credential:token}', 'CV_SECRET_MISSING', /systemd has not given.*LoadCredential=token:PATH/],
  ['${env:TOKEN}', '${credential:../token}', 'CV_SECRET_MISSING', /cannot be its name/],
  ['${env:TOKEN}', '${TOKEN}', 'CV_SECRET_MISSING', /\$\{env:NAME\}/],
  // YAML
  ['    subject: pump-07', '\tsubject: pump-07', 'CV_CONFIG_SYNTAX', /tab/],
  ['"coil:3"', '"coil:3', 'CV_CONFIG_SYNTAX', /quote/],
  ['host: 10.1.2.3,', 'host: 10.1.2.3', 'CV_CONFIG_SYNTAX', /comma/],
  ['range: [0, 12]', 'range: [0, 12', 'CV_CONFIG_SYNTAX', /bracket/],
  ['      fps: 5', '      fps:5', 'CV_CONFIG_SYNTAX', /colon with a space after it/],
  ['indicator: SS-DRN-011', 'indicator: SS: DRN', 'CV_CONFIG_SYNTAX', /quotes/],
];

const codeOf = (short: string): string => (short.startsWith('CV_') ? short : `CV_SETTING_${short}`);

async function check(text: string): Promise<(ProblemLine & { zh: ProblemLine })[]> {
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const { setup, problems } = await checkEdge(
    { path: '/etc/cityvitals/edge.yaml', text },
    { env: { TOKEN: 'SECRET-OF-THIS-EDGE' }, readFile, drivers: DRIVERS },
  );
  assert.equal(setup === null, problems.length > 0);
  return problems.map((problem) => Object.assign(problemLine(problem, 'en'), { zh: problemLine(problem, 'zh-CN') }));
}

test('the file itself is right', async () => {
  assert.deepEqual(await check(RIGHT), []);
});

for (const [right, wrong, code, words] of MISTAKES) {
  test(`${right.trim()} → ${wrong.trim() || '(left out)'}`, async () => {
    const index = RIGHT.indexOf(right);
    assert.ok(index >= 0, 'the table fits the file');
    const text = RIGHT.slice(0, index) + wrong + RIGHT.slice(index + right.length);
    const problems = await check(text);
    assert.deepEqual(problems.map((problem) => problem.fault), [codeOf(code)], JSON.stringify(problems, null, 1));
    const [problem] = problems as [ProblemLine & { zh: ProblemLine }];
    assert.match(`${problem.message} ${problem.remedy}`, words);
    assert.ok(problem.remedy && problem.zh.remedy);
    assert.match(problem.zh.message, /\p{Script=Han}/u);
    assert.doesNotMatch(
      JSON.stringify(problem),
      /\{(key|owner|hint|problem|detail|driver|point|id|unit|known|nearest|source|firstLine)\}|SECRET-OF-THIS-EDGE/,
    );
    // What is missing is told where its group begins.
    if (wrong !== '' && code !== 'MISSING')
      assert.equal(problem.line, text.slice(0, index).split('\n').length, `line of "${wrong.trim()}"`);
    else assert.ok(problem.line <= text.slice(0, index).split('\n').length);
  });
}

test('any number of mistakes is told at once, each in its own line', async () => {
  // Mistakes in different lines; of YAML ones at most one, since what follows it is read as well as can be.
  const lineOf = (right: string) => RIGHT.slice(0, RIGHT.indexOf(right)).split('\n').length;
  const candidates = MISTAKES.filter(
    ([right, wrong, code]) =>
      wrong !== '' &&
      !wrong.includes('driver:') &&
      !wrong.startsWith('egde') &&
      code !== 'CV_CONFIG_SYNTAX' &&
      code !== 'CV_SETTING_TWICE' &&
      code !== 'CV_ID_TWICE' &&
      !right.includes('gateway') &&
      !right.includes('transport'),
  );
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(candidates, { minLength: 1, maxLength: 20 }), async (chosen) => {
      const perLine = [...new Map(chosen.map((mistake) => [lineOf(mistake[0]), mistake])).values()];
      let text = RIGHT;
      for (const [right, wrong] of perLine) text = text.replace(right, () => wrong);
      const problems = await check(text);
      // Two that look at each other (limits, deadband and range) may hide one another; nothing else may.
      const independent = perLine.filter(([right]) => !/^(limits|deadband: 0|range)/.test(right));
      for (const [right, , code] of independent) {
        assert.ok(
          problems.some((problem) => problem.line === lineOf(right) && problem.fault === codeOf(code)),
          `${right} (${code}) in\n${JSON.stringify(problems.map(({ line, fault }) => [line, fault]))}`,
        );
      }
      assert.ok(problems.length <= perLine.length, 'and nothing is made up');
    }),
    { numRuns: 60 },
  );
});

test('whatever is done to the file, it is checked without a throw, and what is told lies in it', async () => {
  const edits = fc.array(
    fc.record({
      at: fc.nat(RIGHT.length),
      cut: fc.nat(30),
      put: fc.oneof(
        fc.constantFrom(
          '',
          '\n',
          '\t',
          ': ',
          '- ',
          '{',
          '}',
          '[',
          '"',
          '&a ',
          '*a',
          '<<: ',
          '1',
          'true',
          'null',
          '${file:x}',
          '!!binary ',
          '? ',
          '|\n',
        ),
        fc.string({ maxLength: 5 }),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  );
  await fc.assert(
    fc.asyncProperty(edits, async (changes) => {
      const text = changes.reduce((now, { at, cut, put }) => now.slice(0, at) + put + now.slice(at + cut), RIGHT);
      const lines = text.split('\n').length;
      for (const problem of await check(text))
        assert.ok(problem.line >= 1 && problem.line <= lines && problem.column >= 1 && problem.message);
    }),
    { numRuns: 300 },
  );
});

test('a file with thirteen mistakes: all thirteen, with line and remedy', async () => {
  const problems = await check(readFileSync(join(import.meta.dirname, 'testing/mistakes.yaml'), 'utf8'));
  assert.deepEqual(problems.map(({ line, path, fault }) => `${line} ${path} ${fault}`), [
    '1 edge CV_SETTING_INVALID',
    '2 centre CV_SETTING_INVALID',
    '4 gateway.url CV_SETTING_INVALID',
    '5 gateway.token CV_SECRET_MISSING',
    '8 devices[0].driver CV_DRIVER_UNKNOWN',
    '9 devices[0].every CV_SETTING_INVALID',
    '10 devices[0].settings.prot CV_SETTING_UNKNOWN',
    '12 devices[0].points[0].unit CV_UNIT_UNKNOWN',
    '12 devices[0].points[0].range CV_SETTING_INVALID',
    '13 devices[0].points[1].id CV_ID_TWICE',
    '14  CV_CONFIG_SYNTAX',
    '14 devices[0].points[2].adress CV_SETTING_UNKNOWN',
    '14 devices[0].points[2].type CV_SETTING_INVALID',
  ]);
});
