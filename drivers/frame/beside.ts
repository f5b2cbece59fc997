/** Devices of one port, line or address, held against each other: what cannot be told apart there is found before anything opens. */
import type { CombinationProblem } from '../../core/driver.ts';
import { wayOf } from './hub.ts';
import { loadDescription } from './load.ts';
import type { FrameSettings } from './settings.ts';
import { sharingProblem } from './sharing.ts';

const LINE = ['baudRate', 'dataBits', 'stopBits', 'parity'] as const;

/** Each device against those before it; the first thing that does not hold. */
export function beside(devices: readonly { id: string; settings: FrameSettings }[]): CombinationProblem[] {
  const ways = new Map<string, typeof devices[number][]>();
  return devices.flatMap((device, at): CombinationProblem[] => {
    const way = wayOf(device.settings);
    const others = ways.get(way) ?? [];
    ways.set(way, [...others, device]);
    for (const other of others) {
      const problem = problemOf(device.settings, other.settings, way.replace(/^\w+ /, ''), other.id);
      if (problem) return [{ index: at, problem }];
    }
    return [];
  });
}

function problemOf(own: FrameSettings, other: FrameSettings, way: string, id: string): CombinationProblem['problem'] | null {
  const line = own.transport === 'serial' ? LINE.find((key) => own[key] !== other[key]) : undefined;
  if (line !== undefined) return { path: [line], en: `device "${id}" is on ${way} as well, with ${line} ${other[line]}`, zh: `设备“${id}”也在 ${way} 上，其 ${line} 为 ${other[line]}` };
  if (own.description === other.description) {
    if (own.identity?.toUpperCase() !== other.identity?.toUpperCase()) return null;
    return { path: [own.identity === undefined ? 'description' : 'identity'], en: `device "${id}" has the same description and identity on ${way}`, zh: `设备“${id}”在 ${way} 上的描述和 identity 与此相同` };
  }
  const [a, b] = [own, other].map(({ description }) => loadDescription(description).protocol);
  const problem = a && b ? sharingProblem(a, b) : null;
  return problem && { path: ['description'], en: `device "${id}" is on ${way} as well, with ${other.description}: ${problem.en}`, zh: `设备“${id}”也在 ${way} 上，描述为 ${other.description}：${problem.zh}` };
}
