/** Users of a gateway, and what each has of their own: sessions, tokens, a password. */
import { z } from 'zod';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { time } from './fields.ts';
import { grantSchema, PERMISSIONS, scopeCentre } from './permissions.ts';

/** Of a token: `public` needs none, and an account is a person's. */
const TOKEN_PERMISSIONS = PERMISSIONS.filter((one) => one !== 'public' && one !== 'account');

export const UserView = component(
  'User',
  'somebody who signs in here',
  '可登录的用户',
  z.object({
    id: z.string(),
    name: z.string(),
    grants: z.array(grantSchema).meta({ en: 'roles, each in a centre and all below it', zh: '角色及其所在的治理中心（含下级）' }),
    disabled: z.boolean().meta({ en: 'does not get in; sessions and tokens do not either', zh: '已停用：会话与令牌一并失效' }),
    hasPassword: z.boolean().meta({ en: 'false until the set-up link was used', zh: '使用设置链接之前为 false' }),
    byProvider: z.boolean().meta({ en: 'signs in by the provider', zh: '通过统一身份登录' }),
    createdAt: time,
  }),
);
export type UserView = z.infer<typeof UserView>;

export const UserLinkView = component(
  'UserLink',
  'a user, and the code by which they set their password, shown once',
  '用户及其设置密码的一次性代码（仅显示一次）',
  z.object({
    user: UserView,
    code: z.string(),
    expiresAt: time,
  }),
);
export type UserLinkView = z.infer<typeof UserLinkView>;

export const AccountSessionView = component(
  'AccountSession',
  'a browser that is signed in',
  '已登录的浏览器',
  z.object({
    id: z.string(),
    createdAt: time,
    usedAt: time,
    address: z.string(),
    agent: z.string().meta({ en: 'what the browser calls itself', zh: '浏览器标识' }),
    current: z.boolean().meta({ en: 'the one that asks', zh: '当前会话' }),
  }),
);
export type AccountSessionView = z.infer<typeof AccountSessionView>;

export const TokenView = component(
  'ApiToken',
  'a token for programs; it may no more than its owner',
  '供程序使用的令牌，权限不超过其所有者',
  z.object({
    id: z.string(),
    name: z.string(),
    permissions: z.array(z.enum(PERMISSIONS)),
    centres: z.array(z.string()),
    createdAt: time,
    expiresAt: time,
    usedAt: time.nullable(),
  }),
);
export type TokenView = z.infer<typeof TokenView>;

export const NewTokenView = component(
  'NewApiToken',
  'a token that was made; it is shown once',
  '新建的令牌，仅显示一次',
  z.object({
    token: z.string(),
    view: TokenView,
  }),
);
export type NewTokenView = z.infer<typeof NewTokenView>;

export const DoneView = component('Done', 'it is done', '已完成', z.object({ done: z.literal(true) }));
export const DONE = { done: true } as const;

export const SignInWaysView = component(
  'SignInWays',
  'how one gets in here',
  '本网关的登录方式',
  z.object({
    setUp: z.boolean().meta({ en: 'nobody administers this gateway yet: the set-up link is wanted', zh: '尚无管理员：请使用设置链接' }),
    users: z.boolean().meta({ en: 'there are users, with passwords', zh: '已有用户，可用密码登录' }),
    provider: z
      .object({ zh: z.string(), en: z.string() })
      .optional()
      .meta({ en: 'the button that leads to /api/v1/session/oidc', zh: '统一身份登录按钮上的文字，指向 /api/v1/session/oidc' }),
  }),
);
export type SignInWaysView = z.infer<typeof SignInWaysView>;

const userName = z
  .string()
  .min(1)
  .max(256)
  .meta({ en: 'name', zh: '用户名', examples: ['li-wei'] });
const password = z
  .string()
  .min(1)
  .max(4096)
  .meta({ en: 'at least 10 characters', zh: '至少 10 个字符', examples: ['correct horse battery'] });
const grants = z
  .array(grantSchema)
  .max(100)
  .meta({
    en: 'roles, each in a centre and all below it',
    zh: '角色及其所在的治理中心（含下级）',
    examples: [[{ role: 'operator', centre: '500112' }]],
  });

export const SET_UP_BODY = z.strictObject({
  code: z
    .string()
    .min(1)
    .max(256)
    .meta({ en: 'of the set-up link', zh: '设置链接中的代码', examples: ['aGk0c2V0LXVwLWNvZGUtb2YtMzItYnl0ZXMtbG9uZw'] }),
  name: userName.optional(),
  password,
});
export const ADD_USER_BODY = z.strictObject({ name: userName, grants });
export const CHANGE_USER_BODY = z.strictObject({
  grants: grants.optional(),
  disabled: z
    .boolean()
    .optional()
    .meta({ en: 'ends sessions at once', zh: '立即结束其会话', examples: [true] }),
});
export const PASSWORD_BODY = z.strictObject({ old: password, password });
export const ADD_TOKEN_BODY = z.strictObject({
  name: z
    .string()
    .regex(/^[^\s/+#]{1,64}$/)
    .meta({ en: 'what it is for', zh: '用途', examples: ['reporting'] }),
  permissions: z
    .array(z.enum(TOKEN_PERMISSIONS))
    .min(1)
    .meta({ en: "of its owner's", zh: '所有者权限的一部分', examples: [['read']] }),
  centres: z
    .array(scopeCentre)
    .min(1)
    .max(100)
    .meta({ en: 'where', zh: '治理中心', examples: [['500112']] }),
  days: z
    .int()
    .min(1)
    .max(730)
    .meta({ en: 'until it expires', zh: '有效天数', examples: [90] }),
});

export const USER_EXAMPLE: UserView = {
  id: '6f0c0b7e-0f5b-4f0e-9d3c-2b1a5c7d9e11',
  name: 'li-wei',
  grants: [{ role: 'operator', centre: '500112' }],
  disabled: false,
  hasPassword: true,
  byProvider: false,
  createdAt: EXAMPLE_AT - 86_400_000,
};
export const SET_UP_EXAMPLE: z.input<typeof SET_UP_BODY> = {
  code: 'aGk0c2V0LXVwLWNvZGUtb2YtMzItYnl0ZXMtbG9uZw',
  name: 'li-wei',
  password: 'correct horse battery',
};
export const ADD_USER_EXAMPLE: z.input<typeof ADD_USER_BODY> = { name: 'li-wei', grants: [{ role: 'operator', centre: '500112' }] };
export const CHANGE_USER_EXAMPLE: z.input<typeof CHANGE_USER_BODY> = { disabled: true };
export const PASSWORD_EXAMPLE: z.input<typeof PASSWORD_BODY> = { old: 'correct horse battery', password: 'a longer one than before' };
export const ADD_TOKEN_EXAMPLE: z.input<typeof ADD_TOKEN_BODY> = {
  name: 'reporting',
  permissions: ['read'],
  centres: ['500112'],
  days: 90,
};
export const USER_LINK_EXAMPLE: UserLinkView = {
  user: { ...USER_EXAMPLE, hasPassword: false },
  code: SET_UP_EXAMPLE.code,
  expiresAt: EXAMPLE_AT + 86_400_000,
};
export const ACCOUNT_SESSION_EXAMPLE: AccountSessionView = {
  id: '0d9c6a55-6a0e-4d3e-8a43-9f4a1c2b3d4e',
  createdAt: EXAMPLE_AT - 3_600_000,
  usedAt: EXAMPLE_AT,
  address: '10.0.0.7',
  agent: 'Firefox',
  current: true,
};
export const TOKEN_EXAMPLE: TokenView = {
  id: '3a7f9e10-52b1-4a6f-b0a1-6a2f0c4d8e21',
  name: 'reporting',
  permissions: ['read'],
  centres: ['500112'],
  createdAt: EXAMPLE_AT,
  expiresAt: EXAMPLE_AT + 90 * 86_400_000,
  usedAt: null,
};
export const NEW_TOKEN_EXAMPLE: NewTokenView = { token: 'cvt_0wCk2k0QmVb7bZ5mOeJ8m7oY1tQe3rXk9uLw4sNd6fA', view: TOKEN_EXAMPLE };
export const SIGN_IN_WAYS_EXAMPLE: SignInWaysView = {
  setUp: false, users: true, provider: { zh: '统一身份登录', en: 'Sign in with the city account' },
};
