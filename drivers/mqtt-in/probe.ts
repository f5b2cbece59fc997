/** What a broker says: whether it lets us in, whether the device speaks, and who else does. */
import type { ProbeFinding } from '../../core/driver.ts';
import { pause, type World } from '../../core/world.ts';
import { brokerOf } from './broker.ts';
import { decode } from './decode.ts';
import { filtersOf, PROFILE_FILTERS } from './filters.ts';
import { planOf } from './frame.ts';
import type { MqttInPointOf, MqttInSettings } from './settings.ts';
import { matches } from './topics.ts';

const LISTEN_MS = 10_000;
const MOST_TOPICS = 500;
const SHOWN = 12;

export async function probe(settings: MqttInSettings, points: readonly MqttInPointOf[], world: World, signal: AbortSignal): Promise<ProbeFinding[]> {
  const filters = filtersOf(settings);
  const around = PROFILE_FILTERS[settings.profile];
  const plan = planOf(points, settings);
  const topics = new Set<string>();
  const given = new Set<string>();
  const enough = new AbortController();
  // A kept session is the running edge's: whoever takes its client id would cut it off.
  const { broker, leave } = await brokerOf({ ...settings, session: 'clean', clientId: undefined }, world, signal);
  try {
    const end = await broker.listenIn([...filters, ...(around === null ? [] : [around])], (message) => {
      if (topics.size < MOST_TOPICS) topics.add(message.topic);
      if (!filters.some((filter) => matches(filter, message.topic))) return;
      const decoded = decode({ ...message, profile: settings.profile, plan });
      for (const { point } of decoded.ok ? decoded.values ?? [] : []) given.add(point);
      if (given.size > 0 && given.size >= points.length) enough.abort();
    });
    await pause(world.clock, LISTEN_MS, AbortSignal.any([enough.signal, signal]));
    end();
  } finally {
    await leave();
  }
  if (signal.aborted) throw signal.reason;
  const own = [...topics].filter((topic) => filters.some((filter) => matches(filter, topic)));
  const others = [...topics].filter((topic) => !own.includes(topic));
  const missing = points.filter(({ id }) => !given.has(id)).map(({ id }) => id);
  const list = (all: readonly string[]) => `${all.slice(0, SHOWN).join(' ')}${all.length > SHOWN ? ' …' : ''}`;
  return [
    { en: `the broker ${broker.address} lets us in`, zh: `消息服务器 ${broker.address} 允许接入` },
    own.length > 0 ? { en: `the device speaks on: ${list(own)}`, zh: `设备发布的主题：${list(own)}` } : { en: `nothing on ${filters.join(' ')} within ${LISTEN_MS / 1000} s`, zh: `${LISTEN_MS / 1000} 秒内 ${filters.join(' ')} 没有消息` },
    ...(own.length > 0 && missing.length > 0 ? [{ en: `no value yet for: ${list(missing)}`, zh: `尚无数据的测点：${list(missing)}` }] : []),
    ...(others.length > 0 ? [{ en: `others speak on: ${list(others)}`, zh: `其他主题：${list(others)}` }] : []),
  ];
}
