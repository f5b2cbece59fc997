/** Which data loggers send on the port or behind the address, and what, for `check`. */
import type { ProbeFinding } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { currentFactorCode } from './factors.ts';
import { itemsIn, HJ212_LISTEN_MS, observePackets } from './observe.ts';
import { uploadKindOf, type Hj212Point, type Hj212Settings } from './settings.ts';

/** One line for each MN: which data it sends, and whether it is the configured device. */
export async function probe(
  settings: Hj212Settings,
  points: readonly ({ id: string } & Hj212Point)[],
  world: World,
  signal: AbortSignal,
): Promise<ProbeFinding[]> {
  const seen = new Map<string, { peer: string; cns: Set<string>; keys: Set<string>; password: boolean }>();
  await observePackets(settings, world, signal, ({ message }, { peer }) => {
    const one = seen.get(message.mn) ?? { peer, cns: new Set(), keys: new Set(), password: true };
    one.cns.add(message.cn);
    if (settings.password !== undefined && message.pw !== settings.password) one.password = false;
    for (const [key] of itemsIn(message.content)) one.keys.add(currentKey(key));
    seen.set(message.mn, one);
    return message.mn === settings.mn && message.cn === '2011';
  });
  const found = seen.get(settings.mn);
  const missing = found
    ? points.filter(
        ({ factor, value, period }) =>
          factor !== undefined &&
          uploadKindOf({ value, period }) === 'realtime' &&
          !found.keys.has(`${currentFactorCode(factor)}-${value}`),
      )
    : [];
  return [
    ...(seen.size === 0
      ? [{ en: `no data logger sent anything within ${HJ212_LISTEN_MS / 1000} s`, zh: `${HJ212_LISTEN_MS / 1000} 秒内没有数采仪上传` }]
      : []),
    ...[...seen].map(([mn, { peer, cns, keys, password }]): ProbeFinding => ({
      en: `${mn === settings.mn ? 'this device' : 'another device'}: MN ${mn} from ${peer}, sends ${[...cns].join(', ')}: ${[...keys].slice(0, 12).join(' ')}${password ? '' : '; its password differs from `password`'}`,
      zh: `${mn === settings.mn ? '本设备' : '其他设备'}：MN ${mn}，来自 ${peer}，上传 ${[...cns].join('、')}：${[...keys].slice(0, 12).join(' ')}${password ? '' : '；密码不符'}`,
    })),
    ...missing.map(({ id, factor, value }) => ({
      en: `point ${id}: ${factor}-${value} is not among them`,
      zh: `测点 ${id}：其中没有 ${factor}-${value}`,
    })),
  ];
}

function currentKey(key: string): string {
  const dash = key.indexOf('-');
  return `${currentFactorCode(key.slice(0, dash))}${key.slice(dash)}`;
}
