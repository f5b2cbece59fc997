/** What a station sends, as points. */
import type { DiscoveredPoint } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { factorOf } from './factors.ts';
import { itemsIn, observePackets } from './observe.ts';
import { UPLOAD_COMMANDS, type Hj212Settings, type UploadKind } from './settings.ts';

const KIND_OF_COMMAND = new Map(Object.entries(UPLOAD_COMMANDS).map(([kind, cn]) => [cn as string, kind as UploadKind]));

/** Every value that the station sends while we listen, as a point that reads it. */
export async function discover(settings: Hj212Settings, world: World, signal: AbortSignal): Promise<DiscoveredPoint[]> {
  const found = new Map<string, DiscoveredPoint>();
  await observePackets(settings, world, signal, ({ message }) => {
    const period = KIND_OF_COMMAND.get(message.cn);
    if (message.mn !== settings.mn || !period) return false;
    for (const [key, text] of itemsIn(message.content)) {
      const dash = key.indexOf('-');
      const [factor, value] = [key.slice(0, dash), key.slice(dash + 1)];
      if (dash < 1 || value === 'Flag' || !/^[A-Za-z0-9]{1,16}$/.test(factor) || !/^[A-Za-z]{1,16}$/.test(value)) continue;
      const known = factorOf(factor);
      const isNumber = text !== '' && Number.isFinite(Number(text));
      found.set(`${message.cn} ${key}`, {
        name: `${key} ${known ? `${known.zh} ${known.en}` : ''}`.trim(),
        type: isNumber ? 'number' : 'text',
        value: isNumber ? Number(text) : text,
        point: { factor, value, period, ...(isNumber ? {} : { type: 'text' }) },
      });
    }
    return message.cn === '2011';
  });
  return [...found.values()];
}
