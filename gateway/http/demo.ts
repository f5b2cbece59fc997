/** The demo's two buttons and its user; these routes exist only where the gateway runs inside `cityvitals demo`. */
import { DEMO_EXAMPLE, DemoView } from '../../api/demo.ts';
import { SESSION_EXAMPLE, SessionView } from '../../api/session.ts';
import { FaultError } from '../../core/faults.ts';
import { isFromHere } from '../people/access.ts';
import { NO_PARAMS, query, requestOf, route, type Call, type Route } from './route.ts';
import { sessionView } from './session.ts';
import type { DemoControls } from './sources.ts';
import '../people/faults.ts';

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
  route({
    method: 'POST', path: '/api/v1/demo/session', needs: 'public',
    summary: { zh: '以演示用户登录，无需密码；仅限本机', en: 'sign in as the user of the demo, without a password; on this machine alone' },
    query: query({}), params: NO_PARAMS, headers: { 'set-cookie': { en: 'the session', zh: '会话' } },
    answer: SessionView, example: SESSION_EXAMPLE,
    faults: ['CV_API_READ_TOKEN', 'CV_API_ORIGIN', 'CV_API_CSRF', 'CV_SIGN_IN_WRONG', 'CV_PEOPLE_UNUSABLE'],
    async handle({ sources, request, reply }) {
      const from = requestOf(request);
      if (!isFromHere(from)) throw new FaultError('CV_API_READ_TOKEN');
      const { user } = controls({ sources });
      const begun = await sources.people.signInToDemo(user, { ...from, agent: request.headers['user-agent'] ?? '' });
      reply.header('set-cookie', sources.access.cookiesOf(begun, from));
      return sessionView(begun.principal);
    },
  }),
];

// The table is only registered when there is a demo (server.ts), so this never fails.
const controls = ({ sources }: Pick<Call<unknown, unknown>, 'sources'>): DemoControls => sources.demo as DemoControls;
