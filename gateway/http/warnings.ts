/** Routes of warnings: as a list, by change, and one. */
import { z } from 'zod';
import { DEVICE_EXAMPLE } from '../../api/devices.ts';
import { pageOf } from '../../api/fields.ts';
import { WARNING_EXAMPLE, WarningView } from '../../api/warnings.ts';
import type { Level } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { matchesWarningFilter, newestFirst } from '../warnings/list.ts';
import { after, filter, idParam, MAX_PAGE, NO_PARAMS, pageFrom, pageLimit, query, route, unknownId, type Route } from './route.ts';
import { changesCursor, warningChanges } from './warning-changes.ts';

const WARNING_ID = idParam('the warning', '风险提示编号', WARNING_EXAMPLE.id);

export const WARNING_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/warnings',
    needs: 'read',
    summary: {
      zh: '风险提示，最新在前；带 after=0-0 或所收到的游标时，按提交顺序给出每次变化',
      en: 'warnings, newest first; with after=0-0, or a cursor that you have, each change in the order of commit',
    },
    query: query({
      limit: pageLimit(MAX_PAGE, 200),
      after: after(),
      condition: filter(z.enum(['active', 'cleared']), 'whether the condition still holds', '条件是否仍成立', 'active'),
      level: filter(z.enum(['1', '2', '3', '4']), 'of this level', '仅此等级', '2'),
      device: filter(z.string().max(64), 'of this device', '仅此设备', DEVICE_EXAMPLE.id),
      rule: filter(z.string().max(128), 'of this rule', '仅此规则', WARNING_EXAMPLE.rule),
      centre: filter(z.string().max(12), 'of this centre', '仅此中心', '500112001'),
    }),
    params: NO_PARAMS,
    answer: pageOf(WarningView),
    example: { items: [WARNING_EXAMPLE], next: null },
    faults: ['CV_API_CURSOR_INVALID', 'CV_API_CURSOR_GONE', 'CV_API_CURSOR_AHEAD'],
    async handle({ sources, sees, query: asked }) {
      const { condition, level, device, rule, centre } = asked;
      const isWanted = (warning: WarningView): boolean =>
        sees(warning.centre)
        && matchesWarningFilter(warning, { condition, level: level && (Number(level) as Level), device, rule, centre });
      const since = asked.after === undefined ? null : changesCursor(asked.after);
      if (since) {
        const { items, next } = await warningChanges(sources, since, asked.limit);
        return { items: items.filter(isWanted), next };
      }
      const wanted = (await sources.warnings()).filter(isWanted);
      const place = asked.after === undefined ? null : parsePlace(asked.after, '/api/v1/warnings');
      return pageFrom(
        wanted.toSorted(newestFirst),
        asked.limit,
        (warning) => `${warning.raisedAt}-${warning.id}`,
        (warning) => place === null || newestFirst(place, warning) < 0,
      );
    },
  }),
  route({
    method: 'GET', path: '/api/v1/warnings/:id', needs: 'read', summary: { zh: '单条风险提示', en: 'one warning' },
    query: query({}), params: WARNING_ID, answer: WarningView, example: WARNING_EXAMPLE, faults: ['CV_API_UNKNOWN_ID'],
    async handle({ sources, sees, params }) {
      const warning = await sources.warning(params.id);
      if (!warning || !sees(warning.centre)) throw unknownId({ en: 'warning', zh: '风险提示' }, params.id, '/api/v1/warnings');
      return warning;
    },
  }),
];

function parsePlace(text: string, path: string): Pick<WarningView, 'raisedAt' | 'id'> {
  const match = /^(\d{1,16})-(.{1,128})$/.exec(text);
  if (!match) throw new FaultError('CV_API_CURSOR_INVALID', { after: text, path });
  return { raisedAt: Number(match[1]), id: match[2] as string };
}
