/** Settings of signing in: how long a session lasts, and a provider that says who somebody is. */
import { z } from 'zod';
import { grantSchema } from '../../api/permissions.ts';
import { isLocalHost } from '../../core/http-host.ts';
import { durationMs, settingIssue } from '../../core/setting.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const sessionTime = (preset: string, mostMs: number, most: string) =>
  durationMs()
    .refine((ms) => ms >= 5 * MINUTE_MS && ms <= mostMs, settingIssue(`must be from 5m to ${most}`, `必须在 5m 到 ${most} 之间`))
    .prefault(preset);

/** HTTPS; plain HTTP of this machine alone, since a code and a secret travel by it. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, search, hash } = new URL(text);
  const isOfScheme = protocol === 'https:' || (protocol === 'http:' && isLocalHost(hostname.replace(/^\[|\]$/g, '')));
  return isOfScheme && username === '' && search === '' && hash === '';
}
const safeUrl = () =>
  z
    .string()
    .max(500)
    .refine(
      isSafeUrl,
      settingIssue('must be https:// (http:// for this machine alone), without user, query and #', '须为 https://（仅本机可用 http://），不带用户、参数和 #'),
    );
const claim = (words: { zh: string; en: string; examples: string[] }) => z.string().min(1).max(200).meta(words);

const OIDC_SCHEMA = z.strictObject({
  issuer: safeUrl().meta({
    zh: '身份提供方（issuer）的 URL，与其自身声明完全一致',
    en: 'URL of the provider, letter for letter as it names itself',
    examples: ['https://id.example/realms/city'],
  }),
  clientId: z
    .string()
    .min(1)
    .max(200)
    .meta({ zh: '本网关在提供方登记的客户端编号', en: 'id of this gateway at the provider', examples: ['cityvitals'] }),
  clientSecret: z
    .string()
    .min(1)
    .optional()
    .meta({
      zh: '客户端密钥；公共客户端不设，登录始终使用 PKCE',
      en: 'its secret; none for a public client; PKCE is used in any case',
      secret: true,
      examples: ['${env:OIDC_SECRET}'],
    }),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/))
    .max(20)
    .default(['openid', 'profile'])
    .refine((list) => list.includes('openid'), settingIssue('must contain openid', '必须包含 openid'))
    .meta({ zh: '请求的范围', en: 'what is asked for', examples: [['openid', 'profile', 'groups']] }),
  nameClaim: claim({ zh: '作为用户名的声明', en: 'claim that is the name of the user', examples: ['preferred_username'] }).default(
    'preferred_username',
  ),
  label: z
    .strictObject({
      zh: z.string().min(1).max(40).meta({ zh: '中文', en: 'in Chinese' }),
      en: z.string().min(1).max(40).meta({ zh: '英文', en: 'in English' }),
    })
    .optional()
    .meta({
      zh: '登录页按钮上的文字',
      en: 'on the button of the sign-in page',
      examples: [{ zh: '市统一身份认证登录', en: 'Sign in with the city account' }],
    }),
  redirectUrl: safeUrl().optional().meta({
    zh: '回调地址；默认按浏览器访问网关所用的地址加 /api/v1/session/oidc/callback。网关看不到该地址时（如反向代理不转发协议）须填写',
    en: 'the way back; by default the address by which the browser reaches the gateway, with /api/v1/session/oidc/callback. Give it where the gateway cannot see that address: behind a proxy that does not forward the scheme, say',
    examples: ['https://city.example/api/v1/session/oidc/callback'],
  }),
  grants: z
    .array(
      z.strictObject({
        claim: claim({ zh: '声明', en: 'claim', examples: ['groups'] }),
        value: z
          .string()
          .min(1)
          .max(200)
          .meta({ zh: '其值；声明为列表时为其中之一', en: 'its value, or one of them where it is a list', examples: ['duty-500112'] }),
        ...grantSchema.shape,
      }),
    )
    .max(1000)
    .default([])
    .meta({
      zh: '按提供方的声明授予角色，每次登录时更新，用户自动建立；不设则角色由本网关授予，用户须事先添加',
      en: 'roles by what the provider says, taken anew at each sign-in, and users come by themselves; none: roles are given here, and a user is added first',
      examples: [[{ claim: 'groups', value: 'duty-500112', role: 'operator', centre: '500112' }]],
    }),
});

export const SIGN_IN_SCHEMA = z.strictObject({
  idle: sessionTime('12h', 30 * DAY_MS, '30d').meta({ zh: '会话多久未使用即失效', en: 'a session that was not used for so long ends' }),
  longest: sessionTime('30d', 365 * DAY_MS, '365d').meta({ zh: '会话最长有效期', en: 'a session ends after so long in any case' }),
  oidc: OIDC_SCHEMA.optional().meta({
    zh: '以 OpenID Connect 统一身份登录',
    en: 'signing in by an OpenID Connect provider',
    examples: [{ issuer: 'https://id.example/realms/city', clientId: 'cityvitals' }],
  }),
});
