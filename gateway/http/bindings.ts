/** Which edge has which device, and whose events of it are held back; operators give it to another. */
import { z } from 'zod';
import { FaultError } from '../../core/faults.ts';
import { inCentre, recorded } from './recorded.ts';
import { after, NO_PARAMS, pageByText, pageLimit, query, route, seesEdge, unknownId, type Call, type Route } from './route.ts';
import { BINDING_EXAMPLE, BIND_BODY, BIND_BODY_EXAMPLE, BIND_RESULT_EXAMPLE, BindResultView, BindingView } from '../../api/bindings.ts';
import { pageOf } from '../../api/fields.ts';

const PATH = '/api/v1/bindings';

export const BINDING_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: PATH,
    needs: 'read',
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
    handle: (call) => {
      const { limit, after: from, foreign } = call.query;
      const isSeen = (edge: string): boolean => seesEdge(call, edge);
      return pageByText(
        (call.sources.bindings?.list() ?? [])
          .filter(({ edges }) => call.seesAll || edges.some(isSeen))
          .map((view) => ({
            ...view,
            edges: view.edges.filter((edge) => call.seesAll || isSeen(edge)),
            foreign: view.foreign.filter(({ edge }) => call.seesAll || isSeen(edge)),
          }))
          .filter((view) => foreign === undefined || view.foreign.length > 0),
        limit,
        from,
        ({ device }) => device,
      );
    },
  }),
  route({
    method: 'POST',
    path: PATH,
    needs: 'bind_devices',
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
    handle(call) {
      const { sources: { bindings }, body: { edge, device, centre, reason }, principal } = call;
      if (!bindings) throw new FaultError('CV_COMMANDS_CLOSED');
      // Whoever gives and whoever gets must be theirs: what is of another centre is not known here.
      const before = device === undefined ? [] : (bindings.list().find((view) => view.device === device)?.edges ?? []);
      for (const one of [edge, ...before])
        if (!seesEdge(call, one)) throw unknownId({ en: 'edge', zh: '边缘节点' }, one === edge ? edge : (device ?? edge), '/api/v1/status');
      if (centre !== undefined && !call.sees(centre)) throw unknownId({ en: 'centre', zh: '治理中心' }, centre, '/api/v1/status');
      const asked = device === undefined ? { edge, centre: centre as string, reason } : { edge, device, reason };
      const act = { kind: 'binding', what: `${device ?? centre} to ${edge}`, ...inCentre(centre ?? centreOf(call, device)) } as const;
      return recorded(call, { ...act, details: { reason, before: before.join(', ') } }, () => bindings.bind(asked, principal.name));
    },
  }),
];

const centreOf = ({ sources }: Pick<Call<unknown, unknown>, 'sources'>, device: string | undefined): string | undefined =>
  device === undefined ? undefined : sources.device(device)?.centre;
