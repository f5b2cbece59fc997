/** Which edge has which device, and whose events of it are held back; operators give it to another. */
import { z } from 'zod';
import { FaultError } from '../../core/faults.ts';
import { after, NO_PARAMS, pageByText, pageLimit, query, route, type Route } from './route.ts';
import { BINDING_EXAMPLE, BIND_BODY, BIND_BODY_EXAMPLE, BIND_RESULT_EXAMPLE, BindResultView, BindingView } from '../../api/bindings.ts';
import { pageOf } from '../../api/fields.ts';

const PATH = '/api/v1/bindings';

export const BINDING_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: PATH,
    summary: {
      zh: '设备与边缘节点的绑定，及因归属不符而暂存的事件数',
      en: 'which edge has which device, and how many events of others are held back',
    },
    query: query({
      limit: pageLimit(1000, 200),
      after: after(),
      foreign: z
        .enum(['true'])
        .optional()
        .meta({ en: 'only those of which events of others are held back', zh: '仅列出有暂存事件的设备', examples: ['true'] }),
    }),
    params: NO_PARAMS,
    answer: pageOf(BindingView),
    example: { items: [BINDING_EXAMPLE], next: null },
    faults: [],
    handle: ({ sources, query: { limit, after: from, foreign } }) =>
      pageByText(
        (sources.bindings?.list() ?? []).filter((view) => foreign === undefined || view.foreign.length > 0),
        limit,
        from,
        ({ device }) => device,
      ),
  }),
  route({
    method: 'POST',
    path: PATH,
    secured: true,
    summary: {
      zh: '把设备绑定到边缘节点，或变更节点所代表的治理中心；暂存的事件随即入库',
      en: 'give a device to an edge, or an edge to another centre; events that were held back come in',
    },
    query: query({}),
    params: NO_PARAMS,
    body: BIND_BODY,
    bodyExample: BIND_BODY_EXAMPLE,
    answer: BindResultView,
    example: BIND_RESULT_EXAMPLE,
    faults: [
      'CV_COMMANDS_CLOSED',
      'CV_API_UNAUTHORISED',
      'CV_COMMAND_TOO_MANY',
      'CV_API_ORIGIN',
      'CV_API_UNKNOWN_ID',
      'CV_BINDING_CONFIGURED',
      'CV_COMMAND_UNRECORDED',
      'CV_BINDINGS_UNSAVED',
      'CV_QUARANTINE_FAILED',
    ],
    handle({ sources: { commands, bindings }, body: { edge, device, centre, reason }, request }) {
      if (!commands || !bindings) throw new FaultError('CV_COMMANDS_CLOSED');
      const by = commands.identify(request.headers.authorization, request.ip);
      return bindings.bind(device === undefined ? { edge, centre: centre as string, reason } : { edge, device, reason }, by);
    },
  }),
];
