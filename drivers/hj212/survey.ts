/** What a data logger says of itself: whoever speaks on the port, or behind the address, is listened to for a while. */
import { dial } from '../listening/dial.ts';
import type { DiscoveredPoint, ProbeFinding } from '../../core/driver.ts';
import { pause, type World } from '../../core/world.ts';
import { Connection, type Received } from './connection.ts';
import { factorOf, modernCode } from './factors.ts';
import { hubOf } from './hub.ts';
import { PERIODS, periodOf, type Hj212Point, type Hj212Settings, type Period } from './settings.ts';

/** Realtime data comes every 30 s from most. */
const LISTEN_MS = 35_000;
const PERIOD_OF = new Map(Object.entries(PERIODS).map(([period, cn]) => [cn as string, period as Period]));

/** One line for each MN that speaks: which data it sends, and whether it is the one that is wanted. */
export async function probe(settings: Hj212Settings, points: readonly ({ id: string } & Hj212Point)[], world: World, signal: AbortSignal): Promise<ProbeFinding[]> {
  const heard = new Map<string, { peer: string; cns: Set<string>; keys: Set<string>; password: boolean }>();
  const wanted = () => heard.get(settings.mn);
  await listen(settings, world, signal, ({ message }, { peer }) => {
    const one = heard.get(message.mn) ?? { peer, cns: new Set(), keys: new Set(), password: true };
    one.cns.add(message.cn);
    if (settings.password !== undefined && message.pw !== settings.password) one.password = false;
    for (const [key] of itemsIn(message.content)) one.keys.add(modernKey(key));
    heard.set(message.mn, one);
    return message.mn === settings.mn && message.cn === '2011';
  });
  const found = wanted();
  const missing = found ? points.filter(({ factor, value, period }) => factor !== undefined && periodOf({ value, period }) === 'realtime' && !found.keys.has(`${modernCode(factor)}-${value}`)) : [];
  return [
    ...(heard.size === 0 ? [{ en: `nobody spoke within ${LISTEN_MS / 1000} s`, zh: `${LISTEN_MS / 1000} 秒内没有数采仪上传` }] : []),
    ...[...heard].map(([mn, { peer, cns, keys, password }]): ProbeFinding => ({
      en: `${mn === settings.mn ? 'this device' : 'another device'}: MN ${mn} from ${peer}, sends ${[...cns].join(', ')}: ${[...keys].slice(0, 12).join(' ')}${password ? '' : '; its password is another one'}`,
      zh: `${mn === settings.mn ? '本设备' : '其他设备'}：MN ${mn}，来自 ${peer}，上传 ${[...cns].join('、')}：${[...keys].slice(0, 12).join(' ')}${password ? '' : '；密码不符'}`,
    })),
    ...missing.map(({ id, factor, value }) => ({ en: `point ${id}: ${factor}-${value} is not among them`, zh: `测点 ${id}：其中没有 ${factor}-${value}` })),
  ];
}

/** Every value that the station sends while it is listened to, as a point that reads it. */
export async function discover(settings: Hj212Settings, world: World, signal: AbortSignal): Promise<DiscoveredPoint[]> {
  const found = new Map<string, DiscoveredPoint>();
  await listen(settings, world, signal, ({ message }) => {
    const period = PERIOD_OF.get(message.cn);
    if (message.mn !== settings.mn || !period) return false;
    for (const [key, text] of itemsIn(message.content)) {
      const dash = key.indexOf('-');
      const [factor, value] = [key.slice(0, dash), key.slice(dash + 1)];
      if (dash < 1 || value === 'Flag' || !/^[A-Za-z0-9]{1,16}$/.test(factor) || !/^[A-Za-z]{1,16}$/.test(value)) continue;
      const known = factorOf(factor);
      const isNumber = text !== '' && Number.isFinite(Number(text));
      found.set(`${message.cn} ${key}`, {
        name: `${key} ${known ? `${known.zh} ${known.en}` : ''}`.trim(), type: isNumber ? 'number' : 'text', value: isNumber ? Number(text) : text,
        point: { factor, value, period, ...(isNumber ? {} : { type: 'text' }) },
      });
    }
    return message.cn === '2011';
  });
  return [...found.values()];
}

/** @param isEnough whether the rest of the time need not be waited for */
async function listen(settings: Hj212Settings, world: World, signal: AbortSignal, isEnough: (received: Received, connection: Connection) => boolean): Promise<void> {
  const enough = new AbortController();
  const take = (received: Received, connection: Connection) => { if (isEnough(received, connection)) enough.abort(); };
  const done = AbortSignal.any([enough.signal, signal]);
  if (settings.listen !== undefined) {
    const { hub, leave } = await hubOf(settings.listen, world);
    const end = hub.listenIn(take);
    await pause(world.clock, LISTEN_MS, done);
    end();
    leave();
  } else {
    const address = { host: String(settings.host), port: Number(settings.port) };
    const connection = new Connection(await dial(address, world, signal), `${address.host}:${address.port}`, world, take);
    connection.onEnd(() => enough.abort());
    await pause(world.clock, LISTEN_MS, done);
    connection.end(null);
  }
  if (signal.aborted && !enough.signal.aborted) throw signal.reason;
}

function itemsIn(content: string): [key: string, text: string][] {
  return content.split(/[;,]/).flatMap((item): [string, string][] => {
    const equals = item.indexOf('=');
    const key = item.slice(0, equals).trim();
    return equals > 0 && key.includes('-') ? [[key, item.slice(equals + 1).trim()]] : [];
  });
}

function modernKey(key: string): string {
  const dash = key.indexOf('-');
  return `${modernCode(key.slice(0, dash))}${key.slice(dash)}`;
}
