/** Who reads by the token or the cookie of a request. */
import { z } from 'zod';
import { component } from './component.ts';

export const SessionView = component('Session', 'who is signed in', '登录者', z.object({
  name: z.string().nullable().meta({ en: 'of the configuration; null when nobody is', zh: '配置中的名称；未登录为 null' }),
  role: z.enum(['reader', 'operator']).nullable().meta({
    en: 'an operator\'s session reads only: commands need the token itself',
    zh: '操作员的会话也只能读取；下达命令须使用令牌',
  }),
}));
export type SessionView = z.infer<typeof SessionView>;

export const SIGN_IN_BODY = z.strictObject({
  token: z.string().min(1).max(1024).meta({
    en: 'of `http.readers` or `operators` of the gateway\'s configuration',
    zh: '网关配置 http.readers 或 operators 中的令牌', examples: ['a-token-of-16-or-more'],
  }),
});

export const SESSION_EXAMPLE: SessionView = { name: 'duty-room', role: 'reader' };
export const SIGN_IN_EXAMPLE: z.input<typeof SIGN_IN_BODY> = { token: 'a-token-of-16-or-more' };
