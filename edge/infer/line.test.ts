import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Picture } from '../../core/driver.ts';
import type { Box } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import type { Sample } from '../../core/sample.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import type { Detection, Detector } from '../../models/load.ts';
import type { SceneSettings } from '../../scene/settings.ts';
import type { PictureSettings } from '../../scene/picture-settings.ts';
import { openLatestPictures } from './viewers/latest-pictures.ts';
import { cameraPipeline } from './camera-pipeline.ts';
import { infer } from './line.ts';
import type { DecodedItem, PictureItem } from '../item.ts';

const POINTS = { persons: { unit: '{person}' }, vehicles: { unit: '{vehicle}' }, occupancy: { unit: '%' } };
const AT = Date.UTC(2026, 0, 1);

const box = (label: string, x = 0.1, score = 0.9): Box => ({ class: label, score, x, y: 0.1, width: 0.2, height: 0.5 });
const picture = (index: number, device = 'cam', hold?: Picture['hold']): DecodedItem => ({
  device, at: AT + index * 200, observedAt: AT + index * 200 + 7, points: POINTS,
  picture: { index, ptsMs: index * 200, width: 2, height: 2, yuv: new Uint8Array(6).fill(index), ...(hold && { hold }) },
});
/** A picture like the one before. */
const flat = (index: number): DecodedItem =>
  ({ ...picture(index), picture: { index, ptsMs: index * 200, width: 16, height: 16, yuv: new Uint8Array(384).fill(90) } }) as DecodedItem;
const value = (device: string, number: number): DecodedItem => ({
  device, point: 'level', value: number, unit: 'm', at: AT, clock: 'edge', observedAt: AT, quality: 'good', flags: [], origin: 'live',
});

/** A detector that answers when the test says so. */
function slowDetector(waits: boolean) {
  const asked: { index: number; answer: (boxes: Box[]) => void; fail: (error: unknown) => void }[] = [];
  /** Called when the turn of this camera has come, where it has to wait for it. */
  const turns: (() => void)[] = [];
  const detector: Detector = {
    model: 'test-model', provider: 'cpu',
    detect: (next, signal) => new Promise<Detection>((resolve, reject) => {
      const picture = () => (typeof next === 'function' ? next() : next);
      const turn = () => { asked.push({ index: picture().index, answer: (boxes) => resolve({ boxes, durationMs: 5 }), fail: reject }); };
      if (waits) turns.push(turn);
      else turn();
      signal?.addEventListener('abort', () => reject(signal.reason));
    }),
    close: async () => {},
  };
  return { detector, asked, turns };
}

function rig(settings: Partial<PictureSettings & SceneSettings> = {}, sureScore = 0, waits = false) {
  const world = testWorld();
  const { detector, asked, turns } = slowDetector(waits);
  const pictures = openLatestPictures(null);
  const station = infer(new Map([['cam', { detector, pipeline: cameraPipeline(settings, sureScore) }]]), world, pictures);
  const out: Sample[] = [];
  const give = (items: readonly Sample[]) => { out.push(...items); };
  const told = (kind: string) => world.told.filter((event) => event.kind === kind);
  /** Samples that were read = given on + lost + still inside. */
  const sum = () => (told('samples_read') as { count?: number }[]).reduce((sum, { count = 0 }) => sum + count, 0)
    - (told('samples_lost') as { count?: number }[]).reduce((sum, { count = 0 }) => sum + count, 0);
  return { world, asked, turns, station, out, pictures, told, sum, take: (...items: DecodedItem[]) => station.take?.(items, give) };
}

test('a picture becomes three samples with the picture\'s time and the boxes they rest on', async () => {
  const { asked, out, take, told } = rig();
  take(picture(3));
  asked[0]?.answer([box('person'), box('person', 0.5, 0.4), box('car', 0.7), box('truck', 0.71, 0.5), box('dog')]);
  await settle();
  assert.deepEqual(
    out.map(({ point, value, unit, at, observedAt, clock, quality }) => [point, value, unit, at, observedAt, clock, quality]),
    [
      ['persons', 2, '{person}', AT + 600, AT + 607, 'edge', 'good'],
      ['vehicles', 1, '{vehicle}', AT + 600, AT + 607, 'edge', 'good'], // one van, two names
      ['occupancy', 30, '%', AT + 600, AT + 607, 'edge', 'good'],
    ],
  );
  assert.deepEqual(out[0]?.evidence, [{ kind: 'boxes', model: 'test-model', frame: 3, boxes: [box('person'), box('person', 0.5, 0.4)] }]);
  assert.equal(out[2]?.evidence, undefined);
  assert.deepEqual(told('inference'), [{ kind: 'inference', device: 'cam', durationMs: 5 }]);
});

test('memory of pictures is let go of when they are past, but for the newest that is kept for people', async () => {
  const { asked, turns, take, station } = rig({}, 0, true);
  const kept = new Map<number, number>();
  const counted = (index: number) => {
    const item = picture(index) as PictureItem;
    const keep = () => {
      kept.set(index, (kept.get(index) ?? 0) + 1);
      return () => { kept.set(index, (kept.get(index) ?? 0) - 1); };
    };
    return { ...item, picture: { ...item.picture, keep } };
  };
  const held = () => [...kept].flatMap(([index, count]) => (count > 0 ? [index] : []));
  take(counted(0), counted(1), counted(2));
  assert.deepEqual(held(), [0, 2], 'the one between is late');
  turns[0]?.();
  assert.deepEqual(held(), [2], 'a newer one has taken its place');
  asked[0]?.answer([]);
  await settle();
  assert.deepEqual(held(), [2], 'for people');
  take(counted(3));
  turns[1]?.();
  asked[1]?.fail(new FaultError('CV_MODEL_FAILED', { model: 'm', detail: 'd' }));
  await settle();
  assert.deepEqual(held(), [2]);
  take(counted(4));
  turns[2]?.();
  asked[2]?.answer([]);
  await settle();
  assert.deepEqual([...kept], [[0, 0], [1, 0], [2, 0], [3, 0], [4, 1]]);
  await station.close?.();
});

const GATE = { contrast: 10, share: 0.1, adapt: 3_000, settle: 0, every: 1000 };

test('where nothing moves the last counts are said again at each picture\'s time, and a look is due in the end', async () => {
  const { asked, out, take, told } = rig({ motion: GATE });
  const look = async (index: number) => {
    take(flat(index));
    asked.find((one) => one.index === index)?.answer([box('person')]);
    await settle();
  };
  for (const index of [0, 1, 2, 3, 4, 5, 6]) await look(index);
  assert.deepEqual(asked.map(({ index }) => index), [0, 5]);
  const persons = out.filter(({ point }) => point === 'persons');
  assert.deepEqual(
    persons.map(({ value, at }) => [value, at]),
    [0, 1, 2, 3, 4, 5, 6].map((index) => [1, AT + index * 200]),
  );
  assert.deepEqual(
    persons.map(({ evidence }) => evidence?.map((one) => (one.kind === 'boxes' ? one.frame : null))),
    [0, 0, 0, 0, 0, 5, 5].map((frame) => [frame]),
  );
  assert.equal(told('picture_still').length, 5);
});

test('a look that fails holds nothing: the next picture is looked at though nothing moves', async () => {
  const { asked, out, take, sum } = rig({ motion: GATE });
  take(flat(0));
  asked[0]?.fail(new FaultError('CV_DETECTOR_DIED', { model: 'test-model', detail: 'out of memory' }));
  await settle();
  take(flat(1));
  asked[1]?.answer([]);
  await settle();
  take(flat(2));
  await settle();
  assert.deepEqual(asked.map(({ index }) => index), [0, 1]);
  assert.deepEqual([out.length, sum()], [6, 6]);
});

test('what is masked is gone before the detector, or anybody, has the picture', async () => {
  const { asked, pictures, take } = rig({ mask: [[[0, 0], [1, 0], [1, 1], [0, 1]]] });
  const item = flat(0);
  take(item);
  assert.ok('picture' in item && item.picture.yuv.every((value, at) => value === (at < 256 ? 16 : 128)));
  asked[0]?.answer([]);
  await settle();
  assert.ok(await pictures.get('cam'));
});

test('what is no picture passes at once, and in its device\'s order behind a picture that is looked at', async () => {
  const { asked, out, take } = rig();
  take(value('plc', 1), picture(0), value('cam', 2), value('plc', 3));
  assert.deepEqual(out.map((sample) => sample.value), [1, 3]);
  asked[0]?.answer([]);
  await settle();
  assert.deepEqual(out.map((sample) => sample.value), [1, 3, 0, 0, 0, 2]);
  take(value('cam', 4));
  assert.equal(out.at(-1)?.value, 4);
});

test('one picture is looked at, the newest waits, those between are late and counted, and their source hears of it', async () => {
  const { asked, out, take, told, sum } = rig();
  const late: number[] = [];
  const heard = (index: number) => {
    const item = picture(index) as PictureItem;
    return { ...item, picture: { ...item.picture, late: () => { late.push(index); } } };
  };
  take(heard(0), heard(1), heard(2));
  take(heard(3));
  assert.deepEqual(asked.map(({ index }) => index), [0]);
  asked[0]?.answer([]);
  await settle();
  assert.deepEqual(asked.map(({ index }) => index), [0, 3]);
  asked[1]?.answer([]);
  await settle();
  assert.deepEqual(late, [1, 2]);
  assert.deepEqual(
    told('samples_lost'),
    [1, 2].map(() => ({ kind: 'samples_lost', count: 3, reason: 'picture_late', intended: false, device: 'cam' })),
  );
  assert.equal(sum(), out.length);
});

test('while a camera waits for its turn its newest picture takes the place of the one before', async () => {
  const { asked, turns, out, take, told, sum } = rig({}, 0, true);
  take(picture(0));
  take(picture(1));
  take(picture(2));
  turns[0]?.();
  assert.deepEqual(asked.map(({ index }) => index), [2]);
  asked[0]?.answer([box('person')]);
  await settle();
  assert.deepEqual(
    out.map(({ at, evidence }) => [at, evidence?.map((one) => (one.kind === 'boxes' ? one.frame : null))]),
    [
      [AT + 400, [2]],
      [AT + 400, [2]],
      [AT + 400, undefined],
    ],
  );
  assert.deepEqual(told('samples_lost').length, 2);
  assert.equal(sum(), 3);
  const held = [3, 4].map((index) => picture(index, 'cam', () => () => {}));
  take(...held);
  turns[1]?.();
  assert.equal(asked[1]?.index, 3);
});

test('pictures of a source that drops nothing all wait, and each is let go of when it is done', async () => {
  const { asked, out, take, told } = rig();
  const held: number[] = [];
  take(...[0, 1, 2].map((index) => picture(index, 'cam', () => {
    held.push(index);
    return () => { held.splice(held.indexOf(index), 1); };
  })));
  assert.deepEqual(held, [0, 1, 2]);
  for (let at = 0; at < 3; at += 1) {
    asked[at]?.answer([]);
    await settle();
  }
  assert.deepEqual([held, out.length, told('samples_lost')], [[], 9, []]);
});

test('a picture on which the detector fails is counted, its fault said once; the next good one clears it', async () => {
  const { asked, out, take, told, sum } = rig();
  take(picture(0));
  asked[0]?.fail(new FaultError('CV_DETECTOR_DIED', { model: 'test-model', detail: 'out of memory' }));
  await settle();
  assert.deepEqual(told('fault').map((event) => (event as { fault?: { code: string } }).fault?.code), ['CV_DETECTOR_DIED']);
  take(picture(1));
  asked[1]?.fail(new FaultError('CV_DETECTOR_DIED', { model: 'test-model', detail: 'again' }));
  await settle();
  assert.equal(told('fault').length, 1);
  take(picture(2));
  asked[2]?.answer([]);
  await settle();
  assert.deepEqual(told('fault_cleared'), [{ kind: 'fault_cleared', code: 'CV_DETECTOR_DIED', device: 'cam' }]);
  assert.deepEqual(
    told('samples_lost'),
    [0, 1].map(() => ({ kind: 'samples_lost', count: 3, reason: 'model_failed', intended: false, device: 'cam' })),
  );
  assert.equal(sum(), out.length);
  take(picture(3, 'camera without a detector'));
  await settle();
  assert.equal(told('samples_lost').length, 3);
});

test('counts are unknown from the second look in a row that fails until one succeeds; a fault that was told before is not told again', async () => {
  const { detector, asked } = slowDetector(false);
  const world = testWorld();
  const fault = { code: 'CV_MODEL_NOT_PULLED' as const, params: { model: 'm', path: 'p' } };
  const station = infer(new Map([['cam', { detector, pipeline: cameraPipeline({}, 0), fault }]]), world);
  const out: Sample[] = [];
  for (const index of [0, 1, 2, 3]) {
    station.take?.([{ ...picture(index), points: { ...POINTS, video: { unit: '' } } } as DecodedItem], (samples) => {
      out.push(...samples);
    });
    if (index < 3) asked[index]?.fail(new FaultError(fault.code, fault.params));
    else asked[index]?.answer([]);
    await settle();
  }
  assert.deepEqual(out.map(({ point, value, quality, flags, at }) => [point, value, quality, flags.join(), at - AT]), [
    ...['persons', 'vehicles', 'occupancy'].map((point) => [point, null, 'bad', 'config', 200]),
    ...['persons', 'vehicles', 'occupancy'].map((point) => [point, 0, 'good', '', 600]),
  ]);
  const kinds = (kind: string) => world.told.filter((event) => event.kind === kind);
  assert.deepEqual([kinds('fault').length, kinds('fault_cleared').length], [0, 1]);
});

test('close lets the picture in the detector finish and counts the one that waits', async () => {
  const { asked, out, station, take, told, sum } = rig();
  take(picture(0), picture(1), value('cam', 9));
  const closed = station.close?.();
  asked[0]?.answer([]);
  await closed;
  assert.deepEqual(out.map((sample) => sample.value), [0, 0, 0, 9]);
  assert.deepEqual((told('samples_lost') as { reason?: string }[]).map(({ reason }) => reason), ['shutdown']);
  assert.equal(sum(), 3);
});

test('close does not wait for a detector that never answers', async () => {
  const { station, take, told, world } = rig();
  take(picture(0));
  let isClosed = false;
  const closed = Promise.resolve(station.close?.()).then(() => { isClosed = true; });
  await world.clock.advanceMs(999);
  assert.equal(isClosed, false);
  await world.clock.advanceMs(1);
  await closed;
  assert.deepEqual((told('samples_lost') as { reason?: string }[]).map(({ reason }) => reason), ['shutdown']);
  take(picture(1));
  await settle();
  assert.equal(told('samples_lost').length, 2);
});

test('the last picture of a camera is there for people, encoded when asked for', async () => {
  const { asked, pictures, take } = rig();
  assert.equal(await pictures.get('cam'), null);
  take(picture(5));
  asked[0]?.answer([box('person'), box('bench')]);
  await settle();
  const [view, same] = await Promise.all([pictures.get('cam'), pictures.get('cam')]);
  assert.equal(view, same);
  assert.deepEqual(
    [view?.device, view?.index, view?.at, view?.width, view?.height, view?.boxes],
    ['cam', 5, AT + 1000, 2, 2, [box('person')]],
  );
  assert.deepEqual([...Buffer.from(view?.jpegBase64 ?? '', 'base64').subarray(0, 3)], [0xff, 0xd8, 0xff]);
});

test('a picture is shown in its right proportion and not wider than 640', async () => {
  const pictures = openLatestPictures(null);
  const size = async (width: number, height: number, aspect?: number) => {
    pictures.set(
      'cam',
      { index: 0, ptsMs: 0, width, height, yuv: new Uint8Array((width * height * 3) / 2), ...(aspect && { aspect }) },
      AT,
      [],
    );
    const view = await pictures.get('cam');
    return [view?.width, view?.height];
  };
  assert.deepEqual(await size(320, 320, 4 / 3), [427, 320]);
  assert.deepEqual(await size(1280, 720), [640, 360]);
  assert.deepEqual(await size(100, 50), [100, 50]);
});

test('a picture that cannot be encoded fails who asks, not the line', async () => {
  const pictures = openLatestPictures(null);
  pictures.set('cam', { index: 0, ptsMs: 0, width: 98, height: 98, yuv: new Uint8Array(3) }, AT, []);
  await assert.rejects(pictures.get('cam'));
});

test('zones and lines speak beside the counts: weak boxes help to follow and are not counted; what they say is in the sum', async () => {
  const { asked, out, take, told, sum } = rig(
    {
      zones: [
        {
          id: 'gate',
          polygon: [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 1],
          ],
          count: ['person'],
          intrusion: { of: ['person'], after: 400, schedule: [] },
          density: false,
          present: [],
        },
      ],
      lines: [],
    },
    0.5,
  );
  const points = { ...POINTS, 'gate.persons': { unit: '{person}' }, 'gate.intrusion': { unit: '{person}' } };
  for (const index of [0, 1, 2, 3, 4]) {
    take({ ...picture(index), points } as DecodedItem);
    asked[index]?.answer([box('person', 0.1, index < 3 ? 0.9 : 0.4), box('person', 0.6, 0.2)]);
    await settle();
  }
  const values = (point: string) => out.filter((sample) => sample.point === point).map((sample) => sample.value);
  assert.deepEqual(values('persons'), [1, 1, 1, 0, 0]);
  assert.deepEqual(values('gate.persons'), [0, 0, 1, 1, 1]);
  assert.deepEqual(values('gate.intrusion'), [0, 1]);
  const raised = out.find(({ point, value }) => point === 'gate.intrusion' && value === 1);
  assert.deepEqual(raised?.evidence?.map((one) => one.kind === 'boxes' && [one.frame, one.boxes.map(({ track }) => track)]), [[2, [1]]]);
  assert.deepEqual([out.length, sum(), told('samples_lost').length], [22, 22, 0]);
});

test('a box that one look saw in a picture in which nothing moves puts nobody into a zone', async () => {
  const { asked, out, take, told } = rig({
    motion: { contrast: 10, share: 0.1, adapt: 3000, settle: 0, every: 60_000 },
    zones: [
      {
        id: 'gate',
        polygon: [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ],
        count: ['person'],
        density: false,
        present: [],
      },
    ],
    lines: [],
  });
  for (const index of [0, 1, 2, 3, 4, 5]) {
    take({ ...flat(index), points: { ...POINTS, 'gate.persons': { unit: '{person}' } } } as DecodedItem);
    asked[index]?.answer([box('person')]);
    await settle();
  }
  const values = (point: string) => out.filter((sample) => sample.point === point).map((sample) => sample.value);
  assert.ok(told('picture_still').length >= 4);
  assert.deepEqual([values('persons'), values('gate.persons')], [[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]]);
});

test('whether pictures can be relied on is said when it changes, in turn with what the camera gave, and also when they stay away', async () => {
  const { world, asked, out, take, sum, station } = rig({ diagnosis: { every: 1000, silence: 5000, thresholds: {} } });
  const shown = (index: number, luma: (at: number) => number): DecodedItem => ({
    device: 'cam',
    at: AT + index * 1000,
    observedAt: AT + index * 1000,
    points: { ...POINTS, video: { unit: '' } },
    picture: {
      index,
      ptsMs: index * 1000,
      width: 64,
      height: 48,
      yuv: Uint8Array.from({ length: 64 * 48 * 1.5 }, (_, at) => (at < 64 * 48 ? luma(at) : 128)),
    },
  });
  const CHEQUERED = (at: number) => (((at % 64) >> 3) + (at >> 9)) % 2 * 90 + 60;
  const give = async (item: DecodedItem) => {
    take(item);
    asked.at(-1)?.answer([]);
    await settle();
  };
  await give(shown(0, CHEQUERED));
  for (const index of [1, 2, 3]) await give(shown(index, () => 16));
  await world.clock.advanceMs(9000);
  await give(shown(13, CHEQUERED));
  await station.close?.();
  const video = out.filter(({ point }) => point === 'video');
  assert.deepEqual(video.map(({ value }) => value), ['good', 'black', 'stalled', 'good']);
  assert.deepEqual(video.map(({ at }) => at).slice(0, 2), [AT, AT + 2000]);
  assert.deepEqual(video[1]?.evidence, [{ kind: 'picture', frame: 2, score: 1, threshold: 0.5 }]);
  assert.ok(
    out.findIndex(({ value }) => value === 'black') > out.findLastIndex(({ point, at }) => point === 'occupancy' && at === AT + 1000),
  );
  assert.equal(sum(), out.length);
});

test('a clip that is over says so, not that its stream stands still; what follows, after a change of its settings, is as any', async () => {
  const { world, asked, out, take, sum } = rig({ diagnosis: { every: 1000, silence: 5000, thresholds: {} } });
  const chequered = (at: number) => (at >= 64 * 48 ? 128 : ((((at % 64) >> 3) + (at >> 9)) % 2) * 90 + 60);
  const at = (index: number): DecodedItem =>
    ({
      ...picture(index),
      points: { ...POINTS, video: { unit: '' } },
      picture: {
        index,
        ptsMs: index * 1000,
        width: 64,
        height: 48,
        yuv: Uint8Array.from({ length: 64 * 48 * 1.5 }, (_, at) => chequered(at)),
      },
    }) as DecodedItem;
  const last = (point: string): DecodedItem => ({
    device: 'cam',
    point,
    value: null,
    unit: '',
    at: AT + 900,
    clock: 'edge',
    observedAt: AT + 900,
    quality: 'bad',
    flags: ['stale'],
    origin: 'live',
    isLast: true,
  });
  take(at(0));
  const end = ['persons', 'video'].map(last);
  world.tell({ kind: 'samples_read', count: end.length, device: 'cam' });
  take(...end);
  asked[0]?.answer([]);
  await settle();
  await world.clock.advanceMs(60_000);
  take(at(1));
  asked[1]?.answer([]);
  await settle();
  const video = out.filter(({ point }) => point === 'video');
  assert.deepEqual(video.map(({ value, quality }) => [value, quality]), [['good', 'good'], ['ended', 'good'], ['good', 'good']]);
  assert.deepEqual([video[1]?.at, video[1]?.evidence], [AT + 900, [{ kind: 'picture', frame: 0, score: 1, threshold: 0.5 }]]);
  assert.deepEqual(out.find(({ isLast }) => isLast)?.point, 'persons');
  assert.equal(sum(), out.length);
});

test('where something small moves and nothing was found, the part around it is looked at once more, if that is set', async () => {
  const scene = (index: number, isThere: boolean): DecodedItem => {
    const yuv = new Uint8Array(160 * 160 * 1.5).fill(90);
    if (isThere) for (let y = 80; y < 96; y += 1) yuv.fill(220, y * 160 + 80, y * 160 + 96);
    return { ...picture(index), picture: { index, ptsMs: index * 200, width: 160, height: 160, yuv } } as DecodedItem;
  };
  for (const [closer, found, looks] of [[true, [], 2], [true, [{ ...box('person', 0.5), y: 0.5 }], 1], [false, [], 1]] as const) {
    const { asked, take, out, told } = rig({ motion: { ...GATE, closer } }, 0.5);
    take(scene(0, false));
    asked[0]?.answer([]);
    await settle();
    take(scene(1, true));
    asked[1]?.answer([...found]);
    await settle();
    assert.equal(asked.length, 1 + looks);
    if (looks === 1) continue;
    asked[2]?.answer([{ ...box('person'), x: 0.25, y: 0.25, width: 0.25, height: 0.5 }]);
    await settle();
    assert.deepEqual(
      out.filter(({ point }) => point === 'persons').map(({ value }) => value),
      [0, 1],
    );
    assert.deepEqual(out.findLast(({ point }) => point === 'persons')?.evidence, [
      { kind: 'boxes', model: 'test-model', frame: 1, boxes: [{ ...box('person'), x: 0.45, y: 0.45, width: 0.1, height: 0.2 }] },
    ]);
    assert.deepEqual(told('inference').at(-1), { kind: 'inference', device: 'cam', durationMs: 10 });
  }
});
