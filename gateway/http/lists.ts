/** Routes of what the gateway holds as a whole: devices, indicators, warnings, quarantine, status, health. */
import { z } from 'zod';
import type { WarningView } from '../../api/views.ts';
import type { Level } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { matchesWarningFilter, newestFirst } from '../warnings/list.ts';
import { changesCursor, warningChanges } from './warning-changes.ts';
import { EXAMPLES } from './examples.ts';
import { after, idParam, NO_PARAMS, pageByText, pageFrom, pageLimit, query, route, unknownId, whole } from './route.ts';
import { DeviceView, IndicatorView, pageOf, PictureView, QuarantineItem, StatusView, StoreCheckView, WarningView as WarningShape } from '../../api/shapes.ts';

const MAX_PAGE = 1000;
/** A filter of a list. */
const only = <T extends z.ZodType>(schema: T, en: string, zh: string, example: string) => schema.optional().meta({ en, zh, examples: [example] });
const DEVICE_ID = idParam('the device', '设备', EXAMPLES.device.id);
const WARNING_ID = idParam('the warning', '风险提示编号', EXAMPLES.warning.id);
const page = { limit: pageLimit(MAX_PAGE, 200), after: after() };

export const LIST_ROUTES = [
  route({
    method: 'GET', path: '/api/v1/status', summary: { zh: '样本全程的实时计数', en: 'the path of a sample with live counts' },
    query: query({}), params: NO_PARAMS, answer: StatusView, example: EXAMPLES.status, faults: [],
    handle: ({ sources }) => sources.status(),
  }),
  route({
    method: 'GET', path: '/api/v1/devices', summary: { zh: '设备及其状态和最新值', en: 'devices with state and newest values' },
    query: query({ ...page, edge: only(z.string().max(64), 'of this edge', '仅此边缘节点', 'pump-07'), centre: only(z.string().max(12), 'of this centre', '仅此中心', '500112001'), freshness: only(z.enum(['fresh', 'late', 'lost', 'unobserved']), 'in this state', '仅此状态', 'lost') }),
    params: NO_PARAMS, answer: pageOf(DeviceView), example: { items: [EXAMPLES.device], next: null }, faults: [],
    handle({ sources, query: asked }) {
      const wanted = sources.devices().filter((device) => fits(device.edge, asked.edge) && fits(device.centre, asked.centre) && fits(device.freshness, asked.freshness));
      return pageByText(wanted, asked.limit, asked.after, (device) => device.id);
    },
  }),
  route({
    method: 'GET', path: '/api/v1/devices/:id', summary: { zh: '单个设备', en: 'one device' },
    query: query({}), params: DEVICE_ID, answer: DeviceView, example: EXAMPLES.device, faults: ['CV_API_UNKNOWN_ID'],
    handle({ sources, params }) {
      const device = sources.device(params.id);
      if (!device) throw unknownDevice(params.id);
      return device;
    },
  }),
  route({
    method: 'GET', path: '/api/v1/devices/:id/picture', summary: { zh: '摄像机最新画面及检测框', en: 'newest picture of a camera with its boxes' },
    query: query({}), params: DEVICE_ID, answer: PictureView, example: EXAMPLES.picture, faults: ['CV_API_UNKNOWN_ID', 'CV_API_NO_PICTURE'],
    async handle({ sources, params }) {
      if (!sources.device(params.id)) throw unknownDevice(params.id);
      const picture = await sources.picture(params.id);
      if (!picture) throw new FaultError('CV_API_NO_PICTURE', { device: params.id });
      return picture;
    },
  }),
  route({
    method: 'GET', path: '/api/v1/indicators', summary: { zh: '体征指标目录，含目录外已收到的代码', en: 'the catalogue, with codes that were received but are not in it' },
    query: query({ ...page, known: only(z.enum(['true', 'false']), 'whether the catalogue knows it', '目录中是否有', 'false') }), params: NO_PARAMS, answer: pageOf(IndicatorView), example: { items: [EXAMPLES.indicator], next: null }, faults: [],
    handle({ sources, query: asked }) {
      const wanted = sources.indicators().filter((indicator) => fits(String(indicator.known), asked.known));
      return pageByText(wanted, asked.limit, asked.after, (indicator) => indicator.code);
    },
  }),
  route({
    method: 'GET', path: '/api/v1/warnings', summary: { zh: '风险提示，最新在前；带 after=0-0 或所收到的游标时，按提交顺序给出每次变化', en: 'warnings, newest first; with after=0-0, or a cursor that you have, each change in the order of commit' },
    query: query({ ...page, condition: only(z.enum(['active', 'cleared']), 'whether the condition still holds', '条件是否仍成立', 'active'), level: only(z.enum(['1', '2', '3', '4']), 'of this level', '仅此等级', '2'), device: only(z.string().max(64), 'of this device', '仅此设备', EXAMPLES.device.id), rule: only(z.string().max(128), 'of this rule', '仅此规则', EXAMPLES.warning.rule), centre: only(z.string().max(12), 'of this centre', '仅此中心', '500112001') }),
    params: NO_PARAMS, answer: pageOf(WarningShape), example: { items: [EXAMPLES.warning], next: null }, faults: ['CV_API_CURSOR_INVALID', 'CV_API_CURSOR_GONE', 'CV_API_CURSOR_AHEAD'],
    async handle({ sources, query: asked }) {
      const { condition, level, device, rule, centre } = asked;
      const isWanted = (warning: WarningView): boolean => matchesWarningFilter(warning, { condition, level: level && (Number(level) as Level), device, rule, centre });
      const since = asked.after === undefined ? null : changesCursor(asked.after);
      if (since) {
        const { items, next } = await warningChanges(sources, since, asked.limit);
        return { items: items.filter(isWanted), next };
      }
      const wanted = (await sources.warnings()).filter(isWanted);
      const place = asked.after === undefined ? null : parsePlace(asked.after, '/api/v1/warnings');
      return pageFrom(wanted.toSorted(newestFirst), asked.limit, (warning) => `${warning.raisedAt}-${warning.id}`, (warning) => place === null || newestFirst(place, warning) < 0);
    },
  }),
  route({
    method: 'GET', path: '/api/v1/warnings/:id', summary: { zh: '单条风险提示', en: 'one warning' },
    query: query({}), params: WARNING_ID, answer: WarningShape, example: EXAMPLES.warning, faults: ['CV_API_UNKNOWN_ID'],
    async handle({ sources, params }) {
      const warning = await sources.warning(params.id);
      if (!warning) throw unknownId({ en: 'warning', zh: '风险提示' }, params.id, '/api/v1/warnings');
      return warning;
    },
  }),
  route({
    method: 'GET', path: '/api/v1/quarantine', summary: { zh: '被拒收的内容及原因，最新在前', en: 'what was refused and why, newest first' },
    query: query({ limit: pageLimit(MAX_PAGE, 100), after: whole(0, Number.MAX_SAFE_INTEGER).optional().meta({ en: '`next` of the page before', zh: '上一页的 next', written: '17' }) }), params: NO_PARAMS, answer: pageOf(QuarantineItem),
    example: { items: [EXAMPLES.quarantined], next: null }, faults: [],
    async handle({ sources, query: asked }) {
      const items = await sources.quarantine(asked.after ?? null, asked.limit + 1);
      const kept = items.slice(0, asked.limit);
      return { items: kept, next: items.length > asked.limit ? String(kept.at(-1)?.id) : null };
    },
  }),
  route({
    method: 'GET', path: '/api/v1/store/check', summary: { zh: '时序库回读校验的进度与结果', en: 'how far reading the store back is, and what it found' },
    query: query({}), params: NO_PARAMS, answer: StoreCheckView, example: EXAMPLES.storeCheck, faults: [],
    handle: ({ sources }) => sources.storeCheck.view(),
  }),
  route({
    method: 'POST', path: '/api/v1/store/check', summary: { zh: '开始全量回读校验时序库；进行中时不重复开始，不阻塞写入与查询', en: 'begins to read the whole store back, unless that is under way; nothing waits for it' },
    query: query({}), params: NO_PARAMS, status: 202, answer: StoreCheckView, example: { ...EXAMPLES.storeCheck, state: 'running', endedAt: null, done: 0, damages: 0, damaged: [] }, faults: ['CV_API_ORIGIN'],
    handle({ sources, reply }) {
      reply.code(202);
      return sources.storeCheck.start();
    },
  }),
];

const fits = (value: string, wanted: string | undefined): boolean => wanted === undefined || value === wanted;
const unknownDevice = (id: string) => unknownId({ en: 'device', zh: '设备' }, id, '/api/v1/devices');

type WarningPlace = Pick<WarningView, 'raisedAt' | 'id'>;

function parsePlace(text: string, path: string): WarningPlace {
  const match = /^(\d{1,16})-(.{1,128})$/.exec(text);
  if (!match) throw new FaultError('CV_API_CURSOR_INVALID', { after: text, path });
  return { raisedAt: Number(match[1]), id: match[2] as string };
}
