/** Who reaches HTTP from other machines, said before it starts and by `check`. */
import type { Words } from '../core/words.ts';
import { isLocalHost } from '../core/http-host.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';
import { needsToken } from '../gateway/http/readers.ts';
import type { GatewaySetup } from '../gateway/config/setup.ts';

/** What to say of a gateway's HTTP; null where it is for this machine alone. */
export function gatewayHttpWarning({ http, operators = [] }: Pick<GatewaySetup, 'http' | 'operators'>): Words | null {
  if (!needsToken(http)) return null;
  const where = isLocalHost(http.host)
    ? { en: `HTTP is reached through a proxy (http.trustProxy)`, zh: 'HTTP 经反向代理对外开放（http.trustProxy）' }
    : { en: `HTTP listens beyond this machine (${http.host}:${http.port})`, zh: `HTTP 不只监听本机（${http.host}:${http.port}）` };
  const isShut = (http.readers ?? []).length + operators.length === 0;
  return isShut
    ? { en: `WARNING: ${where.en}, where reading needs a token, and nobody has one: add http.readers`, zh: `警告：${where.zh}，读取需要令牌，但尚未设置任何令牌：请添加 http.readers` }
    : { en: `WARNING: ${where.en}: whoever has a token of http.readers or operators reads everything, and without TLS tokens cross the network in clear: put an HTTPS proxy in front`, zh: `警告：${where.zh}：持有 http.readers 或 operators 令牌者可读取全部数据；未加密时令牌以明文传输，请在前面设置 HTTPS 反向代理` };
}

/** The same of an edge's. */
export function edgeHttpWarning({ http: { host, port, token } }: Pick<EdgeSetup, 'http'>): Words | null {
  if (isLocalHost(host)) return null;
  const where = { en: `HTTP listens beyond this machine (${host}:${port})`, zh: `HTTP 不只监听本机（${host}:${port}）` };
  return token === undefined
    ? { en: `WARNING: ${where.en}, where the gateway alone can read: add http.token for anybody else`, zh: `警告：${where.zh}，目前仅网关可以读取：其他人需要读取时请添加 http.token` }
    : { en: `WARNING: ${where.en}: whoever has http.token reads everything, and the token crosses the network in clear`, zh: `警告：${where.zh}：持有 http.token 者可读取全部数据，且令牌以明文传输` };
}
