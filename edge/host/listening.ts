/** One device that speaks by itself (or gives pictures): its frames are taken as they come, for as long as its link lasts. */
import { FaultError, FAULTS } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { addressOf, type HostDevice } from './device.ts';
import type { LinkKeeper } from './keeper.ts';

const FRAMES = 'frames';

export async function listen(keeper: LinkKeeper, device: HostDevice, world: World, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const link = await keeper.open(signal);
      if (!link.frames) throw new FaultError('CV_DRIVER_FAILED', { device: device.setup.id, detail: 'its link has no frames' });
      await takeAll(link.frames(signal), keeper, device, signal);
      if (signal.aborted) return;
      throw new FaultError('CV_LINK_CLOSED', { address: addressOf(device), detail: 'its frames ended' });
    } catch (error) {
      keeper.drop();
      if (signal.aborted) return;
      const fault = keeper.fault(error);
      device.cutOff(fault);
      // A clip that was to be played once is over: opening it again would begin it anew.
      if (FAULTS[fault.code].retry === 'never') return;
    }
    await turn();
  }
}

/** Ends with the frames, or when told to: an iterator that does not end by itself is left behind, its link is closed. */
async function takeAll(frames: AsyncIterable<unknown>, keeper: LinkKeeper, device: HostDevice, signal: AbortSignal): Promise<void> {
  const taking = (async () => {
    for await (const frame of frames) {
      if (signal.aborted) return;
      keeper.proven();
      device.took(device.decode(frame), FRAMES);
    }
  })();
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    await Promise.race([taking, aborted]);
  } finally {
    taking.catch(() => {}); // told by the race, or nobody's concern after the end
    signal.removeEventListener('abort', stop);
  }
}

/** Lets others run between two attempts, however quickly they fail. */
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
