import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Driver } from '../../core/driver.ts';
import type { Quality } from '../../core/event.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { CommandTerminal } from '../terminal.ts';
import { printDevice } from './device-report.ts';

const IDS = ['a', 'b', 'c'];
const points = IDS.map((id) => ({
  id,
  indicator: 'T',
  unit: 'm',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind: 'measurement' as const,
  own: { id },
}));

test('each value that is bad is marked, also one that its device says no more of', () => {
  const printed: string[] = [];
  const terminal = {
    json: false,
    language: 'en',
    text: ({ en }: { en: string }) => en,
    print: (line: string) => {
      printed.push(line);
    },
  } as unknown as CommandTerminal;
  const setup = { id: 'plc', driver: 'opcua', subject: 'plc', settings: {}, everyMs: 1000, timeoutMs: 2000, points };
  const qualities: Quality[] = ['bad', 'good', 'bad'];
  const readings = IDS.map((point, at) => ({
    point,
    tookMs: 5,
    sample: {
      device: 'plc',
      point,
      value: qualities[at] === 'bad' ? null : 3,
      unit: 'm',
      at: 0,
      clock: 'edge' as const,
      observedAt: 0,
      quality: qualities[at] as Quality,
      flags: qualities[at] === 'bad' ? ['other' as const] : [],
      origin: 'live' as const,
    },
  }));
  const code = printDevice(
    terminal,
    { setup, driver: { traits: ['listens'] } as unknown as Driver },
    { device: 'plc', isOpen: true, points: readings, picture: null, findings: [], faults: [] },
    undefined,
    '500112001',
    testWorld(),
  );
  assert.equal(code, 1);
  assert.deepEqual(
    printed.slice(1).map((line) => line.replaceAll(/ +/g, ' ').trim()),
    ['✗ a – m bad 5 ms other', 'b 3 m good 5 ms', '✗ c – m bad 5 ms other'],
  );
});
