/** Faults of people and what they may. */
import { defineFaults } from '../../core/faults.ts';

const PEOPLE_FAULTS = defineFaults({
  CV_API_CSRF: {
    stage: 'api',
    retry: 'never',
    actor: 'developer',
    status: 403,
    en: ['a change by cookie lacks the header x-cityvitals', 'send `x-cityvitals: 1`, or use a token in the Authorization header'],
    zh: ['凭 Cookie 的更改请求缺少 x-cityvitals 请求头', '请发送 `x-cityvitals: 1`，或在 Authorization 请求头中使用令牌'],
  },
  CV_SIGN_IN_WRONG: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 401,
    en: ['user or password is wrong', 'check both; an administrator can send a link for a new password'],
    zh: ['用户名或密码错误', '请核对；管理员可发送重新设置密码的链接'],
  },
  CV_SIGN_IN_LOCKED: {
    stage: 'api',
    retry: 'backoff',
    actor: 'operator',
    status: 429,
    en: ['too many wrong passwords for this user from here', 'wait {waitSeconds} s'],
    zh: ['此处对该用户的密码尝试过多', '请等待 {waitSeconds} 秒'],
  },
  CV_SIGN_IN_BUSY: {
    stage: 'api',
    retry: 'backoff',
    actor: 'operator',
    status: 503,
    en: ['too many people sign in at the moment', 'try again in a few seconds'],
    zh: ['当前登录请求过多', '请几秒后重试'],
  },
  CV_SETUP_CODE: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 403,
    en: [
      'this link was used, has expired, or is none of this gateway',
      'ask an administrator for a new one; for the first administrator restart the gateway, which prints one',
    ],
    zh: ['该链接已使用、已过期或不属于本网关', '请向管理员索取新链接；首位管理员的链接在网关启动时显示'],
  },
  CV_USER_NAME: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 400,
    en: ['not a name for a user', 'use up to 64 letters, digits and . _ @ -, beginning with a letter or digit, of one alphabet'],
    zh: ['用户名不符合要求', '最多 64 个字符：同一种文字的字母或汉字、数字及 . _ @ -，以字母、汉字或数字开头'],
  },
  CV_USER_NAME_TAKEN: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 409,
    en: ['there is a user {name} already; upper and lower case, and forms of the same letters, are one', 'choose another name'],
    zh: ['已有用户 {name}；大小写及同一字符的不同形式视为相同', '请另选用户名'],
  },
  CV_USER_PASSWORD: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 400,
    en: ['a password has at least {min} characters and at most {max} bytes', 'choose another one'],
    zh: ['密码至少 {min} 个字符，最多 {max} 字节', '请另设密码'],
  },
  CV_USER_LAST_ADMINISTRATOR: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 409,
    en: ['{name} is the last administrator of all centres', 'make another one first'],
    zh: ['{name} 是最后一名全部中心的管理员', '请先设置另一名管理员'],
  },
  CV_TOKEN_SCOPE: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 403,
    en: ['a token cannot have {permission} in {centre}: its owner does not', 'leave it out, or ask for the role first'],
    zh: ['令牌不能在 {centre} 拥有 {permission}：其所有者没有该权限', '请去掉该项，或先申请相应角色'],
  },
  CV_SETUP_DONE: {
    stage: 'cli',
    retry: 'never',
    actor: 'operator',
    en: ['this gateway has an administrator', 'use `cityvitals user link NAME --local` where a password was forgotten'],
    zh: ['本网关已有管理员', '忘记密码时请使用 `cityvitals user link 用户名 --local`'],
  },
  CV_PEOPLE_LOCAL: {
    stage: 'cli',
    retry: 'after-change',
    actor: 'operator',
    en: [
      '{path} is not of this user, or its folder is not there',
      'run it as root, or as the user that the gateway runs as, on the machine of the gateway; check log.dir of its configuration',
    ],
    zh: ['{path} 不属于当前用户，或其目录不存在', '请在网关所在机器上以 root 或运行网关的用户执行；并检查配置中的 log.dir'],
  },
  CV_PEOPLE_FULL: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 409,
    en: ['there are {max} {what} already', 'remove those that are not needed'],
    zh: ['{what}已达 {max} 个', '请删除不再需要的'],
  },
  CV_PEOPLE_UNUSABLE: {
    stage: 'api',
    retry: 'backoff',
    actor: 'operator',
    status: 503,
    en: [
      'people.db cannot be used: {detail}',
      'look at the disk of the gateway and the rights of people.db; tokens of the configuration go on working; a damaged file is brought back from a backup, never begun anew by itself',
    ],
    zh: [
      '无法使用 people.db：{detail}',
      '请检查网关磁盘及 people.db 的权限；配置中的令牌仍然有效；文件损坏时请从备份恢复，系统不会自行新建',
    ],
  },
  CV_OIDC_OFF: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 404,
    en: ['nobody signs in here by a provider', 'set `signIn.oidc` in the configuration of the gateway, or sign in by user and password'],
    zh: ['本网关未启用统一身份登录', '请在网关配置中设置 `signIn.oidc`，或使用用户名和密码登录'],
  },
  CV_OIDC_UNREACHABLE: {
    stage: 'api',
    retry: 'backoff',
    actor: 'operator',
    status: 502,
    en: [
      'the provider {issuer} does not answer as it should: {detail}',
      'open {issuer}/.well-known/openid-configuration from the gateway; it must name this very issuer. Users with a password go on signing in here',
    ],
    zh: [
      '身份提供方 {issuer} 应答异常：{detail}',
      '请在网关上访问 {issuer}/.well-known/openid-configuration，其中的 issuer 须与配置完全一致；设有密码的用户仍可登录',
    ],
  },
  CV_OIDC_STATE: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 400,
    en: ['this sign-in was begun in another browser, or more than ten minutes ago', 'begin again on the sign-in page'],
    zh: ['该登录由其他浏览器发起，或已超过十分钟', '请回到登录页面重新开始'],
  },
  CV_OIDC_REFUSED: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 403,
    en: [
      'the provider did not vouch for you: {detail}',
      'sign in again; if it stays so, compare clientId, clientSecret, nameClaim and the redirect URL with what the provider has',
    ],
    zh: ['身份提供方未确认登录：{detail}', '请重新登录；若仍失败，请核对 clientId、clientSecret、nameClaim 及提供方登记的回调地址'],
  },
  CV_OIDC_USER: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 403,
    en: [
      '{name} is known to the provider, but may do nothing here',
      'ask an administrator of this gateway to add a user of that name, or to give the group a role under `signIn.oidc.grants`',
    ],
    zh: ['身份提供方已确认 {name}，但其在本网关没有权限', '请管理员添加同名用户，或在 `signIn.oidc.grants` 中为其所属组授予角色'],
  },
  CV_OIDC_NAME_TAKEN: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 409,
    en: [
      'a user {name} of this gateway signs in another way',
      'whoever has that name at the provider is not taken for them: an administrator adds a user without a password, or gives one of the two another name',
    ],
    zh: ['本网关的用户 {name} 采用其他方式登录', '不会仅凭提供方的同名账号认定为同一人：请管理员添加未设密码的用户，或更改其中一方的名称'],
  },
  CV_API_FORBIDDEN: {
    stage: 'api',
    retry: 'after-change',
    actor: 'operator',
    status: 403,
    en: [
      '{name} does not have the permission {permission}',
      'ask an administrator of this gateway for a role that has it, in the centre that it is wanted in',
    ],
    zh: ['{name} 没有权限 {permission}', '请向本网关的管理员申请在相应治理中心具有该权限的角色'],
  },
});

declare module '../../core/faults.ts' {
  interface FaultTables {
    people: typeof PEOPLE_FAULTS;
  }
}
