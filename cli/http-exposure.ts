/** Warnings about HTTP that is reachable from other machines, printed at start and by `check`. */
import type { BilingualText } from '../core/bilingual-text.ts';
import { isLocalHost } from '../core/http-host.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';
import { needsToken } from '../gateway/people/access.ts';
import type { GatewaySetup } from '../gateway/config/setup.ts';

/** What to say of a gateway's HTTP; null where it is for this machine alone. */
export function gatewayHttpWarning({ http, operators = [], tls }: Pick<GatewaySetup, 'http' | 'operators' | 'tls'>): BilingualText | null {
  if (!needsToken(http)) return null;
  const where = isLocalHost(http.host)
    ? { en: `HTTP is reachable through a reverse proxy (http.trustProxy)`, zh: 'HTTP 经反向代理对外开放（http.trustProxy）' }
    : { en: `HTTP is reachable from other machines (${http.host}:${http.port})`, zh: `HTTP 不只监听本机（${http.host}:${http.port}）` };
  const clear = tls?.plaintextUntilAt
    ? {
        en: '; while plaintext is let in (tls.plaintextUntil), tokens may be sent in clear text',
        zh: '；在允许明文期间（tls.plaintextUntil），令牌可能以明文传输',
      }
    : { en: '', zh: '' };
  const isShut = (http.readers ?? []).length + operators.length === 0;
  return isShut
    ? {
        en: `WARNING: ${where.en}, reading needs a token, and none is configured: add http.readers, or make the first administrator by the set-up link`,
        zh: `警告：${where.zh}，读取需要令牌，但尚未设置任何令牌：请添加 http.readers，或通过设置链接设置首位管理员`,
      }
    : {
        en: `WARNING: ${where.en}: holders of a token in http.readers or operators can read everything${clear.en}`,
        zh: `警告：${where.zh}：持有 http.readers 或 operators 令牌者可读取全部数据${clear.zh}`,
      };
}

/** The same of an edge's. */
export function edgeHttpWarning({ http: { host, port, token } }: Pick<EdgeSetup, 'http'>): BilingualText | null {
  if (isLocalHost(host)) return null;
  const where = { en: `HTTP is reachable from other machines (${host}:${port})`, zh: `HTTP 不只监听本机（${host}:${port}）` };
  return token === undefined
    ? {
        en: `WARNING: ${where.en}, only the gateway can read: add http.token for other clients`,
        zh: `警告：${where.zh}，目前仅网关可以读取：其他人需要读取时请添加 http.token`,
      }
    : {
        en: `WARNING: ${where.en}: holders of http.token can read everything, and the token is sent in clear text`,
        zh: `警告：${where.zh}：持有 http.token 者可读取全部数据，且令牌以明文传输`,
      };
}
