/** The demo's two buttons; these routes exist only where the gateway runs inside `cityvitals demo`. */
import { NO_PARAMS, query, route, type Call, type Route } from './route.ts';
import { DEMO_EXAMPLE, DemoView } from '../../api/demo.ts';
import type { DemoControls } from './sources.ts';

export const DEMO_ROUTES: Route[] = [
  route({
    method: 'GET', path: '/api/v1/demo', needs: 'read', everywhere: true,
    summary: { zh: '演示的进展和对账', en: 'how the demo stands, and its reconciliation' },
    query: query({}), params: NO_PARAMS, answer: DemoView, example: DEMO_EXAMPLE, faults: [],
    handle: (call) => controls(call).view(),
  }),
  route({
    method: 'POST',
    path: '/api/v1/demo/cut',
    needs: 'read',
    everywhere: true,
    summary: { zh: '断开边缘节点与网关之间的网络 20 秒', en: 'cut the network between edge and gateway for 20 s' },
    query: query({}),
    params: NO_PARAMS,
    answer: DemoView,
    example: DEMO_EXAMPLE,
    faults: ['CV_API_ORIGIN'],
    async handle(call) {
      await controls(call).cut();
      return controls(call).view();
    },
  }),
  route({
    method: 'POST', path: '/api/v1/demo/kill', needs: 'read', everywhere: true,
    summary: { zh: '强制终止边缘节点进程（随后自动重启）', en: 'kill the edge (−9); it is started again' },
    query: query({}), params: NO_PARAMS, answer: DemoView, example: DEMO_EXAMPLE, faults: ['CV_API_ORIGIN'],
    async handle(call) {
      await controls(call).kill();
      return controls(call).view();
    },
  }),
];

// The table is only registered when there is a demo (server.ts), so this never fails.
const controls = ({ sources }: Pick<Call<unknown, unknown>, 'sources'>): DemoControls => sources.demo as DemoControls;
