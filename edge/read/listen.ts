/** One device that speaks by itself (or gives pictures): its frames are taken as they come, for as long as its link lasts. */
import type { Link } from '../../core/driver.ts';
import { FaultError, FAULTS } from '../../core/faults.ts';
import { deviceAddress, type HostDevice } from './host-device.ts';
import type { FrameReceiver, FrameCollector } from './frame-collector.ts';
import type { BusLink } from './bus-link.ts';

const FRAMES = 'frames';

export interface ListenParts {
  busLink: BusLink;
  device: HostDevice;
  /** Where frames wait for the end of the turn. */
  frames: FrameCollector;
}

/**
 * Listens until told to end. Nobody need wait for it: frames that do not end by themselves are left behind, for whoever
 * told it closes the link, and it gives nothing more. Never rejects.
 */
export async function listenToDevice({ busLink, device, frames }: ListenParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const link = await busLink.open(signal);
      device.setStandingFault(link.standingFault);
      const receiver = new LinkReceiver(link, busLink, device);
      if (link.frames) await watch(link.frames(signal), receiver, signal);
      else if (link.listen) await link.listen((frame) => frames.add(receiver, frame), signal);
      else throw new FaultError('CV_DRIVER_FAILED', { device: device.setup.id, detail: 'nobody can listen on its link' });
      if (signal.aborted) return;
      throw receiver.failure ?? new FaultError('CV_LINK_CLOSED', { address: deviceAddress(device), detail: 'its frames ended' });
    } catch (error) {
      busLink.drop();
      if (signal.aborted) return;
      // What came before the end is told before it.
      frames.drain();
      const fault = busLink.fault(error);
      device.linkFailed(fault);
      // A clip that was to be played once is over: opening it again would begin it anew.
      if (FAULTS[fault.code].retry === 'never') return;
    }
    await turn();
  }
}

/** One picture after the other, each when the one before was taken. */
async function watch(frames: AsyncIterable<unknown>, receiver: LinkReceiver, signal: AbortSignal): Promise<void> {
  for await (const frame of frames) {
    if (signal.aborted) return;
    receiver.receive(frame);
  }
}

/** Hears what comes over one link. Ten thousand devices have ten thousand of these, so there is little in it. */
class LinkReceiver implements FrameReceiver {
  failure: unknown = null;
  readonly #link: Link<unknown>;
  readonly #busLink: BusLink;
  readonly #device: HostDevice;
  /** Whether the link is told what is on disk. */
  readonly #isTold: boolean;
  /** The bus knows that the link is good, and need not be told again. */
  #isProven = false;

  constructor(link: Link<unknown>, busLink: BusLink, device: HostDevice) {
    this.#link = link;
    this.#busLink = busLink;
    this.#device = device;
    this.#isTold = link.confirmStored !== undefined;
  }

  receive(frame: unknown, arrivedAt?: number): boolean {
    if (!this.#isProven) this.#isProven = this.#busLink.frameReceived();
    const decoded = this.#device.decode(frame, undefined, arrivedAt);
    this.#device.accept(decoded, FRAMES, undefined, this.#device.decodedAt);
    return decoded.ok && this.#isTold;
  }

  frameKept(frame: unknown): void {
    this.#link.confirmStored?.(frame);
  }

  /** Its link is closed, which ends it. */
  failed(error: unknown): void {
    this.failure ??= error;
    this.#busLink.drop();
  }
}

/** Lets others run between two attempts, however quickly they fail. */
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
