/** One device that speaks by itself (or gives pictures): its frames are taken as they come, for as long as its link lasts. */
import { FaultError, FAULTS } from '../../core/faults.ts';
import { addressOf, type HostDevice } from './device.ts';
import type { LinkKeeper } from './keeper.ts';

const FRAMES = 'frames';

export interface Listening {
  keeper: LinkKeeper;
  device: HostDevice;
  /** Resolves once all that was given so far is decided: true when it is on disk. */
  whenKept(): Promise<boolean>;
}

/**
 * Listens until told to end. Nobody need wait for it: frames that do not end by themselves are left behind, for whoever
 * told it closes the link, and it gives nothing more. Never rejects.
 */
export async function listen({ keeper, device, whenKept }: Listening, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const link = await keeper.open(signal);
      device.remark(link.remark);
      if (!link.frames) throw new FaultError('CV_DRIVER_FAILED', { device: device.setup.id, detail: 'its link has no frames' });
      for await (const frame of link.frames(signal)) {
        if (signal.aborted) return;
        keeper.proven();
        const decoded = device.decode(frame);
        device.took(decoded, FRAMES);
        if (link.taken && decoded.ok) void whenKept().then((isKept) => { if (isKept) link.taken?.(frame); });
      }
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

/** Lets others run between two attempts, however quickly they fail. */
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
