import assert from 'node:assert/strict';
import { test } from 'node:test';
import { infer } from '../infer/line.ts';
import type { DecodedItem } from '../item.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import type { SceneSettings } from '../../scene/settings.ts';
import { cameraPipeline } from '../infer/camera-pipeline.ts';
import { sceneMessage, detectionsMessage, updateLastMeasures, type AnalysedPicture } from './viewer-messages.ts';

const YARD = {
  id: 'yard',
  zh: '院子',
  polygon: [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ],
  count: ['person'],
  present: [],
} as unknown as SceneSettings['zones'][number];
const ENTRY = {
  id: 'entry',
  en: 'way in',
  from: [0, 0.5],
  to: [1, 0.5],
  inside: [0.5, 1],
  of: ['person'],
} as SceneSettings['lines'][number];
const MASK: [number, number][] = [
  [0, 0],
  [0.5, 0],
  [0.5, 1],
];
const AT = Date.UTC(2026, 0, 1);

test('who begins to watch is told zones and lines by their names, and what nobody may see', () => {
  assert.deepEqual(
    sceneMessage({ url: 'rtsp://camera.example/1', password: 'geheim', zones: [YARD], lines: [ENTRY], mask: [MASK] }, false),
    {
      kind: 'scene',
      isReplay: false,
      masks: [MASK],
      zones: [{ id: 'yard', name: { zh: '院子', en: 'yard' }, polygon: YARD.polygon }],
      lines: [{ id: 'entry', name: { zh: 'entry', en: 'way in' }, from: [0, 0.5], to: [1, 0.5], inside: [0.5, 1] }],
    },
  );
  assert.deepEqual(sceneMessage(null, true), { kind: 'scene', isReplay: true, masks: [], zones: [], lines: [] });
});

test('what stands is kept for who comes later, what happened is told once', () => {
  const looked = {
    device: 'cam',
    picture: { ptsMs: 400 },
    at: AT,
    boxes: [{ class: 'dog', score: 0.5, x: 0, y: 0, width: 0.1, height: 0.1 }],
    tracks: [],
  };
  const first = updateLastMeasures(undefined, [
    { point: 'yard.persons', kind: 'measurement', value: 2 },
    { point: 'yard.intrusion', kind: 'state', value: 1 },
  ]);
  const second = updateLastMeasures(first, [
    { point: 'yard.persons', kind: 'measurement', value: 3 },
    { point: 'entry.in', kind: 'occurrence', value: 1 },
  ]);
  assert.deepEqual(second, { 'yard.persons': 3, 'yard.intrusion': 1 });
  assert.deepEqual(
    detectionsMessage(
      {
        ...looked,
        measures: [{ point: 'entry.in', kind: 'occurrence', value: 1 }],
        model: { classes: ['person', 'dog'], classesZh: ['人', '狗'] },
      },
      second,
    ),
    {
      kind: 'seen',
      at: AT,
      ptsMs: 400,
      values: second,
      happened: { 'entry.in': 1 },
      boxes: [{ class: 'dog', zh: '狗', x: 0, y: 0, width: 0.1, height: 0.1 }],
    },
  );
});

test('each picture that was looked at is told with its own times, and who is followed with a number', async () => {
  const seen: AnalysedPicture[] = [];
  const detector = {
    model: 'm',
    provider: 'cpu',
    detect: () => Promise.resolve({ boxes: [{ class: 'person', score: 0.9, x: 0.4, y: 0.2, width: 0.2, height: 0.5 }], durationMs: 1 }),
    close: async () => {},
  };
  const station = infer(new Map([['cam', { detector, pipeline: cameraPipeline({ zones: [YARD] }) }]]), testWorld(), undefined, undefined, {
    tellViewers: (looked) => seen.push(looked),
  });
  for (const index of [0, 1, 2]) {
    const picture = { index, ptsMs: index * 200, width: 2, height: 2, yuv: new Uint8Array(6) };
    station.take?.(
      [{ device: 'cam', at: AT + index * 200, observedAt: AT, points: { 'yard.persons': { unit: '{person}' } }, picture } as DecodedItem],
      () => {},
    );
    await settle();
  }
  assert.deepEqual(
    seen.map(({ at, picture: { ptsMs }, tracks }) => [at - AT, ptsMs, tracks.map(({ id }) => id)]),
    [
      [0, 0, []],
      [200, 200, []],
      [400, 400, [1]],
    ],
  );
  assert.deepEqual(
    seen.map(({ measures }) => measures.map(({ point, value }) => [point, value])),
    [[['yard.persons', 0]], [['yard.persons', 0]], [['yard.persons', 1]]],
  );
  await station.close?.();
});
