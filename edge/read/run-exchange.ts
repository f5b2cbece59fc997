/** One exchange with a device: asked, awaited no longer than its time-out, read. */
import type { Decoded, Link, Request } from '../../core/driver.ts';
import { FaultError, faultOf, FAULTS, type Fault } from '../../core/faults.ts';
import type { FaultRow } from '../../core/faults/row.ts';
import type { DeadlineTimer } from './deadline-timer.ts';
import { deviceAddress, type HostDevice } from './host-device.ts';

export interface ExchangeResult {
  /** What came, whatever it says. */
  decoded?: Decoded;
  /** When it came, ms UTC. */
  observedAt?: number;
  /** Why the device did not answer: nothing came, or its gateway said so. */
  fault?: Fault;
}

/** Never rejects. @param deadlines of the bus, whose exchanges come one after the other */
export async function runExchange(
  device: HostDevice,
  link: Link<unknown>,
  request: Request,
  deadlines: DeadlineTimer,
): Promise<ExchangeResult> {
  const { id, timeoutMs } = device.setup;
  const deadline = { ms: timeoutMs, fault: () => new FaultError('CV_LINK_TIMEOUT', { address: deviceAddress(device), timeoutMs }) };
  let isLeftBehind = false;
  try {
    const frame = await deadlines.run(deadline, (signal) => {
      if (!link.exchange) throw new FaultError('CV_DRIVER_FAILED', { device: id, detail: 'its link has no exchange' });
      return link.exchange(request, signal);
    }, () => { isLeftBehind = true; });
    const decoded = device.decode(frame, request);
    const observedAt = device.decodedAt;
    return !decoded.ok && isSilence(decoded.fault) ? { decoded, observedAt, fault: decoded.fault } : { decoded, observedAt };
  } catch (error) {
    // An exchange that does not end when it is told to would meet the next one on the same link.
    if (isLeftBehind)
      return {
        fault: {
          code: 'CV_LINK_CLOSED',
          params: { address: deviceAddress(device), detail: `no end to an exchange after ${timeoutMs} ms` },
        },
      };
    return { fault: faultOf(error, 'CV_DRIVER_FAILED', { device: id }) };
  }
}

/** Faults that only a new link can mend. */
export function isLinkFault(fault: Fault): boolean {
  return fault.code === 'CV_LINK_CLOSED' || fault.code === 'CV_DRIVER_FAILED' || FAULTS[fault.code].stage === 'open';
}

/** A gateway's word that the device behind it does not answer: as good, and on a slow line as dear, as a time-out. */
function isSilence({ code }: Fault): boolean {
  const row: FaultRow = FAULTS[code];
  return row.retry === 'backoff' && row.flag === 'comm';
}
