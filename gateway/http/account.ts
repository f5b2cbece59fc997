/** What people do with their own account: sessions, tokens, password. */
import {
  ACCOUNT_SESSION_EXAMPLE,
  AccountSessionView,
  ADD_TOKEN_BODY,
  ADD_TOKEN_EXAMPLE,
  DONE,
  DoneView,
  NEW_TOKEN_EXAMPLE,
  NewTokenView,
  PASSWORD_BODY,
  PASSWORD_EXAMPLE,
  TOKEN_EXAMPLE,
  TokenView,
} from '../../api/users.ts';
import { pageOf } from '../../api/fields.ts';
import { FaultError } from '../../core/faults.ts';
import type { Token } from '../people/records.ts';
import { after, idParam, MAX_PAGE, NO_PARAMS, pageByText, pageLimit, query, requestOf, route, type Call, type Route } from './route.ts';
import { actorOf } from './users.ts';
import '../people/faults.ts';

const SESSIONS = '/api/v1/account/sessions';
const TOKENS = '/api/v1/account/tokens';
const DAY_MS = 86_400_000;
const page = query({ limit: pageLimit(MAX_PAGE, 200), after: after() });
const CHANGES = ['CV_API_ORIGIN', 'CV_API_CSRF', 'CV_PEOPLE_UNUSABLE'] as const;

const tokenView = ({ id, name, permissions, centres, createdAt, expiresAt, usedAt }: Token): TokenView => ({
  id,
  name,
  permissions,
  centres,
  createdAt,
  expiresAt,
  usedAt,
});

export const ACCOUNT_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: SESSIONS,
    needs: 'account',
    summary: { zh: '本人的会话', en: 'browsers in which one is signed in' },
    query: page,
    params: NO_PARAMS,
    answer: pageOf(AccountSessionView),
    example: { items: [ACCOUNT_SESSION_EXAMPLE], next: null },
    faults: [],
    handle: (call) => {
      const sessions = call.sources.people.sessionsOf(own(call), cookieOf(call));
      const views = sessions.map(({ id, createdAt, usedAt, address, agent, current }) => ({
        id,
        createdAt,
        usedAt,
        address,
        agent,
        current,
      }));
      return pageByText(views, call.query.limit, call.query.after, ({ id }) => id);
    },
  }),
  route({
    method: 'DELETE',
    path: `${SESSIONS}/:id`,
    needs: 'account',
    summary: { zh: '结束本人的一个会话', en: "end one of one's sessions" },
    query: query({}),
    params: idParam('the session', '会话', ACCOUNT_SESSION_EXAMPLE.id),
    answer: DoneView,
    example: DONE,
    faults: [...CHANGES, 'CV_API_UNKNOWN_ID'],
    async handle(call) {
      await call.sources.people.endSession(own(call), call.params.id, actorOf(call));
      return DONE;
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/account/password',
    needs: 'account',
    summary: { zh: '修改本人密码；其他会话随即结束', en: "change one's password; other sessions end" },
    query: query({}),
    params: NO_PARAMS,
    body: PASSWORD_BODY,
    bodyExample: PASSWORD_EXAMPLE,
    answer: DoneView,
    example: DONE,
    faults: [...CHANGES, 'CV_SIGN_IN_WRONG', 'CV_SIGN_IN_LOCKED', 'CV_SIGN_IN_BUSY', 'CV_USER_PASSWORD'],
    async handle(call) {
      await call.sources.people.changePassword(own(call), call.body, cookieOf(call), actorOf(call));
      return DONE;
    },
  }),
  route({
    method: 'GET',
    path: TOKENS,
    needs: 'account',
    summary: { zh: '本人的令牌', en: "one's tokens" },
    query: page,
    params: NO_PARAMS,
    answer: pageOf(TokenView),
    example: { items: [TOKEN_EXAMPLE], next: null },
    faults: [],
    handle: (call) =>
      pageByText(call.sources.people.tokens.of(own(call)).map(tokenView), call.query.limit, call.query.after, ({ id }) => id),
  }),
  route({
    method: 'POST',
    path: TOKENS,
    needs: 'account',
    summary: { zh: '创建令牌；令牌本身仅在应答中出现一次', en: 'make a token; it is in the answer, and never shown again' },
    query: query({}),
    params: NO_PARAMS,
    body: ADD_TOKEN_BODY,
    bodyExample: ADD_TOKEN_EXAMPLE,
    answer: NewTokenView,
    example: NEW_TOKEN_EXAMPLE,
    faults: [...CHANGES, 'CV_TOKEN_SCOPE', 'CV_PEOPLE_FULL'],
    async handle(call) {
      const { days, ...asked } = call.body;
      const expiresAt = call.world.clock.nowMs() + days * DAY_MS;
      const { token, view } = await call.sources.people.tokens.add(own(call), { ...asked, expiresAt }, actorOf(call));
      return { token, view: tokenView(view) };
    },
  }),
  route({
    method: 'DELETE',
    path: `${TOKENS}/:id`,
    needs: 'account',
    summary: { zh: '删除本人的令牌', en: "remove one of one's tokens" },
    query: query({}),
    params: idParam('the token', '令牌', TOKEN_EXAMPLE.id),
    answer: DoneView,
    example: DONE,
    faults: [...CHANGES, 'CV_API_UNKNOWN_ID'],
    async handle(call) {
      await call.sources.people.tokens.remove(own(call), call.params.id, actorOf(call));
      return DONE;
    },
  }),
];

type Asked = Pick<Call<unknown, unknown>, 'sources' | 'principal' | 'request'>;
/** @throws CV_API_READ_TOKEN for somebody who is no user (any more) */
function own({ sources, principal }: Asked): string {
  const user = sources.people.userOf(principal);
  if (!user) throw new FaultError('CV_API_READ_TOKEN');
  return user.id;
}
const cookieOf = ({ sources, request }: Asked): string | undefined => sources.access.sessionCookie(requestOf(request));
