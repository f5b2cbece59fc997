/**
 * Gives events a clip of what came around them: the pieces that the camera's ring has from before, and those that are still
 * to come, joined as they are. The event is not held up for it: what was made is an event of its own, which names the file
 * by hash and says which events it is of. Whatever fails here costs the clip alone, and is told and counted.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CLIP_INDICATOR, type Clip, type Draft } from '../../../../core/event.ts';
import type { EvidenceFolder } from '../../../../log/evidence/evidence-folder.ts';
import { FaultError, faultOf } from '../../../../core/faults.ts';
import { serialQueue } from '../../../../core/task-queue.ts';
import { ownClock, pause, type World } from '../../../../core/world.ts';
import { EvidenceFaults } from '../evidence-faults.ts';
import { followUpEvent, FollowUps, type FollowUpParts } from '../follow-ups.ts';
import type { CameraRing } from './camera-ring.ts';
import { containerOf, joinSegments } from './join-segments.ts';
import type { RingSession, StreamSegment } from './ring-session.ts';
import type { ClipSetup } from './setup.ts';
import '../../../../log/evidence/faults.ts';

const CLIP_POINT = 'clip';

export interface ClipParts extends FollowUpParts {
  edge: string;
  setup: Pick<ClipSetup, 'before' | 'after' | 'dir'>;
  /** Where a clip is made. */
  workDir: string;
  ringOf(device: string): CameraRing | null;
  /** Where clips are kept; null: it could not be opened. */
  folder(): Pick<EvidenceFolder, 'addFile'> | null;
  /** Onto the line. */
  record(draft: Draft): void;
  /** Makes what may leave of it, and has it sent; absent: nothing leaves. Rejects with a FaultError. */
  copy?(made: RecordedClip, signal: AbortSignal): Promise<RecordedClip>;
}

/** An event that wants one. */
export interface ClipRequest {
  device: string;
  /** Of the picture that it rests on. */
  ptsMs: number;
  at: number;
  points: readonly string[];
}

/** `clip` as it is by the clock of now. */
export interface RecordedClip {
  device: string;
  clip: Clip;
}

/** One that is coming. */
interface PendingClip {
  device: string;
  opening: RingSession;
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

export class EventClips {
  readonly #parts: ClipParts;
  readonly #world: World;
  readonly #coming = new Set<PendingClip>();
  readonly #followers: FollowUps;
  readonly #failings: Record<'clip' | 'copy', EvidenceFaults>;
  /** One is made at a time, whatever happens in front of all cameras; copies, which take longer, apart. */
  readonly #inTurn = { clip: serialQueue(), copy: serialQueue() };
  #made = 0;
  #copies = 0;

  constructor(parts: ClipParts, world: World) {
    this.#parts = parts;
    this.#world = world;
    this.#followers = new FollowUps(world.tell);
    this.#failings = { clip: new EvidenceFaults(world.tell), copy: new EvidenceFaults(world.tell) };
  }

  /** At once; what comes of it is recorded later. */
  request({ device, ptsMs, at, points }: ClipRequest): void {
    const ring = this.#parts.ringOf(device);
    const opening = ring?.current;
    if (!ring || this.#followers.signal.aborted) return;
    // Why there is none was told when the camera began.
    if (!opening) return this.#world.tell({ kind: 'evidence_lost', count: 1, reason: 'clip_unmade', device });
    const { before, after } = this.#parts.setup;
    const unsetAt = at - this.#jumpedMs();
    const of = points.map((point) => ({ point, at: unsetAt }));
    const joined = [...this.#coming].find(
      (one) =>
        one.opening === opening &&
        ptsMs >= one.fromMs &&
        ptsMs - before <= one.toMs &&
        ptsMs + after - one.fromMs <= MOST_MS &&
        one.of.length + of.length <= MOST_EVENTS,
    );
    if (joined) {
      joined.toMs = Math.max(joined.toMs, ptsMs + after);
      joined.of.push(...of);
      return;
    }
    if (this.#coming.size >= MOST_COMING)
      return this.#failed(
        device,
        new FaultError('CV_CLIP_UNMADE', { device, detail: `${MOST_COMING} are coming already`, detailZh: `已有 ${MOST_COMING} 段待生成` }),
      );
    const fromMs = ptsMs - before;
    const coming: PendingClip = {
      device,
      opening,
      hold: ring.hold(opening, fromMs),
      fromMs,
      toMs: ptsMs + after,
      startAt: unsetAt - ptsMs,
      of,
    };
    this.#coming.add(coming);
    this.#followers.add(device, this.#follow(coming), (error) => this.#failed(device, error));
  }

  /** Resolves when all that are coming are there, or lost. */
  settled(): Promise<void> {
    return this.#followers.settled();
  }

  /** What is still coming is lost, and counted. */
  close(): Promise<void> {
    return this.#followers.close();
  }

  async #follow(coming: PendingClip): Promise<void> {
    const { device, opening, hold } = coming;
    try {
      // Events that came meanwhile have made it longer.
      for (let reached = -Infinity; reached < coming.toMs && !this.#followers.signal.aborted;) {
        reached = coming.toMs;
        await this.#within(opening.reaches(reached));
      }
      this.#coming.delete(coming);
      const made = await this.#inTurn.clip(() => this.#make(coming));
      this.#record(made);
      this.#failings.clip.succeeded(device);
      if (this.#parts.copy) this.#copy(made, this.#parts.copy);
    } finally {
      this.#coming.delete(coming);
      hold.release();
    }
  }

  /** Also when nothing comes: what there is then is the clip. */
  async #within(reached: Promise<void>): Promise<void> {
    const enough = new AbortController();
    const either = AbortSignal.any([enough.signal, this.#followers.signal]);
    await Promise.race([reached, pause(this.#world.clock, this.#parts.setup.after + PATIENCE_MS, either)]);
    enough.abort();
  }

  async #make({ device, opening: { stream }, hold, fromMs, toMs, startAt, of }: PendingClip): Promise<RecordedClip> {
    const { edge, centre, setup: { dir }, workDir } = this.#parts;
    const { clock } = this.#world;
    const { signal } = this.#followers;
    signal.throwIfAborted();
    const folder = this.#parts.folder();
    const pieces = hold.pieces(toMs);
    const [first, last] = [pieces[0], pieces.at(-1)];
    if (!folder) throw new FaultError('CV_CLIP_UNMADE', { device, detail: 'no folder', detailZh: '没有目录' });
    if (!first || !last || !stream)
      throw new FaultError('CV_CLIP_UNMADE', { device, detail: 'no piece of its stream is whole', detailZh: '没有完整的码流片段' });
    const { codec, width, height } = stream;
    const mime = containerOf(codec);
    const at = Math.round(startAt + first.fromMs + this.#jumpedMs());
    const out = join(workDir, `coming-${this.#made += 1}`);
    const points = [...new Set(of.map(({ point }) => point))].join(' ');
    try {
      await joinSegments(
        {
          segments: pieces,
          codec,
          out,
          title: `${centre}/${edge}/${device} ${points}`,
          comment: JSON.stringify({ centre, edge, camera: device, of: this.#timed(of), clock: ownClock(clock) }),
          createdAt: at,
        },
        clock,
        signal,
      );
      const { sha256, bytes } = await folder.addFile(out, { mime, atMs: at }, 'kept');
      this.#world.tell({ kind: 'evidence_kept', count: 1, bytes, device });
      const isShort = first.fromMs > fromMs || last.toMs < toMs || hasHoles(pieces) || pieces.some(({ isSuspect }) => isSuspect);
      return {
        device,
        clip: {
          kind: 'clip',
          sha256,
          mime,
          bytes,
          durationMs: Math.round(sum(pieces)),
          codec,
          width,
          height,
          fromAt: startAt + first.fromMs,
          toAt: startAt + last.toMs,
          short: isShort,
          blurred: false,
          of,
        },
      };
    } catch (error) {
      await rm(out, { force: true });
      throw error instanceof FaultError || signal.aborted
        ? error
        : new FaultError(
            isDisk(error) ? 'CV_CLIP_DISK' : 'CV_CLIP_UNMADE',
            { device, dir, detail: (error as Error).message },
            { cause: error },
          );
    }
  }

  #copy(made: RecordedClip, copy: NonNullable<ClipParts['copy']>): void {
    const { signal } = this.#followers;
    const { device } = made;
    if (this.#copies >= MOST_COPIES)
      return this.#failed(
        device,
        new FaultError('CV_CLIP_UNBLURRED', {
          device,
          cause: 'CV_CLIP_UNMADE',
          detail: `${MOST_COPIES} wait already`,
          detailZh: `已有 ${MOST_COPIES} 份等待`,
        }),
        'copy',
      );
    this.#copies += 1;
    const work = this.#inTurn.copy(async () => {
      signal.throwIfAborted();
      const { clip: { fromAt, toAt, of } } = made;
      const { clip } = await copy(this.#now(made), signal);
      this.#record({ device, clip: { ...clip, fromAt, toAt, of } });
      this.#failings.copy.succeeded(device);
    }).finally(() => { this.#copies -= 1; });
    this.#followers.add(device, work, (error) => this.#failed(device, error, 'copy'));
  }

  #jumpedMs(): number {
    return this.#world.clock.trust?.jumpedMs() ?? 0;
  }

  #timed(of: Clip['of']): Clip['of'] {
    return of.map(({ point, at }) => ({ point, at: Math.round(at + this.#jumpedMs()) }));
  }

  #now({ device, clip }: RecordedClip): RecordedClip {
    const byMs = this.#jumpedMs();
    return {
      device,
      clip: { ...clip, fromAt: Math.round(clip.fromAt + byMs), toAt: Math.round(clip.toAt + byMs), of: this.#timed(clip.of) },
    };
  }

  #record(made: RecordedClip): void {
    const { device, clip } = this.#now(made);
    this.#parts.record(
      followUpEvent(this.#parts, this.#world.clock, {
        device,
        point: CLIP_POINT,
        indicator: CLIP_INDICATOR,
        of: clip.of,
        at: clip.of[0]?.at,
        evidence: clip,
      }),
    );
  }

  #failed(device: string, error: unknown, part: 'clip' | 'copy' = 'clip'): void {
    const fault = faultOf(error, 'CV_CLIP_UNMADE', { device });
    this.#failings[part].failed(device, fault, fault.code === 'CV_CLIP_UNBLURRED' ? 'clip_unblurred' : 'clip_unmade');
  }
}

const sum = (pieces: readonly StreamSegment[]) => pieces.reduce((total, { durationMs }) => total + durationMs, 0);
const hasHoles = (pieces: readonly StreamSegment[]) =>
  pieces.some(({ fromMs }, at) => at > 0 && fromMs - (pieces[at - 1] as StreamSegment).toMs > 1);
const isDisk = (error: unknown) =>
  /No space left|Read-only file system|Permission denied|ENOSPC|EROFS|EACCES/.test((error as Error).message);
