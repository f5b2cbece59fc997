import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRIVERS } from '../../drivers/index.ts';
import { checkEdge } from './check.ts';

const yaml = (write: string, more = '') => `edge: e1
centre: "500112001"
gateway: { url: mqtt://127.0.0.1:1883 }
devices:
  - id: plc
    driver: modbus
    settings: { host: 127.0.0.1 }
    points:
      - { id: speed, address: "holding:1", unit: Hz, range: [0, 60], indicator: X-1, write: ${write} }
      - { id: running, address: "coil:3", type: bool, indicator: X-2 }
${more}`;

async function check(write: string, more?: string) {
  const { setup, problems } = await checkEdge({ path: '/edge.yaml', text: yaml(write, more) }, { env: {}, drivers: DRIVERS });
  return {
    write: setup?.devices[0]?.points[0]?.write,
    problems: problems.map(({ path, line, fault }) => `${line} ${path} ${fault.code} ${fault.params.problem ?? ''}`.trim()),
  };
}

test('what may be written, within what, under which interlocks; by default the range of the point, and nothing unless allowed', async () => {
  assert.deepEqual((await check('{ allow: true, range: [0, 50], interlock: { point: running, is: false } }')).write, {
    range: [0, 50],
    interlocks: [{ point: 'running', is: false }],
  });
  assert.deepEqual(
    (await check('{ allow: true, interlock: [{ point: running, is: true }, { device: plc, point: speed, below: 50 }] }')).write,
    {
      range: [0, 60],
      interlocks: [
        { point: 'running', is: true },
        { device: 'plc', point: 'speed', below: 50 },
      ],
    },
  );
  assert.deepEqual(await check('{ allow: false }'), { write: undefined, problems: [] });
});

test("an interlock that nothing could judge, a range beyond the point's, a driver that does not write, are mistakes with their place", async () => {
  const mistakes: [string, RegExp][] = [
    ['{ allow: true, interlock: { point: runing, is: false } }', /^9 devices\[0\]\.points\[0\]\.write\.interlock\.point CV_POINT_UNKNOWN/],
    [
      '{ allow: true, interlock: [{ point: running, is: false }, { device: pump, point: running, is: false }] }',
      /^9 .*interlock\[1\]\.device CV_SETTING_INVALID there is no device/,
    ],
    ['{ allow: true, interlock: { point: running } }', /exactly one of is, above, below/],
    ['{ allow: true, interlock: { point: running, is: true, above: 2 } }', /exactly one of is, above, below/],
    ['{ allow: true, range: [0, 61] }', /write\.range CV_SETTING_INVALID it goes beyond/],
    ['{ allow: true, range: [5, 1] }', /write\.range CV_SETTING_INVALID/],
    ['{ allow: yes please }', /write\.allow CV_SETTING/],
    ['{ range: [0, 1] }', /write/],
  ];
  for (const [write, expected] of mistakes) {
    const { problems } = await check(write);
    assert.equal(problems.length, 1, `${write}: ${problems.join('\n')}`);
    assert.match(problems[0] ?? '', expected);
  }
  const camera = `  - { id: cam, driver: camera, settings: { url: "file:./a.avi" }, points: [{ id: persons, write: { allow: true } }] }\n`;
  assert.match(
    (await check('{ allow: true }', camera)).problems.join('\n'),
    /devices\[1\]\.points\[0\]\.write\.allow CV_SETTING_INVALID its driver camera does not write/,
  );
});

test('a number without any range may not be written', async () => {
  const text = yaml('{ allow: true }').replace('range: [0, 60], ', '');
  const { problems } = await checkEdge({ path: '/edge.yaml', text }, { env: {}, drivers: DRIVERS });
  assert.deepEqual(problems.map(({ fault }) => fault.params.problem), ['what may be written needs a range']);
});
