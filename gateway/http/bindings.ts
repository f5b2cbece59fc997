/** Which edge has which device, and whose events of it are held back; operators give it to another. */
import { z } from 'zod';
import { IDS } from '../../core/event.ts';
import { FaultError } from '../../core/faults.ts';
import { settingIssue } from '../../core/setting.ts';
import { EXAMPLES } from './examples.ts';
import { after, NO_PARAMS, pageByText, pageLimit, query, route, type Route } from './route.ts';
import { BindingView, BindResult, pageOf } from '../../api/shapes.ts';

const PATH = '/api/v1/bindings';

const BIND_BODY = z.strictObject({
  edge: z.string().regex(IDS.edge).meta({ en: 'edge that gets it', zh: '绑定到的边缘节点', examples: ['pump-07'] }),
  device: z.string().regex(IDS.device).optional().meta({ en: 'device that it gets', zh: '要绑定的设备', examples: ['pump-07-plc'] }),
  centre: z.string().regex(IDS.centre).optional().meta({ en: 'centre that it speaks for from now on', zh: '此后所代表的治理中心', examples: ['500112001'] }),
  reason: z.string().min(1).max(200).meta({ en: 'why; stands in the record', zh: '理由，写入审计记录', examples: ['moved to the new box'] }),
}).refine(({ device, centre }) => (device === undefined) !== (centre === undefined), settingIssue('give either device or centre', 'device 与 centre 二选一'));

export const BINDING_ROUTES: Route[] = [
  route({
    method: 'GET', path: PATH, summary: { zh: '设备与边缘节点的绑定，及因归属不符而暂存的事件数', en: 'which edge has which device, and how many events of others are held back' },
    query: query({ limit: pageLimit(1000, 200), after: after(), foreign: z.enum(['true']).optional().meta({ en: 'only those of which events of others are held back', zh: '仅列出有暂存事件的设备', examples: ['true'] }) }),
    params: NO_PARAMS, answer: pageOf(BindingView), example: { items: [EXAMPLES.binding], next: null }, faults: [],
    handle: ({ sources, query: { limit, after: from, foreign } }) =>
      pageByText((sources.bindings?.list() ?? []).filter((view) => foreign === undefined || view.foreign.length > 0), limit, from, ({ device }) => device),
  }),
  route({
    method: 'POST', path: PATH, secured: true, summary: { zh: '把设备绑定到边缘节点，或变更节点所代表的治理中心；暂存的事件随即入库', en: 'give a device to an edge, or an edge to another centre; events that were held back come in' },
    query: query({}), params: NO_PARAMS, body: BIND_BODY, bodyExample: { device: 'pump-07-plc', edge: 'pump-07', reason: 'moved to the new box' }, answer: BindResult, example: EXAMPLES.bindResult,
    faults: ['CV_COMMANDS_CLOSED', 'CV_API_UNAUTHORISED', 'CV_COMMAND_TOO_MANY', 'CV_API_ORIGIN', 'CV_API_UNKNOWN_ID', 'CV_BINDING_CONFIGURED', 'CV_COMMAND_UNRECORDED', 'CV_BINDINGS_UNSAVED', 'CV_QUARANTINE_FAILED'],
    handle({ sources: { commands, bindings }, body: { edge, device, centre, reason }, request }) {
      if (!commands || !bindings) throw new FaultError('CV_COMMANDS_CLOSED');
      const by = commands.identify(request.headers.authorization, request.ip);
      return bindings.bind(device === undefined ? { edge, centre: centre as string, reason } : { edge, device, reason }, by);
    },
  }),
];
