/** One device that speaks by itself (or gives pictures): its frames are taken as they come, for as long as its link lasts. */
import { FaultError, FAULTS } from '../../core/faults.ts';
import type { Link } from '../../core/driver.ts';
import { addressOf, type HostDevice } from './device.ts';
import type { LinkKeeper } from './keeper.ts';

const FRAMES = 'frames';

export interface Listening {
  keeper: LinkKeeper;
  device: HostDevice;
  /** Resolves once all that was given so far is decided: true when it is on disk. */
  whenKept(): Promise<boolean>;
}

export async function listen(listening: Listening, signal: AbortSignal): Promise<void> {
  const { keeper, device } = listening;
  while (!signal.aborted) {
    try {
      const link = await keeper.open(signal);
      if (!link.frames) throw new FaultError('CV_DRIVER_FAILED', { device: device.setup.id, detail: 'its link has no frames' });
      await takeAll(link, link.frames(signal), listening, signal);
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
async function takeAll(link: Link<unknown>, frames: AsyncIterable<unknown>, { keeper, device, whenKept }: Listening, signal: AbortSignal): Promise<void> {
  const taking = (async () => {
    for await (const frame of frames) {
      if (signal.aborted) return;
      keeper.proven();
      const decoded = device.decode(frame);
      device.took(decoded, FRAMES);
      if (link.taken && decoded.ok) void whenKept().then((isKept) => { if (isKept) link.taken?.(frame); });
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
