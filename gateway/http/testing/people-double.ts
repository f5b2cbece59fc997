/** Users as the API's examples have them: every question is answered, nothing changes. */
import {
  SET_UP_EXAMPLE,
  TOKEN_EXAMPLE,
  NEW_TOKEN_EXAMPLE,
  USER_EXAMPLE,
  USER_LINK_EXAMPLE,
  ACCOUNT_SESSION_EXAMPLE,
} from '../../../api/users.ts';
import type { User } from '../../people/records.ts';
import { ALMIGHTY } from '../../people/testing/memory-people.ts';
import type { ApiSources } from '../sources.ts';

const user: User = {
  id: USER_EXAMPLE.id,
  name: USER_EXAMPLE.name,
  grants: USER_EXAMPLE.grants,
  disabled: false,
  hash: 'x',
  browsers: [],
  createdAt: USER_EXAMPLE.createdAt,
};
const token = { ...TOKEN_EXAMPLE, hash: 'x', user: user.id };
const session = { ...ACCOUNT_SESSION_EXAMPLE, hash: 'x', user: user.id };
const begun = { principal: ALMIGHTY, session: 's', browser: 'b' };
const link = { code: SET_UP_EXAMPLE.code, expiresAt: USER_LINK_EXAMPLE.expiresAt };

export const peopleDouble = (users: readonly User[] = [user]): ApiSources['people'] => ({
  hasAdministrator: true,
  isEmpty: false,
  signIn: () => Promise.resolve(begun),
  begin: () => Promise.resolve(begun),
  signInToDemo: () => Promise.resolve(begun),
  signInByProvider: () => Promise.resolve(begun),
  signOut: () => Promise.resolve(),
  sessionsOf: () => [session],
  endSession: () => Promise.resolve(),
  changePassword: () => Promise.resolve(),
  tokens: {
    of: () => [token],
    add: () => Promise.resolve({ token: NEW_TOKEN_EXAMPLE.token, view: token }),
    remove: () => Promise.resolve(),
  },
  users: () => [...users],
  user: (id) => users.find((one) => one.id === id) ?? null,
  userOf: ({ kind }) => (kind === 'user' ? user : null),
  addUser: () => Promise.resolve({ user, ...link }),
  changeUser: (id) => Promise.resolve({ ...(users.find((one) => one.id === id) as User), disabled: true }),
  newPasswordLink: () => Promise.resolve(link),
  setUp: () => Promise.resolve(user.id),
});
