/** The queues of all cameras: each works on one picture at a time, and keeps its camera's samples behind its pictures. */
import type { Give } from '../../../core/line.ts';
import type { Sample } from '../../../core/sample.ts';
import { isPicture, type DecodedItem } from '../../item.ts';
import type { PictureCounts } from '../picture-counts.ts';
import { CameraQueue, type QueuedPicture } from './camera-queue.ts';

export class CameraQueues {
  readonly #counts: PictureCounts;
  readonly #work: (current: QueuedPicture, queue: CameraQueue) => Promise<Sample[]>;
  readonly #byDevice = new Map<string, CameraQueue>();
  readonly #running = new Set<Promise<void>>();
  #isClosing = false;

  /** @param work on a picture whose turn has come. Never rejects. */
  constructor(counts: PictureCounts, work: (current: QueuedPicture, queue: CameraQueue) => Promise<Sample[]>) {
    this.#counts = counts;
    this.#work = work;
  }

  /** No camera has given a picture yet. */
  get isEmpty(): boolean {
    return this.#byDevice.size === 0;
  }

  /** Whether what comes of this device has to wait behind its pictures. */
  isBusy(device: string): boolean {
    return this.#byDevice.get(device)?.isBusy ?? false;
  }

  push(item: DecodedItem, give: Give<Sample>, release: () => void = () => {}): void {
    const queue = this.#queueOf(item.device);
    queue.push({ item, release });
    if (!queue.isBusy) this.#start(queue, give);
  }

  /** A sample of ours: behind its camera's pictures, or at once. */
  pushSample(sample: Sample, give: Give<Sample>): void {
    if (this.isBusy(sample.device)) this.push(sample, give);
    else give([sample]);
  }

  /** Pictures that still wait are dropped and counted. Resolves when those that are worked on are done. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#running);
  }

  #queueOf(device: string): CameraQueue {
    const known = this.#byDevice.get(device);
    if (known) return known;
    const queue = new CameraQueue(this.#counts);
    this.#byDevice.set(device, queue);
    return queue;
  }

  #start(queue: CameraQueue, give: Give<Sample>): void {
    const run = this.#run(queue, give).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  async #run(queue: CameraQueue, give: Give<Sample>): Promise<void> {
    queue.isBusy = true;
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (!isPicture(next.item)) give([next.item]);
      else if (this.#isClosing) this.#counts.pictureLost(next.item, 'shutdown');
      else give(await this.#work(next as QueuedPicture, queue));
      next.release();
    }
    queue.isBusy = false;
  }
}
