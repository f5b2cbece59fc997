/**
 * Live views of this edge's cameras, for people on this machine: one process a camera, begun when somebody asks, gone when
 * nobody watches. One that failed is begun anew by whoever asks next, at first at once, then after longer and longer waits.
 */
import type { LiveSource } from '../../core/driver.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { reopenWaitMs } from '../read/backoff.ts';
import type { OpenDevice } from '../read/host-device.ts';
import { sceneMessage, detectionsMessage, updateLastMeasures, type AnalysedPicture, type LastMeasures } from './viewer-messages.ts';
import { startLiveProcess, type LiveEndpoint, type LiveProcess } from './live-process.ts';

export interface LiveOptions {
  /** At one time; 0: none. */
  maxStreams: number;
  lingerMs?: number;
  silenceMs?: number;
}

const LINGER_MS = 10_000;
/** Of HLS pictures come many at a time, and then none for some seconds. */
const SILENCE_MS = 20_000;
/** One that gave pictures for so long was well, whatever ended it. */
const WELL_MS = 10_000;

interface FailedStream {
  fault: Fault;
  times: number;
  resumeMs: number;
}

export class LiveStreams {
  readonly #devices: () => readonly OpenDevice[];
  readonly #options: Required<LiveOptions>;
  readonly #world: World;
  readonly #running = new Map<string, LiveProcess>();
  readonly #failed = new Map<string, FailedStream>();
  /** Those that show a clip from its start, whatever its camera is at. */
  readonly #replays = new Set<string>();
  readonly #standing = new Map<string, LastMeasures>();
  #isClosed = false;

  constructor(devices: () => readonly OpenDevice[], options: LiveOptions, world: World) {
    this.#devices = devices;
    this.#options = { lingerMs: LINGER_MS, silenceMs: SILENCE_MS, ...options };
    this.#world = world;
  }

  /** Processes that run now, by device. */
  pids(): Map<string, number | undefined> {
    return new Map([...this.#running].map(([device, { pid }]) => [device, pid]));
  }

  /**
   * Where its pictures are to be had, on this machine.
   *
   * @returns rejects with CV_LIVE_DEVICE, CV_LIVE_FULL, CV_LIVE_FAILED, or what is wrong with the camera
   */
  async open(id: string): Promise<LiveEndpoint> {
    const device = this.#devices().find(({ setup }) => setup.id === id);
    const watched = device?.driver.liveSource?.(device.setup.settings, this.#world.clock);
    if (!watched) throw new FaultError('CV_LIVE_DEVICE', { device: id });
    const failed = this.#failed.get(id);
    if (failed && this.#world.clock.monotonicMs() < failed.resumeMs) throw new FaultError(failed.fault.code, failed.fault.params);
    const { maxStreams } = this.#options;
    if (this.#isClosed || (!this.#running.has(id) && this.#running.size >= maxStreams))
      throw new FaultError('CV_LIVE_FULL', { count: this.#running.size, limit: maxStreams });
    if (!this.#running.has(id)) watched.assertMayStart();
    const running = this.#running.get(id) ?? this.#start(id, watched, device?.setup.settings);
    const place = await running.ready;
    if (place) return place;
    // It was just leaving when it was asked for.
    if ((await running.ended).isIdle && !this.#isClosed) return this.open(id);
    const fault = this.#failed.get(id)?.fault ?? {
      code: 'CV_LIVE_FAILED',
      params: { device: id, detail: 'it was ended', detailZh: '已被结束' },
    };
    throw new FaultError(fault.code, fault.params);
  }

  /** A camera's picture was looked at: said to whoever watches it, in the order of its pictures and with its own times. */
  tellViewers(looked: AnalysedPicture): void {
    const { device, measures } = looked;
    const standing = updateLastMeasures(this.#standing.get(device), measures);
    this.#standing.set(device, standing);
    if (!this.#replays.has(device)) this.#running.get(device)?.sendToViewers(JSON.stringify(detectionsMessage(looked, standing)));
  }

  /** Those of devices that are not there any more, or are spoken to otherwise. */
  async stop(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#standing.delete(id);
    await Promise.all(ids.map((id) => this.#running.get(id)?.close()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.stop([...this.#running.keys()]);
  }

  #start(id: string, watched: LiveSource, settings: unknown): LiveProcess {
    const { clock } = this.#world;
    const { lingerMs, silenceMs } = this.#options;
    const live = startLiveProcess(watched, JSON.stringify(sceneMessage(settings, watched.isReplay)), {
      clock,
      tell: this.#world.tell,
      lingerMs,
      silenceMs,
    });
    let readyAtMs = Infinity;
    void live.ready.then((place) => {
      if (!place) return;
      readyAtMs = clock.monotonicMs();
      watched.recordStart();
    });
    this.#running.set(id, live);
    if (watched.isReplay) this.#replays.add(id);
    else this.#replays.delete(id);
    void live.ended.then((how) => {
      this.#running.delete(id);
      const hadPictures = readyAtMs !== Infinity;
      // A clip is over, or a camera said goodbye: who still watches has it begun anew.
      const isOver = hadPictures && how.code === 0;
      if (this.#isClosed || how.isIdle || isOver) return this.#failed.delete(id);
      const wasWell = clock.monotonicMs() - readyAtMs >= WELL_MS;
      const { silentMs } = how;
      const fault: Fault =
        silentMs === undefined
          ? watched.fault({ ...how, hadPictures })
          : {
              code: 'CV_LIVE_FAILED',
              params: { device: id, detail: `no picture within ${silentMs} ms`, detailZh: `${silentMs} 毫秒内没有画面` },
            };
      const times = wasWell ? 1 : (this.#failed.get(id)?.times ?? 0) + 1;
      const waitMs = times === 1 ? 0 : reopenWaitMs(times - 1, this.#world.random);
      this.#failed.set(id, { fault, times, resumeMs: clock.monotonicMs() + waitMs });
      this.#world.tell({ kind: 'fault', fault, device: id });
      return true;
    });
    return live;
  }
}
