/** One device that speaks by itself (or gives pictures): its frames are taken as they come, for as long as its link lasts. */
import type { Link } from '../../core/driver.ts';
import { FaultError, FAULTS } from '../../core/faults.ts';
import { addressOf, type HostDevice } from './device.ts';
import type { Ear, Intake } from './intake.ts';
import type { LinkKeeper } from './keeper.ts';

const FRAMES = 'frames';

export interface Listening {
  keeper: LinkKeeper;
  device: HostDevice;
  /** Where frames wait for the end of the turn. */
  intake: Intake;
}

/**
 * Listens until told to end. Nobody need wait for it: frames that do not end by themselves are left behind, for whoever
 * told it closes the link, and it gives nothing more. Never rejects.
 */
export async function listen({ keeper, device, intake }: Listening, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const link = await keeper.open(signal);
      device.remark(link.remark);
      const ear = new LinkEar(link, keeper, device);
      if (link.frames) await watch(link.frames(signal), ear, signal);
      else if (link.listen) await link.listen((frame) => intake.add(ear, frame), signal);
      else throw new FaultError('CV_DRIVER_FAILED', { device: device.setup.id, detail: 'nobody can listen on its link' });
      if (signal.aborted) return;
      throw ear.failure ?? new FaultError('CV_LINK_CLOSED', { address: addressOf(device), detail: 'its frames ended' });
    } catch (error) {
      keeper.drop();
      if (signal.aborted) return;
      // What came before the end is told before it.
      intake.drain();
      const fault = keeper.fault(error);
      device.cutOff(fault);
      // A clip that was to be played once is over: opening it again would begin it anew.
      if (FAULTS[fault.code].retry === 'never') return;
    }
    await turn();
  }
}

/** One picture after the other, each when the one before was taken. */
async function watch(frames: AsyncIterable<unknown>, ear: Ear, signal: AbortSignal): Promise<void> {
  for await (const frame of frames) {
    if (signal.aborted) return;
    ear.take(frame);
  }
}

/** Hears what comes over one link. Ten thousand devices have ten thousand of these, so there is little in it. */
class LinkEar implements Ear {
  failure: unknown = null;
  readonly #link: Link<unknown>;
  readonly #keeper: LinkKeeper;
  readonly #device: HostDevice;
  /** Whether the link is told what is on disk. */
  readonly #isTold: boolean;
  /** The keeper knows that the link is good, and need not hear it again. */
  #isProven = false;

  constructor(link: Link<unknown>, keeper: LinkKeeper, device: HostDevice) {
    this.#link = link;
    this.#keeper = keeper;
    this.#device = device;
    this.#isTold = link.taken !== undefined;
  }

  take(frame: unknown): boolean {
    if (!this.#isProven) this.#isProven = this.#keeper.proven();
    const decoded = this.#device.decode(frame);
    this.#device.took(decoded, FRAMES, undefined, this.#device.decodedAt);
    return decoded.ok && this.#isTold;
  }

  kept(frame: unknown): void {
    this.#link.taken?.(frame);
  }

  /** Its link is closed, which ends it. */
  failed(error: unknown): void {
    this.failure ??= error;
    this.#keeper.drop();
  }
}

/** Lets others run between two attempts, however quickly they fail. */
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
