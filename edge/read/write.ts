/** A write: its exchanges, made once, and the read that shows what the device made of it. */
import type { PointOf, Request, WritableValue } from '../../core/driver.ts';
import { explain, FaultError, type Fault } from '../../core/faults.ts';
import type { HostDevice } from './host-device.ts';
import type { BusAccess } from './bus-tasks.ts';

/** done: it reads as written · failed: the device said no, or it reads otherwise · unknown: nobody knows. Values are the driver's own, before scale. */
export type WriteResult =
  | { outcome: 'done'; readBack: WritableValue }
  | { outcome: 'failed'; fault: Fault; readBack?: WritableValue }
  | { outcome: 'unknown'; fault: Fault };

/** float32 keeps six to seven digits. */
const SAME_WITHIN = 1e-6;

/**
 * @param onBus waits for the bus and gives it
 * @param ready see Host.write
 * @returns rejects with what `write` of the driver or `ready` throws, or with what `onBus` does before the bus is there
 */
export async function writePoint(
  device: HostDevice,
  id: string,
  value: WritableValue,
  onBus: (work: (bus: BusAccess) => Promise<WriteResult>) => Promise<WriteResult>,
  ready: () => Promise<void>,
): Promise<WriteResult> {
  const { driver, setup } = device;
  const own = setup.points.find((point) => point.id === id)?.own as PointOf<unknown> | undefined;
  if (!own) throw new FaultError('CV_COMMAND_POINT', { device: setup.id, point: id });
  if (!driver.write) throw new FaultError('CV_COMMAND_NOT_OFFERED', { device: setup.id, driver: driver.id, kind: 'write' });
  const requests = driver.write(own, value, setup.settings);
  return onBus(async (bus) => {
    await ready();
    return carryOut(device, id, value, requests, bus);
  });
}

async function carryOut(
  device: HostDevice,
  id: string,
  value: WritableValue,
  requests: readonly Request[],
  bus: BusAccess,
): Promise<WriteResult> {
  let silence: Fault | null = null;
  for (const request of requests.filter(({ points }) => points.length === 0)) {
    const { decoded, fault } = await bus.exchange(request);
    // Its confirmation may have been lost on the way: the read back tells.
    if (fault) silence = fault;
    else if (decoded && !decoded.ok) return { outcome: 'failed', fault: decoded.fault };
    if (silence) break;
  }
  const readBack = await read(device, id, requests.filter(({ points }) => points.length > 0), bus);
  if ('fault' in readBack) return { outcome: 'unknown', fault: unconfirmed(id, silence ?? readBack.fault) };
  if (isSame(readBack.value, value)) return { outcome: 'done', readBack: readBack.value };
  // Unconfirmed and not there yet: it may still be on its way through a slow line or gateway.
  if (silence) return { outcome: 'unknown', fault: unconfirmed(id, silence) };
  return {
    outcome: 'failed',
    readBack: readBack.value,
    fault: { code: 'CV_COMMAND_READ_BACK', params: { point: id, want: String(value), got: String(readBack.value) } },
  };
}

async function read(
  device: HostDevice,
  id: string,
  requests: readonly Request[],
  bus: BusAccess,
): Promise<{ value: WritableValue } | { fault: Fault }> {
  let found: { value: WritableValue } | { fault: Fault } = {
    fault: { code: 'CV_COMMAND_POINT', params: { device: device.setup.id, point: id } },
  };
  for (const request of requests) {
    const { decoded, observedAt, fault } = await bus.exchange(request);
    if (fault) return { fault };
    if (!decoded?.ok) return { fault: decoded?.fault ?? { code: 'CV_FRAME_INVALID', params: { detail: '-' } } };
    device.accept(decoded, 'read back', request, observedAt);
    const value = decoded.values?.find(({ point }) => point === id);
    if (value?.fault) found = { fault: value.fault };
    else if (value && value.value !== null) found = { value: value.value };
  }
  return found;
}

function unconfirmed(point: string, fault: Fault): Fault {
  const words = (language: 'en' | 'zh-CN') => explain(fault, language).message;
  return {
    code: 'CV_COMMAND_UNCONFIRMED',
    params: { point, detail: `${words('en')} [${fault.code}]`, detailZh: `${words('zh-CN')} [${fault.code}]` },
  };
}

function isSame(got: WritableValue, want: WritableValue): boolean {
  if (typeof got === 'number' && typeof want === 'number')
    return Math.abs(got - want) <= SAME_WITHIN * Math.max(Math.abs(got), Math.abs(want));
  // A coil that is set with 1 reads as true.
  if (typeof got === 'boolean' && typeof want === 'number') return got === (want !== 0);
  return got === want;
}
