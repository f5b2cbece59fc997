/**
 * Bus tasks: what somebody beside the schedule wants of a device (a command reads or writes it). They wait here for their
 * bus, which does one at a time between its polls, and never two in a row while a poll is due.
 */
import type { Request } from '../../core/driver.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import type { Clock, World } from '../../core/world.ts';
import type { HostDevice } from './host-device.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { runExchange, type ExchangeResult } from './run-exchange.ts';
import type { FrameCollector } from './frame-collector.ts';
import type { BusLink } from './bus-link.ts';

/** The bus, while a task has its turn. Nothing here rejects. */
export interface BusAccess {
  exchange(request: Request): Promise<ExchangeResult>;
  /** Asks for these points as a poll does; what they say goes down the line. @returns why they gave nothing, or null */
  poll(points: readonly string[]): Promise<Fault | null>;
}

export interface BusTask {
  device: HostDevice;
  /** @returns the last fault that it met on the link, if any; never rejects */
  run(bus: BusAccess): Promise<Fault | null>;
  /** Its turn does not come. */
  fail(fault: Fault): void;
}

export class BusTasks {
  readonly #waiting: BusTask[] = [];
  #wake: () => void = () => {};

  /** Waits for the bus and does the work there. Rejects with what the work threw, the bus's fault, or the signal's reason when that comes before its turn. */
  run<T>(device: HostDevice, signal: AbortSignal, work: (bus: BusAccess) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(task), 1);
        reject(signal.reason as Error);
      };
      const task: BusTask = {
        device,
        fail(fault) {
          signal.removeEventListener('abort', leave);
          reject(new FaultError(fault.code, fault.params));
        },
        async run(bus) {
          signal.removeEventListener('abort', leave);
          let met: Fault | null = null;
          await work({
            async exchange(request) {
              const answer = await bus.exchange(request);
              met = answer.fault ?? met;
              return answer;
            },
            async poll(points) {
              const fault = await bus.poll(points);
              met = fault ?? met;
              return fault;
            },
          }).then(resolve, reject);
          return met;
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(task);
      this.#wake();
    });
  }

  /** Ends a pause: there is something else to look at, or all ends. */
  wake(): void {
    this.#wake();
  }

  next(): BusTask | undefined {
    return this.#waiting.shift();
  }

  /** Nobody's turn comes: the bus has no link, or the edge ends. */
  failAll(fault: Fault): void {
    for (const task of this.#waiting.splice(0)) task.fail(fault);
  }

  /** Called at each task and each wake from now on, in place of a pause. */
  onTask(serve: () => void): void {
    this.#wake = serve;
  }

  /** Waits until a task is there, the time is over, or `wake` is called. @returns whether the time is over */
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
 * For a device that speaks by itself: tasks go over its link beside its frames, one after the other; what it said before
 * an answer goes down the line before it. Nothing waits for them: most devices are never asked anything.
 */
export function serveBusTasks(tasks: BusTasks, busLink: BusLink, frames: FrameCollector, world: World, signal: AbortSignal): void {
  let isServing = false;
  async function serve(): Promise<void> {
    if (isServing || signal.aborted) return;
    isServing = true;
    const deadlines = new DeadlineTimer(world.clock, signal);
    for (let task = tasks.next(); task && !signal.aborted; task = tasks.next()) await serveOne(task, busLink, frames, deadlines);
    deadlines.close();
    isServing = false;
  }
  tasks.onTask(() => {
    if (signal.aborted) tasks.failAll(EDGE_STOPPING);
    else void serve();
  });
}

async function serveOne(task: BusTask, busLink: BusLink, frames: FrameCollector, deadlines: DeadlineTimer): Promise<void> {
  const link = busLink.current;
  if (!link)
    return task.fail({
      code: 'CV_LINK_CLOSED',
      params: { address: busLink.name, detail: 'it has no link at present', detailZh: '当前没有连接' },
    });
  // Its newest values are those it has given: there is nothing to ask for.
  // A link that broke shows in its frames, where it is opened anew.
  await task.run({
    async exchange(request) {
      const answer = await runExchange(task.device, link, request, deadlines);
      frames.drain();
      return answer;
    },
    async poll() {
      frames.drain();
      return null;
    },
  });
}

export const EDGE_STOPPING: Fault = { code: 'CV_LINK_CLOSED', params: { address: '-', detail: 'the edge ends', detailZh: '边缘节点正在停止' } };
