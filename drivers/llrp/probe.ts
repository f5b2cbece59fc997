/** What a reader says of itself: maker, model, firmware, antennas and steps of power; nothing of it is changed. */
import type { ProbeFinding } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { radioOf } from './commands.ts';
import { withReader } from './link.ts';
import { LLRP_HEADER_BYTES, LLRP_MESSAGE_TYPES, u16, u8, dataViewOf } from './message.ts';
import { eachParameter } from './parameters.ts';
import type { ConfiguredLlrpPoint, LlrpSettings } from './settings.ts';

const MAKERS: Readonly<Record<number, string>> = {
  25882: 'Impinj',
  161: 'Motorola/Zebra',
  10642: 'Zebra',
  22695: 'Alien',
  26554: 'ThingMagic',
};

export function probe(
  settings: LlrpSettings,
  _points: readonly ConfiguredLlrpPoint[],
  world: World,
  signal: AbortSignal,
): Promise<ProbeFinding[]> {
  return withReader(settings, world, signal, async (session) => {
    const capabilities = await session.ask(
      'GET_READER_CAPABILITIES',
      { ask: LLRP_MESSAGE_TYPES.getCapabilities, answer: LLRP_MESSAGE_TYPES.capabilities },
      u8(0),
    );
    const config = await session.ask(
      'GET_READER_CONFIG',
      { ask: LLRP_MESSAGE_TYPES.getConfig, answer: LLRP_MESSAGE_TYPES.config },
      u16(0),
      u8(0),
      u16(0, 0),
    );
    return [...generalOf(capabilities), ...antennasOf(config, settings), ...powerOf(capabilities, config)];
  });
}

function generalOf(message: Uint8Array): ProbeFinding[] {
  const found: ProbeFinding[] = [];
  const view = dataViewOf(message);
  eachParameter(message, LLRP_HEADER_BYTES, message.length, (type, from, to) => {
    if (type !== 137 || to - from < 14) return;
    const [antennas, maker, model] = [view.getUint16(from), view.getUint32(from + 4), view.getUint32(from + 8)];
    const firmware = Buffer.from(message.subarray(from + 14, Math.min(to, from + 14 + view.getUint16(from + 12)))).toString('utf8');
    const name = MAKERS[maker] ?? String(maker);
    found.push({
      en: `maker ${name}, model ${model}, firmware ${firmware}, up to ${antennas} antennas`,
      zh: `厂家 ${name}，型号 ${model}，固件 ${firmware}，最多 ${antennas} 个天线`,
    });
  });
  return found;
}

/** AntennaProperties (221): connected or not, by number. */
function antennasOf(message: Uint8Array, { antennas }: LlrpSettings): ProbeFinding[] {
  const connected: number[] = [];
  const view = dataViewOf(message);
  eachParameter(message, LLRP_HEADER_BYTES, message.length, (type, from, to) => {
    if (type === 221 && to - from >= 5 && ((message[from] as number) & 0x80)) connected.push(view.getUint16(from + 1));
  });
  const missing = antennas.filter((antenna) => !connected.includes(antenna));
  return [
    { en: `antennas connected: ${connected.join(', ') || 'none'}`, zh: `已连接的天线：${connected.join('、') || '无'}` },
    ...(connected.length > 0 && missing.length > 0
      ? [{ en: `antennas ${missing.join(', ')} of the configuration are not connected`, zh: `配置中的天线 ${missing.join('、')} 未连接` }]
      : []),
  ];
}

function powerOf(capabilities: Uint8Array, config: Uint8Array): ProbeFinding[] {
  const { steps } = radioOf(capabilities, config);
  if (steps.length === 0) return [];
  const dbm = steps.map((step) => step.dbm);
  const [least, most] = [Math.min(...dbm), Math.max(...dbm)];
  return [{ en: `power from ${least} to ${most} dBm in ${steps.length} steps`, zh: `发射功率 ${least} 至 ${most} dBm，共 ${steps.length} 档` }];
}
