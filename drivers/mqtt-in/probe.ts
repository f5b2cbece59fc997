/** Tests a broker: whether it accepts us, and which devices publish, for `check`. */
import type { ProbeFinding } from '../../core/driver.ts';
import { pause, type World } from '../../core/world.ts';
import { acquireBroker } from './broker-connection.ts';
import { decode } from './decode.ts';
import { deviceFilters, PROFILE_FILTERS } from './filters.ts';
import { decodeSettingsOf } from './frame.ts';
import type { ConfiguredMqttPoint, MqttInSettings } from './settings.ts';
import { topicMatches } from './topics.ts';

const LISTEN_MS = 10_000;
const MOST_TOPICS = 500;
const SHOWN = 12;

export async function probe(
  settings: MqttInSettings,
  points: readonly ConfiguredMqttPoint[],
  world: World,
  signal: AbortSignal,
): Promise<ProbeFinding[]> {
  const filters = deviceFilters(settings);
  const around = PROFILE_FILTERS[settings.profile];
  const decodeSettings = decodeSettingsOf(points, settings);
  const topics = new Set<string>();
  const given = new Set<string>();
  const enough = new AbortController();
  // A kept session belongs to the running edge: using its client id would disconnect it.
  const { broker, release } = await acquireBroker({ ...settings, session: 'clean', clientId: undefined }, world, signal);
  try {
    const removeListener = await broker.addListener([...filters, ...(around === null ? [] : [around])], (message) => {
      if (topics.size < MOST_TOPICS) topics.add(message.topic);
      if (!filters.some((filter) => topicMatches(filter, message.topic))) return;
      const decoded = decode({ ...message, profile: settings.profile, decodeSettings });
      for (const { point } of decoded.ok ? decoded.values ?? [] : []) given.add(point);
      if (given.size > 0 && given.size >= points.length) enough.abort();
    });
    await pause(world.clock, LISTEN_MS, AbortSignal.any([enough.signal, signal]));
    removeListener();
  } finally {
    await release();
  }
  if (signal.aborted) throw signal.reason;
  const own = [...topics].filter((topic) => filters.some((filter) => topicMatches(filter, topic)));
  const others = [...topics].filter((topic) => !own.includes(topic));
  const missing = points.filter(({ id }) => !given.has(id)).map(({ id }) => id);
  const list = (all: readonly string[]) => `${all.slice(0, SHOWN).join(' ')}${all.length > SHOWN ? ' …' : ''}`;
  return [
    { en: `the broker ${broker.address} accepts the connection`, zh: `消息服务器 ${broker.address} 允许接入` },
    own.length > 0
      ? { en: `the device publishes on: ${list(own)}`, zh: `设备发布的主题：${list(own)}` }
      : {
          en: `nothing on ${filters.join(' ')} within ${LISTEN_MS / 1000} s`,
          zh: `${LISTEN_MS / 1000} 秒内 ${filters.join(' ')} 没有消息`,
        },
    ...(own.length > 0 && missing.length > 0 ? [{ en: `no value yet for: ${list(missing)}`, zh: `尚无数据的测点：${list(missing)}` }] : []),
    ...(others.length > 0 ? [{ en: `other topics: ${list(others)}`, zh: `其他主题：${list(others)}` }] : []),
  ];
}
