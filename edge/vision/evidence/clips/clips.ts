/**
 * Gives events a clip of what came around them: the pieces that the camera's ring has from before, and those that are still
 * to come, joined as they are. The event is not held up for it: what was made is an event of its own, which names the file
 * by hash and says which events it is of. Whatever fails here costs the clip alone, and is told and counted.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CLIP_INDICATOR, type Clip, type Draft } from '../../../../core/event.ts';
import type { EvidenceFolder } from '../../../../core/evidence/folder.ts';
import { FaultError, faultOf, type FaultCode } from '../../../../core/faults.ts';
import type { LossReason } from '../../../../core/losses.ts';
import { ownClock, pause, type World } from '../../../../core/world.ts';
import type { DeviceSetup } from '../../../config/setup.ts';
import type { CameraRing } from './camera-ring.ts';
import { containerOf, joinPieces } from './join.ts';
import type { Opening, Piece } from './opening.ts';
import type { ClipSetup } from './setup.ts';

const CLIP_POINT = 'clip';

export interface ClipParts {
  edge: string;
  centre: string;
  setup: Pick<ClipSetup, 'before' | 'after' | 'dir'>;
  ringOf(device: string): CameraRing | null;
  /** Where clips are kept; null: it could not be opened. */
  folder(): Pick<EvidenceFolder, 'adopt'> | null;
  /** Where it stands and what it is about. */
  deviceOf(id: string): Pick<DeviceSetup, 'subject' | 'position'> | undefined;
  /** Onto the line. */
  record(draft: Draft): void;
  /** Makes what may leave of it, and has it sent; absent: nothing leaves. Rejects with a FaultError. */
  copy?(made: MadeClip, signal: AbortSignal): Promise<MadeClip>;
}

/** An event that wants one. */
export interface Wanted {
  device: string;
  /** Of the picture that it rests on. */
  ptsMs: number;
  at: number;
  points: readonly string[];
}

/** `clip` as it is by the clock of now. */
export interface MadeClip {
  device: string;
  clip: Clip;
}

/** One that is coming. */
interface Coming {
  device: string;
  opening: Opening;
  hold: ReturnType<CameraRing['hold']>;
  fromMs: number;
  toMs: number;
  /** ms UTC at presentation time 0, by a clock that was never set: so it holds when ours is. */
  startAt: number;
  of: Clip['of'];
}

/** Events that come while one is coming make it longer, up to here; then another begins. */
const MOST_MS = 120_000;
const MOST_EVENTS = 16;
/** Of all cameras together. */
const MOST_COMING = 16;
/** Pieces end with a key frame: it may be late by so much, and a stalled stream is not waited for beyond. */
const PATIENCE_MS = 20_000;
/** Copies take longer than clips come in a busy place: those beyond are not made. */
const MOST_COPIES = 8;

export class Clips {
  readonly #parts: ClipParts;
  readonly #world: World;
  readonly #coming = new Set<Coming>();
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  readonly #faults = new Map<string, FaultCode>();
  /** One is made at a time, whatever happens in front of all cameras; copies, which take longer, apart. */
  #making: Promise<unknown> = Promise.resolve();
  #copying: Promise<unknown> = Promise.resolve();
  #made = 0;
  #copies = 0;

  constructor(parts: ClipParts, world: World) {
    this.#parts = parts;
    this.#world = world;
  }

  /** At once; what comes of it is recorded later. */
  want({ device, ptsMs, at, points }: Wanted): void {
    const ring = this.#parts.ringOf(device);
    const opening = ring?.current;
    if (!ring || this.#ending.signal.aborted) return;
    // Why there is none was told when the camera began.
    if (!opening) return this.#world.tell({ kind: 'evidence_lost', count: 1, reason: 'clip_unmade', device });
    const { before, after } = this.#parts.setup;
    const unsetAt = at - this.#jumpedMs();
    const of = points.map((point) => ({ point, at: unsetAt }));
    const joined = [...this.#coming].find((one) => one.opening === opening && ptsMs >= one.fromMs && ptsMs - before <= one.toMs && ptsMs + after - one.fromMs <= MOST_MS && one.of.length + of.length <= MOST_EVENTS);
    if (joined) {
      joined.toMs = Math.max(joined.toMs, ptsMs + after);
      joined.of.push(...of);
      return;
    }
    if (this.#coming.size >= MOST_COMING) return this.#failed(device, new FaultError('CV_CLIP_UNMADE', { device, detail: `${MOST_COMING} are coming already`, detailZh: `已有 ${MOST_COMING} 段待生成` }));
    const fromMs = ptsMs - before;
    const coming: Coming = { device, opening, hold: ring.hold(opening, fromMs), fromMs, toMs: ptsMs + after, startAt: unsetAt - ptsMs, of };
    this.#coming.add(coming);
    const run = this.#follow(coming).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Resolves when all that are coming are there, or lost. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** What is still coming is lost, and counted. */
  async close(): Promise<void> {
    this.#ending.abort(new DOMException('the edge ends', 'AbortError'));
    await this.settled();
  }

  async #follow(coming: Coming): Promise<void> {
    const { device, opening, hold } = coming;
    const { signal } = this.#ending;
    try {
      // Events that came meanwhile have made it longer.
      for (let reached = -Infinity; reached < coming.toMs && !signal.aborted;) {
        reached = coming.toMs;
        await this.#within(opening.reaches(reached));
      }
      this.#coming.delete(coming);
      const made = await this.#oneByOne(() => this.#make(coming));
      this.#record(made);
      this.#well(device, 'clip');
      if (this.#parts.copy) this.#copy(made, this.#parts.copy);
    } catch (error) {
      this.#coming.delete(coming);
      if (signal.aborted) this.#world.tell({ kind: 'evidence_lost', count: 1, reason: 'shutdown', device });
      else this.#failed(device, error);
    } finally {
      hold.release();
    }
  }

  /** Also when nothing comes: what there is then is the clip. */
  async #within(reached: Promise<void>): Promise<void> {
    const enough = new AbortController();
    const either = AbortSignal.any([enough.signal, this.#ending.signal]);
    await Promise.race([reached, pause(this.#world.clock, this.#parts.setup.after + PATIENCE_MS, either)]);
    enough.abort();
  }

  async #make({ device, opening: { stream }, hold, fromMs, toMs, startAt, of }: Coming): Promise<MadeClip> {
    const { edge, centre, setup: { dir } } = this.#parts;
    const { clock } = this.#world;
    const { signal } = this.#ending;
    signal.throwIfAborted();
    const folder = this.#parts.folder();
    const pieces = hold.pieces(toMs);
    const [first, last] = [pieces[0], pieces.at(-1)];
    if (!folder) throw new FaultError('CV_CLIP_UNMADE', { device, detail: 'no folder', detailZh: '没有目录' });
    if (!first || !last || !stream) throw new FaultError('CV_CLIP_UNMADE', { device, detail: 'no piece of its stream is whole', detailZh: '没有完整的码流片段' });
    const { codec, width, height } = stream;
    const mime = containerOf(codec);
    const at = Math.round(startAt + first.fromMs + this.#jumpedMs());
    // There what is not whole is removed at the next start.
    const out = join(dir, 'kept', `coming-${this.#made += 1}`);
    const points = [...new Set(of.map(({ point }) => point))].join(' ');
    try {
      await joinPieces({ pieces, codec, out, title: `${centre}/${edge}/${device} ${points}`, comment: JSON.stringify({ centre, edge, camera: device, of: this.#timed(of), clock: ownClock(clock) }), createdAt: at }, clock, signal);
      const { sha256, bytes } = await folder.adopt(out, { mime, at }, 'kept');
      this.#world.tell({ kind: 'evidence_kept', count: 1, bytes, device });
      const isShort = first.fromMs > fromMs || last.toMs < toMs || hasHoles(pieces) || pieces.some(({ isSuspect }) => isSuspect);
      return { device, clip: { kind: 'clip', sha256, mime, bytes, durationMs: Math.round(sum(pieces)), codec, width, height, fromAt: startAt + first.fromMs, toAt: startAt + last.toMs, short: isShort, blurred: false, of } };
    } catch (error) {
      await rm(out, { force: true });
      throw error instanceof FaultError || signal.aborted ? error : new FaultError(isDisk(error) ? 'CV_CLIP_DISK' : 'CV_CLIP_UNMADE', { device, dir, detail: (error as Error).message }, { cause: error });
    }
  }

  #copy(made: MadeClip, copy: NonNullable<ClipParts['copy']>): void {
    const { signal } = this.#ending;
    const { device } = made;
    if (this.#copies >= MOST_COPIES) return this.#failed(device, new FaultError('CV_CLIP_UNBLURRED', { device, cause: 'CV_CLIP_UNMADE', detail: `${MOST_COPIES} wait already`, detailZh: `已有 ${MOST_COPIES} 份等待` }), 'copy');
    this.#copies += 1;
    const run = (this.#copying = this.#copying.then(async () => {
      signal.throwIfAborted();
      const { clip: { fromAt, toAt, of } } = made;
      const { clip } = await copy(this.#now(made), signal);
      this.#record({ device, clip: { ...clip, fromAt, toAt, of } });
      this.#well(device, 'copy');
    }).catch((error: unknown) => {
      if (signal.aborted) this.#world.tell({ kind: 'evidence_lost', count: 1, reason: 'shutdown', device });
      else this.#failed(device, error, 'copy');
    })).finally(() => {
      this.#copies -= 1;
      this.#running.delete(run as Promise<void>);
    }) as Promise<void>;
    this.#running.add(run);
  }

  #jumpedMs(): number {
    return this.#world.clock.trust?.jumpedMs() ?? 0;
  }

  #timed(of: Clip['of']): Clip['of'] {
    return of.map(({ point, at }) => ({ point, at: Math.round(at + this.#jumpedMs()) }));
  }

  #now({ device, clip }: MadeClip): MadeClip {
    const byMs = this.#jumpedMs();
    return { device, clip: { ...clip, fromAt: Math.round(clip.fromAt + byMs), toAt: Math.round(clip.toAt + byMs), of: this.#timed(clip.of) } };
  }

  #record(made: MadeClip): void {
    const { device, clip } = this.#now(made);
    const { centre } = this.#parts;
    const { subject = device, position } = this.#parts.deviceOf(device) ?? {};
    const nowMs = Math.round(this.#world.clock.nowMs());
    this.#parts.record({
      device, point: CLIP_POINT, indicator: CLIP_INDICATOR, subject, centre, kind: 'occurrence', value: [...new Set(clip.of.map(({ point }) => point))].join(' '), unit: '',
      occurredAt: clip.of[0]?.at ?? nowMs, clock: ownClock(this.#world.clock), observedAt: nowMs, quality: 'good', origin: 'live', ...(position && { position }), evidence: [clip],
    });
  }

  #oneByOne<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#making.then(run);
    this.#making = turn.catch(() => {});
    return turn;
  }

  #failed(device: string, error: unknown, part: 'clip' | 'copy' = 'clip'): void {
    const fault = faultOf(error, 'CV_CLIP_UNMADE', { device });
    const reason: LossReason = fault.code === 'CV_CLIP_UNBLURRED' ? 'clip_unblurred' : 'clip_unmade';
    this.#world.tell({ kind: 'evidence_lost', count: 1, reason, device });
    const key = `${part} ${device}`;
    const told = this.#faults.get(key);
    // Said once, not at every event; each clip is counted.
    if (told === fault.code) return;
    if (told) this.#world.tell({ kind: 'fault_cleared', code: told, device });
    this.#faults.set(key, fault.code);
    this.#world.tell({ kind: 'fault', fault, device });
  }

  #well(device: string, part: 'clip' | 'copy'): void {
    const key = `${part} ${device}`;
    const told = this.#faults.get(key);
    if (told) this.#world.tell({ kind: 'fault_cleared', code: told, device });
    this.#faults.delete(key);
  }
}

const sum = (pieces: readonly Piece[]) => pieces.reduce((total, { durationMs }) => total + durationMs, 0);
const hasHoles = (pieces: readonly Piece[]) => pieces.some(({ fromMs }, at) => at > 0 && fromMs - (pieces[at - 1] as Piece).toMs > 1);
const isDisk = (error: unknown) => /No space left|Read-only file system|Permission denied|ENOSPC|EROFS|EACCES/.test((error as Error).message);
