/** Signing in and out, and setting a password by a link. */
import { PERMISSIONS } from '../../api/permissions.ts';
import { SESSION_EXAMPLE, SessionView, SIGN_IN_BODY, SIGN_IN_EXAMPLE } from '../../api/session.ts';
import { SET_UP_BODY, SET_UP_EXAMPLE, SIGN_IN_WAYS_EXAMPLE, SignInWaysView } from '../../api/users.ts';
import { permissionsOf, NOBODY, type Principal } from '../people/principal.ts';
import { NO_PARAMS, query, requestOf, route, type Route } from './route.ts';
import '../people/faults.ts';

const PATH = '/api/v1/session';

/** Whoever comes without a name has none here either. */
export const sessionView = (principal: Principal): SessionView => ({
  name: principal.kind === 'anonymous' ? null : principal.name,
  kind: principal.kind,
  grants: [...principal.grants],
  permissions: permissionsOf(principal, PERMISSIONS),
});
const SIGNED_OUT = sessionView(NOBODY);

export const SESSION_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: PATH,
    needs: 'read',
    summary: {
      zh: '当前登录者；无需登录且未登录时 name 为 null',
      en: 'who is signed in; `name` is null where nobody is, and nobody has to',
    },
    query: query({}),
    params: NO_PARAMS,
    answer: SessionView,
    example: SESSION_EXAMPLE,
    faults: [],
    handle: ({ principal }) => sessionView(principal),
  }),
  route({
    method: 'POST',
    path: PATH,
    needs: 'public',
    summary: {
      zh: '以用户名和密码或令牌登录：网关写入 HttpOnly Cookie，此后浏览器凭它访问',
      en: 'sign in by user and password, or by a token: the gateway sets an HttpOnly cookie, by which the browser is known from then on',
    },
    query: query({}),
    params: NO_PARAMS,
    body: SIGN_IN_BODY,
    bodyExample: SIGN_IN_EXAMPLE,
    headers: { 'set-cookie': { en: 'the session', zh: '会话' } },
    answer: SessionView,
    example: SESSION_EXAMPLE,
    faults: [
      'CV_API_READ_TOKEN',
      'CV_SIGN_IN_WRONG',
      'CV_SIGN_IN_LOCKED',
      'CV_SIGN_IN_BUSY',
      'CV_COMMAND_TOO_MANY',
      'CV_API_ORIGIN',
      'CV_API_CSRF',
      'CV_PEOPLE_UNUSABLE',
    ],
    async handle({ sources: { access, people }, body, request, reply }) {
      const from = requestOf(request);
      if ('token' in body) {
        const { principal, cookie } = access.signIn(body.token, from);
        reply.header('set-cookie', cookie);
        return sessionView(principal);
      }
      const begun = await people.signIn(body, { ...from, agent: request.headers['user-agent'] ?? '', browser: access.browserCookie(from) });
      reply.header('set-cookie', access.cookiesOf(begun, from));
      return sessionView(begun.principal);
    },
  }),
  route({
    method: 'DELETE',
    path: PATH,
    needs: 'public',
    summary: {
      zh: '退出登录；该浏览器的实时推送和实时观看在 10 秒内结束',
      en: 'sign out; live streams and live views of that browser end within 10 s',
    },
    query: query({}),
    params: NO_PARAMS,
    headers: { 'set-cookie': { en: 'ends the session', zh: '结束会话' } },
    answer: SessionView,
    example: SIGNED_OUT,
    faults: ['CV_API_ORIGIN', 'CV_API_CSRF', 'CV_PEOPLE_UNUSABLE'],
    async handle({ sources: { access, people }, request, reply }) {
      const from = requestOf(request);
      const session = access.sessionCookie(from);
      if (session !== undefined) await people.signOut(session, request.ip);
      reply.header('set-cookie', access.signOut(from));
      return SIGNED_OUT;
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/sign-in',
    needs: 'public',
    summary: { zh: '本网关的登录方式', en: 'how one signs in here' },
    query: query({}),
    params: NO_PARAMS,
    answer: SignInWaysView,
    example: SIGN_IN_WAYS_EXAMPLE,
    faults: [],
    handle: ({ sources: { people, oidc } }) => ({
      setUp: !people.hasAdministrator, users: !people.isEmpty, ...(oidc && { provider: oidc.label }),
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/setup',
    needs: 'public',
    summary: {
      zh: '凭一次性代码设置密码并登录；首位管理员同时选定用户名',
      en: 'set a password by a one-time code, and sign in; the first administrator chooses a name too',
    },
    query: query({}),
    params: NO_PARAMS,
    body: SET_UP_BODY,
    bodyExample: SET_UP_EXAMPLE,
    headers: { 'set-cookie': { en: 'the session', zh: '会话' } },
    answer: SessionView,
    example: SESSION_EXAMPLE,
    faults: [
      'CV_API_ORIGIN',
      'CV_API_CSRF',
      'CV_SETUP_CODE',
      'CV_USER_NAME',
      'CV_USER_NAME_TAKEN',
      'CV_USER_PASSWORD',
      'CV_SIGN_IN_BUSY',
      'CV_PEOPLE_FULL',
      'CV_PEOPLE_UNUSABLE',
    ],
    async handle({ sources: { access, people }, body, request, reply }) {
      const from = requestOf(request);
      const user = await people.setUp(body, request.ip);
      const begun = await people.begin(user, { ...from, agent: request.headers['user-agent'] ?? '' });
      reply.header('set-cookie', access.cookiesOf(begun, from));
      return sessionView(begun.principal);
    },
  }),
];
