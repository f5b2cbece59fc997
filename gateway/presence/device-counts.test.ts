import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DICTIONARIES } from '../../console/shell/dictionary.ts';
import { deviceCounts } from './device-counts.ts';

test('devices of an edge that is away are unobserved, not lost, in the counts and in the sentence made of them', () => {
  const { total, fresh, lost, unobserved } = deviceCounts(
    (['fresh', 'late', 'lost', 'unobserved', 'unobserved'] as const).map((freshness) => ({ freshness })),
  );
  assert.deepEqual({ total, fresh, lost, unobserved }, { total: 5, fresh: 1, lost: 1, unobserved: 2 });
  assert.equal(
    DICTIONARIES.en.sentence('Longxi', total, fresh, lost, unobserved).join(''),
    'Longxi: 5 devices, 1 fresh, 1 lost, 2 unobserved, ',
  );
  assert.equal(
    DICTIONARIES['zh-CN'].sentence('龙溪镇', total, fresh, lost, unobserved).join(''),
    '龙溪镇：5 台设备，1 台数据及时，1 台离线，2 台状态未知，',
  );
  assert.equal(DICTIONARIES.en.sentence('Longxi', 1, 1, 0, 0).join(''), 'Longxi: 1 device, 1 fresh, 0 lost, ');
});
