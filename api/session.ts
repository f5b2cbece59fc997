/** Who reads by the token or the cookie of a request. */
import { z } from 'zod';
import { component } from './component.ts';
import { grantSchema, permission } from './permissions.ts';

export const SessionView = component('Session', 'who is signed in', '登录者', z.object({
  name: z.string().nullable().meta({ en: 'null when nobody is', zh: '未登录为 null' }),
  kind: z.enum(['user', 'token', 'configured', 'anonymous']).meta({
    en: 'a user; a token that a user made; a token of the configuration (by its cookie it reads only); nobody',
    zh: '用户；用户创建的令牌；配置中的令牌（凭其 Cookie 只能读取）；未登录',
  }),
  grants: z.array(grantSchema).meta({ en: 'roles, each in a centre and all below it', zh: '角色及其所在的治理中心（含下级）' }),
  permissions: z.array(permission).meta({ en: 'what they may do in any of these centres', zh: '在上述任一中心拥有的权限' }),
}));
export type SessionView = z.infer<typeof SessionView>;

export const SIGN_IN_BODY = z.union([z.strictObject({
  user: z.string().min(1).max(256).meta({ en: 'name of a user', zh: '用户名', examples: ['li-wei'] }),
  password: z.string().min(1).max(4096).meta({ en: 'their password', zh: '密码', examples: ['correct horse battery'] }),
}), z.strictObject({
  token: z.string().min(1).max(1024).meta({
    en: 'of `http.readers` or `operators` of the gateway\'s configuration',
    zh: '网关配置 http.readers 或 operators 中的令牌', examples: ['a-token-of-16-or-more'],
  }),
})]);

export const SESSION_EXAMPLE: SessionView = {
  name: 'duty-room',
  kind: 'configured',
  grants: [{ role: 'viewer', centre: '*' }],
  permissions: ['read', 'read_evidence'],
};
export const SIGN_IN_EXAMPLE: z.input<typeof SIGN_IN_BODY> = { token: 'a-token-of-16-or-more' };
