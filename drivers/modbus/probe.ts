/** Identifies a device and tests whether it answers, for `check`. */
import type { ProbeFinding } from '../../core/driver.ts';
import { explain, FaultError, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { decode } from './decode.ts';
import { open } from './link.ts';
import { requests } from './requests.ts';
import type { ModbusLink } from './session.ts';
import type { ModbusPoint, ModbusSettings } from './settings.ts';

/** @see MODBUS Application Protocol V1.1b3, 6.21: objects 0 to 2 of the basic identification */
const OBJECTS = [
  { object: 0, en: 'vendor', zh: '厂商' },
  { object: 1, en: 'product', zh: '型号' },
  { object: 2, en: 'version', zh: '版本' },
] as const;

const IDENTIFY_MS = 1500;

/** Reads the device identification (function 43/14); where there is none, the result of the first request. */
export async function probe(
  settings: ModbusSettings,
  points: readonly ({ id: string } & ModbusPoint)[],
  world: World,
  signal: AbortSignal,
): Promise<ProbeFinding[]> {
  const link = await open(settings, points, world, signal);
  try {
    const identity = await identityOf(link, settings, world, signal);
    const named = OBJECTS.flatMap(({ object, en, zh }) =>
      identity?.get(object) ? [{ en: `${en} ${identity.get(object)}`, zh: `${zh} ${identity.get(object)}` }] : [],
    );
    if (named.length > 0) return [{ en: named.map((part) => part.en).join(', '), zh: named.map((part) => part.zh).join('，') }];
    const [request] = requests(points, settings);
    if (!request) return [];
    const decoded = decode(await link.exchange(request, signal), request);
    const fault = decoded.ok ? decoded.values?.find((value) => value.fault)?.fault : decoded.fault;
    return [fault ? faultFinding(fault) : {
      en: `unit ${settings.unit} answers, without device identification (no function 43)`,
      zh: `站号 ${settings.unit} 有应答，但不提供设备标识（无功能码 43）`,
    }];
  } finally {
    await link.close();
  }
}

/** The device identification; null where there is none. On serial lines devices mostly do not answer unknown functions. */
async function identityOf(
  link: ModbusLink,
  { transport, unit }: ModbusSettings,
  world: World,
  signal: AbortSignal,
): Promise<Map<number, string> | null> {
  if (transport === 'tcp') return link.identify(unit, signal);
  const limit = new AbortController();
  const timer = world.clock.after(IDENTIFY_MS, () =>
    limit.abort(new FaultError('CV_LINK_TIMEOUT', { address: `unit ${unit}`, timeoutMs: IDENTIFY_MS })),
  );
  try {
    return await link.identify(unit, AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    if (limit.signal.aborted && !signal.aborted) return null;
    throw error;
  } finally {
    timer.cancel();
  }
}

function faultFinding(fault: Fault): ProbeFinding {
  return { en: explain(fault, 'en').message, zh: explain(fault, 'zh-CN').message };
}
