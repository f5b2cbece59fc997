/** Signing in to read, and out again. */
import { FaultError } from '../../core/faults.ts';
import { NOBODY } from './readers.ts';
import { NO_PARAMS, query, route, type Route } from './route.ts';
import { SESSION_EXAMPLE, SessionView, SIGN_IN_BODY, SIGN_IN_EXAMPLE } from '../../api/session.ts';

const PATH = '/api/v1/session';

export const SESSION_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: PATH,
    summary: { zh: '当前登录者；无需令牌且未登录时为 null', en: 'who is signed in; null where nobody is and no token is needed' },
    query: query({}),
    params: NO_PARAMS,
    answer: SessionView,
    example: SESSION_EXAMPLE,
    faults: [],
    handle: ({ sources, request }) => sources.readers?.session(request.headers, request.ip) ?? NOBODY,
  }),
  route({
    method: 'POST',
    path: PATH,
    isOpen: true,
    summary: {
      zh: '以令牌登录：网关写入 HttpOnly Cookie，此后浏览器凭它读取',
      en: 'sign in by a token: the gateway sets an HttpOnly cookie, by which the browser reads from then on',
    },
    query: query({}),
    params: NO_PARAMS,
    body: SIGN_IN_BODY,
    bodyExample: SIGN_IN_EXAMPLE,
    headers: { 'set-cookie': { en: 'the session', zh: '会话' } },
    answer: SessionView,
    example: SESSION_EXAMPLE,
    faults: ['CV_API_READ_TOKEN', 'CV_COMMAND_TOO_MANY', 'CV_API_ORIGIN'],
    handle({ sources, body: { token }, request, reply }) {
      if (!sources.readers) throw new FaultError('CV_API_READ_TOKEN');
      const { session, cookie } = sources.readers.signIn(token, request.ip, request.protocol === 'https');
      reply.header('set-cookie', cookie);
      return session;
    },
  }),
  route({
    method: 'DELETE',
    path: PATH,
    isOpen: true,
    summary: {
      zh: '退出登录；该浏览器的实时推送和实时观看在 10 秒内结束',
      en: 'sign out; live streams and live views of that browser end within 10 s',
    },
    query: query({}),
    params: NO_PARAMS,
    headers: { 'set-cookie': { en: 'ends the session', zh: '结束会话' } },
    answer: SessionView,
    example: NOBODY,
    faults: ['CV_API_ORIGIN'],
    handle({ sources, request, reply }) {
      if (sources.readers) reply.header('set-cookie', sources.readers.signOut(request.headers, request.ip, request.protocol === 'https'));
      return NOBODY;
    },
  }),
];
