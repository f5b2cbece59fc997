import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../core/faults.ts';
import { point, settings, type ConfiguredFramePoint } from './settings.ts';
import { examine } from './examine.ts';

const pointOf = (one: Record<string, unknown>) => ({ id: String(one.id), ...point.parse(one) }) as ConfiguredFramePoint;
const at = (identity?: string) =>
  settings.parse({ description: 'shipped:compound-terminal', listen: '127.0.0.1:7600', ...(identity ? { identity } : {}) });

test('points and identities that do not fit the description are told before anything starts', async () => {
  const points = [
    { id: 'good', read: 'tags.reads.epc', where: { antenna: 1, isStored: false } },
    { id: 'a', read: 'tags.reads.ecp' },
    { id: 'b', read: 'tags.reads.epc', where: { antena: 1 } },
    { id: 'c', read: 'tags.reads.rssi', where: { epc: 3034 } },
    { id: 'd', read: 'crowd.devices', where: { antenna: 1 } },
  ].map(pointOf);
  const faults = await examine(at('500112000017'), points);
  assert.deepEqual(
    faults.map(({ code, params }) => [code, params.point, params.name ?? params.read]),
    [
      ['CV_DESCRIBED_POINT', 'a', 'tags.reads.ecp'],
      ['CV_DESCRIBED_WHERE', 'b', 'antena'],
      ['CV_DESCRIBED_WHERE', 'c', 'epc'],
      ['CV_DESCRIBED_WHERE', 'd', 'antenna'],
    ],
  );
  assert.match(explain(faults[1] as (typeof faults)[number], 'en').remedy, /antenna/);
  assert.match(explain(faults[2] as (typeof faults)[number], 'zh-CN').message, /引号/);
  assert.deepEqual((await examine(at('5001120'), [])).map(({ code }) => code), ['CV_DESCRIBED_IDENTITY']);
  assert.deepEqual(await examine(at(), []), []);
  assert.deepEqual((await examine({ ...at(), description: '/nowhere.yaml' }, [])).map(({ code }) => code), ['CV_DESCRIBED_FILE']);
});
