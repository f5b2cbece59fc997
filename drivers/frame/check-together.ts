/** Finds conflicts between devices of one endpoint before anything is opened. */
import type { CombinationProblem } from '../../core/driver.ts';
import { endpointKey } from './endpoint.ts';
import { loadDescription } from './load-description.ts';
import type { FrameSettings } from './settings.ts';
import { sharingProblem } from './sharing.ts';

const LINE_SETTINGS = ['baudRate', 'dataBits', 'stopBits', 'parity'] as const;

/** Compares each device with those before it; reports the first conflict of each. */
export function checkTogether(devices: readonly { id: string; settings: FrameSettings }[]): CombinationProblem[] {
  const byEndpoint = new Map<string, typeof devices[number][]>();
  return devices.flatMap((device, index): CombinationProblem[] => {
    const key = endpointKey(device.settings);
    const others = byEndpoint.get(key) ?? [];
    byEndpoint.set(key, [...others, device]);
    for (const other of others) {
      const problem = problemOf(device.settings, other.settings, key.replace(/^\w+ /, ''), other.id);
      if (problem) return [{ index, problem }];
    }
    return [];
  });
}

function problemOf(own: FrameSettings, other: FrameSettings, endpoint: string, id: string): CombinationProblem['problem'] | null {
  const line = own.transport === 'serial' ? LINE_SETTINGS.find((key) => own[key] !== other[key]) : undefined;
  if (line !== undefined)
    return {
      path: [line],
      en: `device "${id}" is also on ${endpoint}, with ${line} ${other[line]}`,
      zh: `设备“${id}”也在 ${endpoint} 上，其 ${line} 为 ${other[line]}`,
    };
  if (own.description === other.description) {
    if (own.identity?.toUpperCase() !== other.identity?.toUpperCase()) return null;
    return {
      path: [own.identity === undefined ? 'description' : 'identity'],
      en: `device "${id}" has the same description and identity on ${endpoint}`,
      zh: `设备“${id}”在 ${endpoint} 上的描述和 identity 与此相同`,
    };
  }
  const [a, b] = [own, other].map(({ description }) => loadDescription(description).protocol);
  const problem = a && b ? sharingProblem(a, b) : null;
  return (
    problem && {
      path: ['description'],
      en: `device "${id}" is also on ${endpoint}, with ${other.description}: ${problem.en}`,
      zh: `设备“${id}”也在 ${endpoint} 上，描述为 ${other.description}：${problem.zh}`,
    }
  );
}
