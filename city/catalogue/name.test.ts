import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indicatorName } from './name.ts';

test('a code is named by the catalogue, as one of our own, or by itself', () => {
  const catalogue = {
    of: (code: string) => (code === 'YJ-FLD-001' ? { name: { zh: '河道水位', en: 'river stage' } } : null),
  } as Parameters<typeof indicatorName>[0];
  assert.deepEqual(
    ['YJ-FLD-001', 'CV-CLIP', 'CV-OTHER', 'constructor'].map((code) => indicatorName(catalogue, code).zh),
    ['河道水位', '事件短视频', 'CV-OTHER', 'constructor'],
  );
});
