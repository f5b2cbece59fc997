import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceView, LastValue } from '../../api/devices.ts';
import type { LiveMessage } from '../../api/live.ts';
import type { WarningView } from '../../api/warnings.ts';
import { camerasOf, firstCameras, groupCameras, filterCameras } from '../../console/data/cameras.ts';
import { occurrenceValues, currentValues } from '../../console/data/device-state.ts';
import { beyondLimit } from '../../console/data/limits.ts';
import { reasonOf } from '../../console/data/reason.ts';
import { listClearedWarnings, focusOf, EMPTY_STATE, listOpenWarnings, reduceState, type ConsoleState } from '../../console/data/state.ts';
import { camerasHref, parseHash } from '../../console/shell/view.ts';
import { DICTIONARIES } from '../../console/shell/dictionary.ts';
import { EXAMPLES } from '../../gateway/http/testing/examples.ts';

const value = (over: Partial<LastValue>): LastValue => ({ ...EXAMPLES.device.values[0] as LastValue, ...over });
const device = (id: string, values: LastValue[]): DeviceView => ({ ...EXAMPLES.device, id, values });
const warning = (over: Partial<WarningView>): WarningView => ({ ...EXAMPLES.warning, ...over });
const receive = (state: ConsoleState, ...messages: LiveMessage[]): ConsoleState =>
  messages.reduce((before, message) => reduceState(before, { is: 'message', message, now: 1000 }), state);
const live = (at: number, over: Partial<Extract<LiveMessage, { kind: 'value' }>> = {}): LiveMessage => ({
  kind: 'value',
  indicator: 'I',
  device: 'a',
  point: 'p',
  at,
  value: at,
  unit: 'm',
  quality: 'good',
  flags: [],
  ...over,
});

test('a value changes its point alone, and an older one changes nothing', () => {
  const start = receive(EMPTY_STATE, {
    kind: 'device',
    device: device('a', [value({ indicator: 'I', point: 'p', at: 5 }), value({ indicator: 'I', point: 'q', at: 5 })]),
  });
  const newer = receive(start, live(9));
  assert.deepEqual(newer.devices[0]?.values.map(({ at }) => at), [9, 5]);
  assert.deepEqual(receive(newer, live(7)).devices, newer.devices);
  assert.equal(newer.incomplete, false);
});

test('a value of what is not known asks for all anew, and the snapshot ends that', () => {
  const asked = receive(EMPTY_STATE, live(1));
  assert.equal(asked.incomplete, true);
  const whole = reduceState(asked, { is: 'snapshot', devices: [device('b', []), device('a', [])], warnings: [] });
  assert.equal(whole.incomplete, false);
  assert.deepEqual(whole.devices.map(({ id }) => id), ['a', 'b']);
});

test('gone counts from the last word heard, through every further try; any word ends it', () => {
  const heard = receive(EMPTY_STATE, live(1));
  const gone = reduceState(reduceState(heard, { is: 'gone', now: 5000, retryAt: 5500, tries: 1 }), {
    is: 'gone',
    now: 9000,
    retryAt: 9500,
    tries: 2,
  });
  assert.deepEqual(gone.link, { is: 'gone', since: 1000, retryAt: 9500, tries: 2 });
  assert.deepEqual(receive(gone, live(2)).link, { is: 'live' });
});

test('open warnings come worst first, then newest; cleared ones stand apart', () => {
  const state = receive(
    EMPTY_STATE,
    ...(
      [
        ['x', 3, 10],
        ['y', 2, 5],
        ['z', 3, 20],
      ] as const
    ).map(([id, level, onsetAt]): LiveMessage => ({ kind: 'warning', warning: warning({ id, level, onsetAt }) })),
    { kind: 'warning', warning: warning({ id: 'x', level: 3, condition: 'cleared', clearedAt: 30 }) },
  );
  assert.deepEqual(
    listOpenWarnings(state).map(({ id }) => id),
    ['y', 'z'],
  );
  assert.deepEqual(
    listClearedWarnings(state).map(({ id }) => id),
    ['x'],
  );
});

test('the drawn series is that of the worst warning, else the gravest limits, emergencies first', () => {
  const high = (level: 1 | 2 | 3 | 4) => [{ level, value: 9, direction: 'high' as const }];
  const air = device('air', [value({ indicator: 'ST-AIR-001', point: 'pm', limits: high(1) })]);
  const water = device('pump', [
    value({ indicator: 'YJ-FLD-001', point: 'level', limits: high(3) }),
    value({ indicator: 'SS-DRN-011', point: 'running', value: true, limits: high(1) }),
  ]);
  const calm = receive(EMPTY_STATE, { kind: 'device', device: air }, { kind: 'device', device: water });
  assert.deepEqual(focusOf(calm), { indicator: 'YJ-FLD-001', device: 'pump', point: 'level' });
  const alarmed = receive(calm, { kind: 'warning', warning: warning({ device: 'air', point: 'pm', indicator: 'ST-AIR-001' }) });
  assert.equal(focusOf(alarmed)?.device, 'air');
  assert.equal(focusOf(EMPTY_STATE), null);
});

test("a value is beyond the worst limit it has reached, in that limit's direction", () => {
  const limits = [
    { level: 3 as const, value: 10, direction: 'high' as const },
    { level: 2 as const, value: 20, direction: 'high' as const },
    { level: 4 as const, value: 2, direction: 'low' as const },
  ];
  assert.deepEqual(
    [5, 10, 25, 1].map((reading) => beyondLimit({ value: reading, limits })),
    [null, 3, 2, 4],
  );
  assert.equal(beyondLimit({ value: null, limits }), null);
});

test('a device that answers says what is wrong all the same, one that is well says nothing', () => {
  const said = (over: Partial<DeviceView>) =>
    reasonOf({ ...device('a', []), freshness: 'fresh', reason: 'ok', ...over }, DICTIONARIES.en, 'en');
  assert.deepEqual([said({}), said({ reason: '' }), said({ reason: 'an edge of its own kind' })], ['', '', '']);
  assert.equal(said({ reason: 'CV_MODEL_OUTPUT', remedy: { zh: '查', en: 'look' } }), 'look · CV_MODEL_OUTPUT');
  assert.equal(said({ freshness: 'lost', reason: 'CV_LINK_REFUSED' }), 'CV_LINK_REFUSED');
  assert.equal(said({ freshness: 'unobserved', edge: 'e', reason: 'CV_MODEL_OUTPUT' }), 'edge e offline');
});

test('what happened is no value that holds', () => {
  const one = device('a', [
    value({ kind: 'occurrence', point: 'clip', at: 5 }),
    value({ kind: 'measurement', point: 'level' }),
    value({ kind: 'occurrence', point: 'in', at: 9 }),
    value({ kind: 'state', point: 'on' }),
    value({ kind: 'diagnostic', point: 'clock' }),
  ]);
  assert.deepEqual(
    [currentValues(one), occurrenceValues(one)].map((values) => values.map(({ point }) => point)),
    [
      ['level', 'on'],
      ['in', 'clip'],
    ],
  );
});

test('cameras are sifted by how they are, sought by words of their names and places, and put together by district and edge', () => {
  const video = (finding: string) => [value({ point: 'video', value: finding })];
  const camera = (id: string, over: Partial<DeviceView> = {}): DeviceView => ({
    ...device(id, video('good')),
    driver: 'camera',
    centre: '2',
    edge: 'b',
    ...over,
  });
  const all = [
    camera('north'),
    camera('south', { freshness: 'lost', edge: 'a' }),
    camera('mill', { centre: '1', values: video('black') }),
    device('pump', []),
  ];
  const cameras = camerasOf(all);
  const ids = (some: DeviceView[]) => some.map(({ id }) => id);
  assert.deepEqual(ids(cameras), ['north', 'south', 'mill']);
  assert.deepEqual(
    (['all', 'well', 'faulty'] as const).map((sift) => ids(filterCameras(cameras, '', sift))),
    [['north', 'south', 'mill'], ['north'], ['south', 'mill']],
  );
  assert.deepEqual([ids(filterCameras(cameras, ' SOU  a', 'all')), ids(filterCameras(cameras, 'north nowhere', 'all'))], [['south'], []]);
  assert.deepEqual(
    groupCameras(cameras).map(({ centre, edge, cameras: some }) => [centre, edge, ids(some)]),
    [
      ['1', 'b', ['mill']],
      ['2', 'a', ['south']],
      ['2', 'b', ['north']],
    ],
  );
  assert.deepEqual(
    [
      firstCameras(cameras)?.id,
      firstCameras([camera('x', { freshness: 'lost', picture: '/p' }), camera('y', { picture: '/p' })])?.id,
      firstCameras([]),
    ],
    ['north', 'y', undefined],
  );
});

test('a hash leads to a place and back; one that is none is the overview', () => {
  assert.deepEqual(parseHash(camerasHref(['a,b', '广场'])), { page: 'cameras', open: ['a,b', '广场'] });
  assert.deepEqual(parseHash('#/cameras?open=a,a,b,c,d,e'), { page: 'cameras', open: ['a', 'b', 'c', 'd'] });
  assert.deepEqual(
    [parseHash(camerasHref([])), parseHash('#/cameras?open=%'), parseHash('#/else')],
    [{ page: 'cameras', open: [] }, null, null],
  );
});
