/** Users of this gateway, for those who administer them: an administrator of a centre has those whose roles lie within it. */
import {
  ADD_USER_BODY,
  ADD_USER_EXAMPLE,
  CHANGE_USER_BODY,
  CHANGE_USER_EXAMPLE,
  USER_EXAMPLE,
  USER_LINK_EXAMPLE,
  UserLinkView,
  UserView,
} from '../../api/users.ts';
import type { Grant } from '../../api/permissions.ts';
import { pageOf } from '../../api/fields.ts';
import type { User } from '../people/records.ts';
import { after, idParam, MAX_PAGE, NO_PARAMS, pageByText, pageLimit, query, route, unknownId, type Call, type Route } from './route.ts';
import '../people/faults.ts';

const PATH = '/api/v1/users';
const USER_ID = idParam('the user', '用户', USER_EXAMPLE.id);

export const userView = ({ id, name, grants, disabled, hash, provider, createdAt }: User): UserView => ({
  id,
  name,
  grants,
  disabled,
  hasPassword: hash !== null,
  byProvider: provider !== undefined,
  createdAt,
});
export const actorOf = ({ principal, request }: Pick<Call<unknown, unknown>, 'principal' | 'request'>) => ({
  principal,
  address: request.ip,
});

export const USER_ROUTES: Route[] = [
  route({
    method: 'GET',
    path: PATH,
    needs: 'manage_users',
    summary: { zh: '用户及其角色', en: 'users and their roles' },
    query: query({ limit: pageLimit(MAX_PAGE, 200), after: after() }),
    params: NO_PARAMS,
    answer: pageOf(UserView),
    example: { items: [USER_EXAMPLE], next: null },
    faults: [],
    handle: (call) =>
      pageByText(
        call.sources.people
          .users()
          .filter((user) => isTheirs(call, user.grants))
          .map(userView),
        call.query.limit,
        call.query.after,
        ({ name }) => name,
      ),
  }),
  route({
    method: 'POST',
    path: PATH,
    needs: 'manage_users',
    summary: {
      zh: '添加用户；应答中的一次性代码供其设置密码，地址为 /#/setup/CODE',
      en: 'add a user; by the code of the answer they set their password, at /#/setup/CODE',
    },
    query: query({}),
    params: NO_PARAMS,
    body: ADD_USER_BODY,
    bodyExample: ADD_USER_EXAMPLE,
    answer: UserLinkView,
    example: USER_LINK_EXAMPLE,
    faults: [
      'CV_API_ORIGIN',
      'CV_API_CSRF',
      'CV_API_UNKNOWN_ID',
      'CV_USER_NAME',
      'CV_USER_NAME_TAKEN',
      'CV_PEOPLE_FULL',
      'CV_PEOPLE_UNUSABLE',
    ],
    async handle(call) {
      refuseForeign(call, call.body.grants);
      const { user, code, expiresAt } = await call.sources.people.addUser(call.body, actorOf(call));
      return { user: userView(user), code, expiresAt };
    },
  }),
  route({
    method: 'POST',
    path: `${PATH}/:id`,
    needs: 'manage_users',
    summary: { zh: '变更用户的角色，停用或启用用户', en: 'change the roles of a user, disable or enable one' },
    query: query({}),
    params: USER_ID,
    body: CHANGE_USER_BODY,
    bodyExample: CHANGE_USER_EXAMPLE,
    answer: UserView,
    example: { ...USER_EXAMPLE, disabled: true },
    faults: ['CV_API_ORIGIN', 'CV_API_CSRF', 'CV_API_UNKNOWN_ID', 'CV_USER_LAST_ADMINISTRATOR', 'CV_PEOPLE_UNUSABLE'],
    async handle(call) {
      theirs(call);
      refuseForeign(call, call.body.grants ?? []);
      return userView(await call.sources.people.changeUser(call.params.id, call.body, actorOf(call)));
    },
  }),
  route({
    method: 'POST',
    path: `${PATH}/:id/setup-code`,
    needs: 'manage_users',
    summary: {
      zh: '为用户生成重新设置密码的一次性代码；以前的代码作废',
      en: 'a code by which a user sets a new password; earlier ones are void',
    },
    query: query({}),
    params: USER_ID,
    answer: UserLinkView,
    example: USER_LINK_EXAMPLE,
    faults: ['CV_API_ORIGIN', 'CV_API_CSRF', 'CV_API_UNKNOWN_ID', 'CV_PEOPLE_UNUSABLE'],
    async handle(call) {
      const user = theirs(call);
      return { user: userView(user), ...(await call.sources.people.newPasswordLink(user.id, actorOf(call))) };
    },
  }),
];

type Scope = Pick<Call<unknown, unknown>, 'sees' | 'seesAll'>;
/** Somebody without any role is for those who see all. */
const isTheirs = ({ sees, seesAll }: Scope, grants: readonly Grant[]): boolean =>
  seesAll || (grants.length > 0 && grants.every(({ centre }) => sees(centre)));

/** @throws CV_API_UNKNOWN_ID */
function theirs(call: Scope & Pick<Call<unknown, { id: string }>, 'sources' | 'params'>): User {
  const user = call.sources.people.user(call.params.id);
  if (!user || !isTheirs(call, user.grants)) throw unknownId({ en: 'user', zh: '用户' }, call.params.id, PATH);
  return user;
}

/** Nobody gives what is not theirs: a foreign centre is as one that is not there. @throws CV_API_UNKNOWN_ID */
function refuseForeign({ sees, seesAll }: Scope, grants: readonly Grant[]): void {
  const foreign = grants.find(({ centre }) => !seesAll && !sees(centre));
  if (foreign) throw unknownId({ en: 'centre', zh: '治理中心' }, foreign.centre, '/api/v1/session');
}
