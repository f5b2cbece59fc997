/** Which devices send on the port or line, and which messages, for `check`. */
import type { ProbeFinding } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { loadProtocol } from './load-description.ts';
import { isConfiguredDevice, FRAME_LISTEN_MS, observeFrames } from './observe.ts';
import { matchMessage } from './read-fields.ts';
import type { ConfiguredFramePoint, FrameSettings } from './settings.ts';

/** One line for each device: which messages it sends, and whether it is the configured one. */
export async function probe(
  settings: FrameSettings,
  _points: readonly ConfiguredFramePoint[],
  world: World,
  signal: AbortSignal,
): Promise<ProbeFinding[]> {
  const seen = new Map<string, { peer: string; messages: Set<string> }>();
  const { protocol } = await observeFrames(settings, world, signal, ({ head }, identity, connection) => {
    const one = seen.get(identity) ?? { peer: connection.channel.peer, messages: new Set() };
    one.messages.add(matchMessage(head, loadProtocol(settings.description))?.name ?? '?');
    seen.set(identity, one);
    return isConfiguredDevice(settings, identity);
  });
  if (seen.size === 0)
    return [
      {
        en: `${protocol.title.en}: no device sent anything within ${FRAME_LISTEN_MS / 1000} s`,
        zh: `${protocol.title.zh}：${FRAME_LISTEN_MS / 1000} 秒内没有设备上报`,
      },
    ];
  return [...seen].map(([identity, { peer, messages }]) => ({
    en: `${isConfiguredDevice(settings, identity) ? 'this device' : 'another device'}: ${identity || protocol.title.en} from ${peer}, sends ${[...messages].join(', ')}`,
    zh: `${isConfiguredDevice(settings, identity) ? '本设备' : '其他设备'}：${identity || protocol.title.zh}，来自 ${peer}，上报 ${[...messages].join('、')}`,
  }));
}
