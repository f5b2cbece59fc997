/** The link to a gauge that sends its line every second, unasked. It cuts, and hands on what is no whole line too: decode says why. */
import { dial } from '../../../drivers/listening/dial.ts';
import type { Link, PointOf } from '../../../core/driver.ts';
import { FaultError } from '../../../core/faults.ts';
import type { World } from '../../../core/world.ts';
import type { GaugeSettings } from '../gauge/settings.ts';

const MAX_BYTES = 64;
const CR = 0x0d;

/** Length of the piece at the head: a line, or as much as a line never has; 0 while more is needed. */
function pieceLength(bytes: Uint8Array): number {
  const end = bytes.subarray(0, MAX_BYTES).indexOf(CR);
  return end < 0 && bytes.length >= MAX_BYTES ? MAX_BYTES : end + 1;
}

/** @returns rejects with CV_LINK_REFUSED, CV_LINK_UNREACHABLE or the signal's reason */
export async function open(
  { host, port }: GaugeSettings,
  _points: readonly PointOf<unknown>[],
  world: World,
  signal = new AbortController().signal,
): Promise<Link<Uint8Array>> {
  const socket = await dial({ host, port }, world, signal);
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()); });
  let isClosedByUs = false;
  const leave = () => {
    isClosedByUs = true;
    socket.destroy();
  };
  socket.on('error', () => { socket.destroy(); });
  // What comes before `listen` waits. 监听之前到达的数据先不读取。
  socket.pause();

  return {
    async listen(take, given) {
      let held = Buffer.alloc(0);
      socket.on('data', (bytes) => {
        held = Buffer.concat([held, bytes]);
        for (let length = pieceLength(held); length > 0; length = pieceLength(held)) {
          take(held.subarray(0, length));
          held = held.subarray(length);
        }
      });
      given.addEventListener('abort', leave, { once: true });
      if (given.aborted) leave();
      socket.resume();
      await closed;
      given.removeEventListener('abort', leave);
      if (isClosedByUs) return;
      // A line that the end of the connection cut is told, like any other. 因断开而不完整的一行同样要上报。
      if (held.length > 0) take(held);
      throw new FaultError('CV_LINK_CLOSED', { address: `${host}:${port}`, detail: 'by the device', detailZh: '设备断开' });
    },
    async close() {
      leave();
      await closed;
    },
  };
}
