/**
 * Errands: what somebody beside the schedule wants of a device (a command reads or writes it). They wait here for their
 * bus, which does one at a time between its polls, and never two in a row while a poll is due.
 */
import type { Request } from '../../core/driver.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import type { Clock, World } from '../../core/world.ts';
import type { HostDevice } from './device.ts';
import { Patience } from './deadline.ts';
import { exchange, type Answer } from './exchange.ts';
import type { Intake } from './intake.ts';
import type { LinkKeeper } from './keeper.ts';

/** The bus, for as long as an errand has its turn. Nothing here rejects. */
export interface Turn {
  exchange(request: Request): Promise<Answer>;
  /** Asks for these points as a poll does; what they say goes down the line. @returns why they gave nothing, or null */
  poll(points: readonly string[]): Promise<Fault | null>;
}

export interface Errand {
  device: HostDevice;
  /** @returns the last fault that it met on the link, if any; never rejects */
  run(turn: Turn): Promise<Fault | null>;
  /** Its turn does not come. */
  fail(fault: Fault): void;
}

export class Errands {
  readonly #waiting: Errand[] = [];
  #wake: () => void = () => {};

  /** Waits for the bus and does the work there. Rejects with what the work threw, the bus's fault, or the signal's reason when that comes before its turn. */
  ask<T>(device: HostDevice, signal: AbortSignal, work: (turn: Turn) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(errand), 1);
        reject(signal.reason as Error);
      };
      const errand: Errand = {
        device,
        fail(fault) {
          signal.removeEventListener('abort', leave);
          reject(new FaultError(fault.code, fault.params));
        },
        async run(turn) {
          signal.removeEventListener('abort', leave);
          let met: Fault | null = null;
          await work({
            async exchange(request) {
              const answer = await turn.exchange(request);
              met = answer.fault ?? met;
              return answer;
            },
            async poll(points) {
              const fault = await turn.poll(points);
              met = fault ?? met;
              return fault;
            },
          }).then(resolve, reject);
          return met;
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(errand);
      this.#wake();
    });
  }

  /** Ends a pause: there is something else to look at, or all ends. */
  nudge(): void {
    this.#wake();
  }

  next(): Errand | undefined {
    return this.#waiting.shift();
  }

  /** Nobody's turn comes: the bus has no link, or the edge ends. */
  failAll(fault: Fault): void {
    for (const errand of this.#waiting.splice(0)) errand.fail(fault);
  }

  /** Called at each errand and each nudge from now on, in place of a pause. */
  whenAsked(serve: () => void): void {
    this.#wake = serve;
  }

  /** Waits until an errand is there, the time is over, or there is a nudge. @returns whether the time is over */
  pause(clock: Clock, delayMs: number): Promise<boolean> {
    if (this.#waiting.length > 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (isOver: boolean) => {
        timer.cancel();
        this.#wake = () => {};
        resolve(isOver);
      };
      const timer = clock.after(delayMs, () => end(true));
      this.#wake = () => end(false);
    });
  }
}

/**
 * For a device that speaks by itself: errands go over its link beside its frames, one after the other; what it said before
 * an answer goes down the line before it. Nothing waits for them: most devices are never asked anything.
 */
export function serveErrands(errands: Errands, keeper: LinkKeeper, intake: Intake, world: World, signal: AbortSignal): void {
  let isServing = false;
  async function serve(): Promise<void> {
    if (isServing || signal.aborted) return;
    isServing = true;
    const patience = new Patience(world.clock, signal);
    for (let errand = errands.next(); errand && !signal.aborted; errand = errands.next()) await serveOne(errand, keeper, intake, patience);
    patience.close();
    isServing = false;
  }
  errands.whenAsked(() => {
    if (signal.aborted) errands.failAll(ENDING);
    else void serve();
  });
}

async function serveOne(errand: Errand, keeper: LinkKeeper, intake: Intake, patience: Patience): Promise<void> {
  const link = keeper.current;
  if (!link) return errand.fail({ code: 'CV_LINK_CLOSED', params: { address: keeper.name, detail: 'it has no link at present', detailZh: '当前没有连接' } });
  // Its newest values are those it has given: there is nothing to ask for.
  // A link that broke shows in its frames, where it is opened anew.
  await errand.run({
    async exchange(request) {
      const answer = await exchange(errand.device, link, request, patience);
      intake.drain();
      return answer;
    },
    async poll() {
      intake.drain();
      return null;
    },
  });
}

export const ENDING: Fault = { code: 'CV_LINK_CLOSED', params: { address: '-', detail: 'the edge ends', detailZh: '边缘节点正在停止' } };
