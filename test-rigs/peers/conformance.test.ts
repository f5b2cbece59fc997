import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { packetBytes, CASES, connectAction, CONFORMANCE_EDGE, mqttPacket, type ConformanceCase } from './conformance-cases.ts';
import { embeddedBroker, runCase } from './conformance.ts';

const broker = await embeddedBroker();
after(() => broker.close());

test('there are 42 cases, each with a name of its own', () => {
  assert.equal(new Set(CASES.map(({ name }) => name)).size, 42);
});

for (const one of CASES.filter(({ isSlow }) => !isSlow)) {
  test(`MQTT ${one.clause}: ${one.name}`, async () => {
    assert.equal(await runCase(broker, one), null);
  });
}

const only: [string, ConformanceCase['steps']][] = [
  [
    'MQTT 5 is answered in its own form, with reason 0x84',
    [
      { on: 'a', send: connectAction({ ...CONFORMANCE_EDGE, level: 5, properties: packetBytes('00') }) },
      { on: 'a', want: 'CONNACK 0 132' },
      { on: 'a', want: 'closed' },
    ],
  ],
  [
    'an edge that leaves its client id to the broker is let in',
    [
      { on: 'a', send: connectAction({ ...CONFORMANCE_EDGE, id: '' }) },
      { on: 'a', want: 'CONNACK 0 0' },
    ],
  ],
  ...['cv/v1/out/a#', 'cv/v1/out/+a', 'a#', '+a', 'a+'].map((filter): [string, ConformanceCase['steps']] => [
    `${filter} is no filter`,
    [
      { on: 'a', send: connectAction({ id: 'r', user: 'city', password: 'city-password' }) },
      { on: 'a', want: 'CONNACK 0 0' },
      {
        on: 'a',
        send: mqttPacket(
          0x82,
          packetBytes('0001'),
          packetBytes('00'),
          Buffer.from([filter.length]),
          Buffer.from(filter),
          packetBytes('00'),
        ),
      },
      { on: 'a', want: 'closed' },
    ],
  ]),
];
for (const [name, steps] of only)
  test(`embedded: ${name}`, async () => assert.equal(await runCase(broker, { name, clause: '', steps }), null));

test('docs/brokers.md lists each case', async () => {
  const page = await readFile(new URL('../../docs/brokers.md', import.meta.url), 'utf8');
  for (const { name, clause } of CASES) assert.ok(page.includes(`| ${clause} | ${name} |`), name);
});
