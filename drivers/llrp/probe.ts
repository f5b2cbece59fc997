/** Queries maker, model, firmware, antennas and power steps of a reader; changes nothing in it. */
import type { ProbeFinding } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { parseRadio } from './commands.ts';
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
    const capabilities = await session.request(
      'GET_READER_CAPABILITIES',
      { request: LLRP_MESSAGE_TYPES.getCapabilities, response: LLRP_MESSAGE_TYPES.capabilities },
      u8(0),
    );
    const config = await session.request(
      'GET_READER_CONFIG',
      { request: LLRP_MESSAGE_TYPES.getConfig, response: LLRP_MESSAGE_TYPES.config },
      u16(0),
      u8(0),
      u16(0, 0),
    );
    return [...identityFindings(capabilities), ...antennaFindings(config, settings), ...powerFindings(capabilities, config)];
  });
}

function identityFindings(message: Uint8Array): ProbeFinding[] {
  const findings: ProbeFinding[] = [];
  const view = dataViewOf(message);
  eachParameter(message, LLRP_HEADER_BYTES, message.length, (type, from, to) => {
    if (type !== 137 || to - from < 14) return;
    const [antennas, maker, model] = [view.getUint16(from), view.getUint32(from + 4), view.getUint32(from + 8)];
    const firmware = Buffer.from(message.subarray(from + 14, Math.min(to, from + 14 + view.getUint16(from + 12)))).toString('utf8');
    const name = MAKERS[maker] ?? String(maker);
    findings.push({
      en: `maker ${name}, model ${model}, firmware ${firmware}, up to ${antennas} antennas`,
      zh: `厂家 ${name}，型号 ${model}，固件 ${firmware}，最多 ${antennas} 个天线`,
    });
  });
  return findings;
}

/** AntennaProperties (221): connected or not, by number. */
function antennaFindings(message: Uint8Array, { antennas }: LlrpSettings): ProbeFinding[] {
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

function powerFindings(capabilities: Uint8Array, config: Uint8Array): ProbeFinding[] {
  const { steps } = parseRadio(capabilities, config);
  if (steps.length === 0) return [];
  const dbm = steps.map((step) => step.dbm);
  const [min, max] = [Math.min(...dbm), Math.max(...dbm)];
  return [{ en: `power from ${min} to ${max} dBm in ${steps.length} steps`, zh: `发射功率 ${min} 至 ${max} dBm，共 ${steps.length} 档` }];
}
