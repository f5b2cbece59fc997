/** Who reaches HTTP from other machines, said before it starts and by `check`. */
import type { Words } from '../core/api.ts';
import { isLocalHost } from '../core/http-host.ts';
import { needsToken } from '../gateway/api/readers.ts';
import type { GatewaySetup } from '../gateway/config/setup.ts';

/** What to say of a gateway's HTTP; null where it is for this machine alone. */
export function warningOfGateway({ http, operators = [] }: Pick<GatewaySetup, 'http' | 'operators'>): Words | null {
  if (!needsToken(http)) return null;
  const where = isLocalHost(http.host)
    ? { en: `HTTP is reached through a proxy (http.trustProxy)`, zh: 'HTTP 经反向代理对外开放（http.trustProxy）' }
    : { en: `HTTP listens beyond this machine (${http.host}:${http.port})`, zh: `HTTP 不只监听本机（${http.host}:${http.port}）` };
  const isShut = (http.readers ?? []).length + operators.length === 0;
  return isShut
    ? { en: `WARNING: ${where.en}, where reading needs a token, and nobody has one: add http.readers`, zh: `警告：${where.zh}，读取需要令牌，但尚未设置任何令牌：请添加 http.readers` }
    : { en: `WARNING: ${where.en}: whoever has a token of http.readers or operators reads everything, and without TLS tokens cross the network in clear: put an HTTPS proxy in front`, zh: `警告：${where.zh}：持有 http.readers 或 operators 令牌者可读取全部数据；未加密时令牌以明文传输，请在前面设置 HTTPS 反向代理` };
}
