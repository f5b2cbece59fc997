/** The way to the gauge: asks, and waits for a line. I/O only; it knows no meaning, no schedule, no second try. */
import { dial } from '../../../drivers/listening/dial.ts';
import type { Link, PointOf } from '../../../core/driver.ts';
import { FaultError } from '../../../core/faults.ts';
import type { World } from '../../../core/world.ts';
import type { Ask } from './decode.ts';
import type { GaugeSettings } from './driver.ts';

const MOST_BYTES = 64;
const CR = 0x0d;

export const askOf = (unit: number) => Buffer.from(`#${String(unit).padStart(2, '0')}\r`, 'latin1');

/** @returns rejects with CV_LINK_REFUSED, CV_LINK_UNREACHABLE or the signal's reason */
export async function open({ host, port }: GaugeSettings, _points: readonly PointOf<unknown>[], world: World, signal = new AbortController().signal): Promise<Link<Uint8Array, Ask>> {
  const socket = await dial({ host, port }, world, signal);
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
  let held = Buffer.alloc(0);
  let changed = () => {};
  socket.on('data', (bytes) => {
    // A peer that never ends its line costs no more than this. 对端不结束一行时占用有上限。
    held = Buffer.concat([held, bytes]).subarray(-MOST_BYTES);
    changed();
  });
  socket.on('error', () => { socket.destroy(); });
  socket.on('close', () => changed());

  /** A line, once it is whole. */
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
      // What came late belongs to a question that was given up. 迟到的应答不属于这一问。
      held = Buffer.alloc(0);
      socket.write(askOf(unit));
      changed();
    }),
    async close() {
      socket.destroy();
      await closed;
    },
  };
}
