/** The link to the gauge: sends a request and waits for a line. I/O only: no decoding, no schedule, no retry. */
import { dial } from '../../../drivers/listening/dial.ts';
import type { Link, PointOf } from '../../../core/driver.ts';
import { FaultError } from '../../../core/faults.ts';
import type { World } from '../../../core/world.ts';
import type { GaugeRequest } from './decode.ts';
import type { GaugeSettings } from './settings.ts';

const MAX_BYTES = 64;
const CR = 0x0d;

export const requestBytes = (unit: number) => Buffer.from(`#${String(unit).padStart(2, '0')}\r`, 'latin1');

/** @returns rejects with CV_LINK_REFUSED, CV_LINK_UNREACHABLE or the signal's reason */
export async function open({ host, port }: GaugeSettings, _points: readonly PointOf<unknown>[], world: World, signal = new AbortController().signal): Promise<Link<Uint8Array, GaugeRequest>> {
  const socket = await dial({ host, port }, world, signal);
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
  let held = Buffer.alloc(0);
  let changed = () => {};
  socket.on('data', (bytes) => {
    // Limits the memory for a peer that never ends its line. 对端不结束一行时占用有上限。
    held = Buffer.concat([held, bytes]).subarray(-MAX_BYTES);
    changed();
  });
  socket.on('error', () => { socket.destroy(); });
  socket.on('close', () => changed());

  /** A complete line, or null. */
  function line(): Uint8Array | null {
    const end = held.indexOf(CR);
    return end < 0 ? null : held.subarray(0, end + 1);
  }

  return {
    exchange: ({ unit }, given) => new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        changed = () => {};
        given.removeEventListener('abort', stop);
        settle();
      };
      const stop = () => end(() => reject(given.reason));
      if (given.aborted) return stop();
      given.addEventListener('abort', stop, { once: true });
      changed = () => {
        const whole = line();
        if (whole) end(() => resolve(whole));
        else if (socket.destroyed) end(() => reject(new FaultError('CV_LINK_CLOSED', { address: `${host}:${port}`, detail: 'by the device', detailZh: '设备断开' })));
      };
      // Late bytes belong to an earlier request that timed out. 延迟的应答属于已超时的请求。
      held = Buffer.alloc(0);
      socket.write(requestBytes(unit));
      changed();
    }),
    async close() {
      socket.destroy();
      await closed;
    },
  };
}
