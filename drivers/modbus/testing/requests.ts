/** Helpers for tests of links. */
import { FaultError, type FaultCode } from '../../../core/faults.ts';
import { decode } from '../decode.ts';
import { requests, type ModbusRequest } from '../requests.ts';
import { point, settings } from '../settings.ts';
import type { SimulatedModbusDevice } from './simulated-device.ts';

/** Every register holds its address. */
export const ADDRESS_VALUED_DEVICE: SimulatedModbusDevice = {
  read: (_unit, _fc, start, count) => Array.from({ length: count }, (_, at) => start + at),
};

export const NEVER_ABORTED = new AbortController().signal;

/** The requests for these addresses: points p0, p1, … */
export function requestsFor(addresses: readonly string[], unit = 1): ModbusRequest[] {
  return requests(addresses.map((address, at) => ({ id: `p${at}`, ...point.parse({ address }) })), settings.parse({ host: 'x', unit }));
}

/** The values of one exchange, or the code of its fault. */
export async function exchangeValues(
  link: { exchange(request: ModbusRequest, signal: AbortSignal): Promise<Uint8Array> },
  request: ModbusRequest,
  signal = NEVER_ABORTED,
) {
  const decoded = decode(await link.exchange(request, signal), request);
  return decoded.ok ? decoded.values?.map((one) => one.value) : decoded.fault.code;
}

export const failsWith = (code: FaultCode) => (error: unknown) => error instanceof FaultError && error.fault.code === code;

/** The reason with which a host aborts at its deadline. */
export const timedOut = () => new FaultError('CV_LINK_TIMEOUT', { address: 'test', timeoutMs: 1 });
