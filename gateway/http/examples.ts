/** One example of every shape, for the document; a test holds each to its schema. */
import type { Snapshot } from '../../core/event.ts';
import type { FaultParams } from '../../core/faults.ts';
import type { BindingView, BindResultView, CommandView, DemoView, DeviceView, IndicatorView, LiveMessage, LiveTicketView, PictureView, QuarantineItem, SeriesRange, SeriesView, StatusView, StoreCheckView, UnknownDeviceView, WarningView } from '../../api/views.ts';

const AT = Date.UTC(2026, 5, 18, 6, 30, 25); // 14:30:25 at the town
const position = { lon: 106.577, lat: 29.557 };
const level = { indicator: 'YJ-FLD-001', device: 'pump-07-plc', point: 'level' };
const name = { zh: '河道水位', en: 'river stage' };

const device: DeviceView = {
  id: 'pump-07-plc', edge: 'pump-07', centre: '500112001', driver: 'modbus', subject: 'pump-07', position, freshness: 'fresh', since: AT - 86_400_000, reason: 'answers', lastAt: AT, picture: null,
  values: [{ indicator: level.indicator, point: level.point, name, kind: 'measurement', value: 3.2, unit: 'm', at: AT, quality: 'good', flags: [], limits: [{ level: 3, value: 2.5, direction: 'high' }, { level: 2, value: 3, direction: 'high' }] }],
};

const series: SeriesView = { ...level, unit: 'm', centre: '500112001', edge: 'pump-07', known: true, name, lastAt: AT };

const range: SeriesRange = {
  series, from: AT - 60_000, to: AT + 1, downsampled: true, next: null,
  items: [{ at: AT - 1000, value: 3.1, quality: 'good', flags: [], min: 3, max: 3.2, count: 10 }],
};

const warning: WarningView = {
  id: '9f2c4e6a8b0d1f35', rule: 'pump-level', version: 1, type: 'threshold', ...level, subject: 'pump-07', centre: '500112001', level: 2, state: 'raised', condition: 'active',
  exercise: true, late: false, raisedBy: 'gateway:town-01', onsetAt: AT - 3000, raisedAt: AT, publishedAt: AT + 12, changedAt: AT, clearedAt: null, previousId: null,
  title: { zh: '泵站水位过高', en: 'water level at the pump station too high' }, place: { zh: '七号泵站', en: 'pump station 7', position },
  reasons: [{ zh: '14:30:25 水位 3.2 m，高于 3.0 m', en: '14:30:25 water level 3.2 m, over 3.0 m', cites: { ...level, at: AT, value: 3.2, unit: 'm' } }],
  suggestion: { zh: '检查水泵运行状态', en: 'check that the pumps are running' }, incomplete: ['plan'],
};

const status: StatusView = {
  gateway: 'town-01', centre: '500112001', exercise: true, now: AT + 200, startedAt: AT - 25_000, evaluatedTo: AT, devices: { total: 3, fresh: 3, lost: 0, unobserved: 0 },
  edges: [{ id: 'pump-07', centre: '500112001', online: true, version: '0.1.0', logDepth: 4, clockOffsetMs: -2, seenAt: AT }],
  path: { edgeDepth: 4, accepted: 1200, duplicates: 0, refused: 0, stored: 1200, storeLag: 0, rulesLag: 0, warningsOpen: 1, acceptMs: 31, storeMs: 58, warnMs: 64 },
};

const picture: PictureView = {
  device: 'gate-cam', at: AT, index: 250, width: 768, height: 576, jpegBase64: '/9j/4AAQSkZJRg==',
  boxes: [{ class: 'person', score: 0.82, x: 0.41, y: 0.33, width: 0.06, height: 0.21 }],
};

const snapshot: Snapshot = { kind: 'snapshot', sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', mime: 'image/jpeg', bytes: 48_211, width: 640, height: 480, variant: 'annotated', frame: 250, model: 'centernet-320', blurred: true };

const liveTicket: LiveTicketView = { path: '/api/v1/devices/gate-cam/live-view?ticket=5mXbYt0vJQeFZr2nUoKc8wA1dL6hSgPi', expiresAt: AT + 30_000 };

const indicator: IndicatorView = { code: 'YJ-FLD-001', known: true, version: 1, name, unit: 'm', board: 'YJ', runway: 'FLD', seriesCount: 1 };

const quarantined: QuarantineItem = {
  id: 17, at: AT, sender: 'pump-07', code: 'CV_EVENT_INVALID', detail: 'value: null, which only bad quality allows',
  sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', bytes: 212, excerpt: '{"v":1,"from":"pump-07"',
};

const commandBody = { kind: 'write', device: 'pump-07-plc', point: 'running', value: true, reason: '水位上涨，提前开泵', ifState: { point: 'level', above: 2 }, expiresInMs: 30_000 };

const command: CommandView = {
  id: 'k3Jd9sLq0aZx', kind: 'write', device: 'pump-07-plc', edge: 'pump-07', centre: '500112001', point: 'running', value: true, by: 'duty-1', reason: commandBody.reason,
  issuedAt: AT, expiresAt: AT + 30_000, status: 'done', sentAt: AT + 2, answeredAt: AT + 140, fault: null, values: null, readBack: true, picture: null,
};

const storeCheck: StoreCheckView = {
  state: 'done', startedAt: AT - 4000, endedAt: AT, done: 9120, of: 9120, chunks: 8600, blocks: 520, points: 4_300_000, rows: 81_000, damages: 1,
  damaged: [{ series: 'YJ-FLD-001|pump-07-plc|level', from: AT - 7_200_000, to: AT - 3_600_000, count: 512 }], problems: [], fault: null,
};

const demo: DemoView = {
  seconds: 31, act: { zh: '水位越过橙色限值', en: 'the water passes the orange limit' }, canCut: true, canKill: true, networkCut: false, edgeDown: false,
  witnessed: 1204, missing: 0, twice: 0, checkedAt: AT,
};

const event = {
  edge: 'pump-07', stream: 'measurement', epoch: 1781764200000, seq: 812, ...level, subject: 'pump-07', centre: '500112001', kind: 'measurement', value: 3.2, unit: 'm', original: { value: 320, unit: 'cm' },
  occurredAt: AT, clock: 'edge', observedAt: AT, quality: 'good', origin: 'live', cursor: '1781764190000-2431', receivedAt: AT + 31,
};

/** What the sentences of faults speak of, in the document's examples. */
const faultParams: FaultParams = {
  parameter: 'limit', detail: 'a whole number from 1 to 1000 is wanted', detailZh: '应为 1 到 1000 的整数', path: '/api/v1/devices', id: 'nobody', what: 'device', whatZh: '设备', list: '/api/v1/devices',
  after: '1781764190000-12', oldest: '1781764190000-900', head: '1781764190000-2431', device: device.id, count: 2, from: AT, to: AT - 1, origin: 'https://elsewhere.example',
  limit: 60, who: 'duty-1', whoZh: 'duty-1', waitSeconds: 30, edge: 'pump-07', point: 'running', address: '127.0.0.1:8080', host: 'city.example', owner: 'pump-08', key: 'bindings',
};

const live: LiveMessage = { kind: 'value', ...level, at: AT, value: 3.2, unit: 'm', quality: 'good', flags: [] };

const unknownDevice: UnknownDeviceView = {
  edge: 'pump-07', centre: '500112001', driver: 'hj212', address: '0.0.0.0:8212', id: '88888880000001', peer: '10.20.0.9:40112',
  said: { hex: '2323303131325354', text: '##0112ST' }, yaml: '- id: hj212-88888880000001\n  driver: hj212\n  settings:\n    listen: 0.0.0.0:8212\n    mn: "88888880000001"\n',
  count: 12, firstAt: AT - 60_000, lastAt: AT,
};

const binding: BindingView = { device: 'pump-07-plc', edges: ['pump-07'], configured: false, foreign: [{ edge: 'gate-02', count: 12 }] };
const bindResult: BindResultView = { device: 'pump-07-plc', edge: 'gate-02', before: ['pump-07'], taken: 12 };

export const EXAMPLES = { faultParams, device, binding, bindResult, unknownDevice, series, range, warning, status, picture, snapshot, liveTicket, indicator, quarantined, command, commandBody, storeCheck, demo, live, event, events: { items: [event], next: event.cursor } };
