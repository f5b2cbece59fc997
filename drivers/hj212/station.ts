/**
 * One device by its MN, whichever connection it speaks on: its uploads as frames, its requests answered, ours made.
 * An upload is answered (9014) only once its values are on disk, so what was answered is never asked for again and what
 * was not comes again (HJ 212-2017, 6.4 and 6.5).
 */
import { hash } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import { ownClock, type Timer, type World } from '../../core/world.ts';
import type { Connection, Received } from './connection.ts';
import './faults.ts';
import { planOf, type AnswerFrame, type Hj212Frame, type Hj212Request, type Plan, type UploadFrame } from './frame.ts';
import { History } from './history.ts';
import { dataText, qnOf, stampOf, timeOf, type Message } from './message.ts';
import { packetOf } from './packet.ts';
import type { Hj212Point, Hj212Settings } from './settings.ts';

/** One that comes again sooner, before its values are on disk, is answered with the first; later, the first was not kept. */
const KEEPING_MS = 3000;

/** Answers stand under the system number of "interaction" (annex A). */
const INTERACTION = '91';
const PART_WAIT_MS = 30_000;
const MOST_WAITING = 1000;
const MOST_PARTS = 64;
const REMEMBERED = 512;
const SKEW_MS = 5 * 60_000;
const CLOCK_AGAIN_MS = 3_600_000;

interface Upload {
  received: Received;
  connection: Connection;
  /** What tells a repetition: kind, time, part and content. */
  key: string;
}

interface Asking {
  /** Over which it was asked. */
  connection: Connection;
  request: Hj212Request;
  packets: Uint8Array[];
  done(frame: AnswerFrame): void;
  /** Its connection is gone. */
  left(): void;
}

export class Station {
  readonly settings: Hj212Settings;
  readonly #plan: Plan;
  readonly #world: World;
  connection: Connection | null = null;
  /** It has spoken at least once. */
  wasHeard = false;
  #waiting: UploadFrame[] = [];
  readonly #uploads = new WeakMap<UploadFrame, Upload>();
  /** Given and not on disk yet, by key; repetitions are answered with them. */
  readonly #keeping = new Map<string, { sinceMs: number; repetitions: Upload[] }>();
  /** Uploads that are on disk, the newest last. */
  readonly #kept = new Set<string>();
  /** By QN and CN: the time that the first packet of several has. */
  readonly #times = new Map<string, string>();
  readonly #early = new Map<string, { uploads: Upload[]; timer: Timer }>();
  readonly #askings = new Map<string, Asking>();
  readonly #history: History;
  readonly #met = new WeakSet<Connection>();
  #newest: Message | null = null;
  #lastQn = 0;
  #clockSetMs = -Infinity;
  #passwordTold = false;
  #changed: () => void = () => {};

  constructor(settings: Hj212Settings, points: readonly ({ id: string } & Hj212Point)[], world: World) {
    this.settings = settings;
    this.#plan = planOf(points, settings);
    this.#world = world;
    this.#history = new History(settings, world, (request) => this.#request(request));
  }

  /** Called whenever a frame waits, or the connection came or went. */
  onChange(run: () => void): void {
    this.#changed = run;
  }

  /** The next frame that waits. */
  next(): Hj212Frame | undefined {
    return this.#waiting.shift();
  }

  /** The newest connection that speaks with this MN is the one: an old one may be half open. */
  heard(received: Received, connection: Connection): void {
    const { message } = received;
    // Before anything is learned of it: who only knows the MN is nobody, whatever it sends.
    if (!this.#isAllowed(message, connection)) return;
    const isBack = this.connection !== connection;
    if (isBack) {
      this.connection?.serve(false);
      this.connection = connection;
      connection.serve(true);
      if (!this.#met.has(connection)) connection.onEnd(() => this.#left(connection));
      this.#met.add(connection);
      this.#changed();
    }
    this.wasHeard = true;
    this.#newest = message;
    if (isBack) this.#history.isBack(message.edition);
    const asking = this.#askings.get(message.qn);
    // Answered by whom it was asked, and by nobody else who has seen the number.
    if (asking?.connection === connection && (message.cn === '9011' || message.cn === '9012' || message.cn === asking.request.cn)) return this.#answered(asking, received);
    if (this.#plan.targets.has(message.cn)) return this.#uploaded({ received, connection, key: keyOf(message) });
    if (message.cn === '1013') return this.#askedForTime(message, connection);
    if (message.cn === '9012' || isRefusal(message)) this.#historyEnded(message);
    // An upload of which no point is read, or a sign of life: nothing of it is to be kept.
    if (!message.cn.startsWith('90') || message.cn === '9021') this.#answer(message, connection);
    this.#setClockIfSkewed(message);
  }

  /** All of it is on disk. */
  taken(frame: Hj212Frame): void {
    const upload = frame.is === 'upload' ? this.#uploads.get(frame) : undefined;
    if (!upload) return;
    this.#kept.add(upload.key);
    if (this.#kept.size > REMEMBERED) this.#kept.delete(this.#kept.values().next().value as string);
    const { repetitions } = this.#keeping.get(upload.key) ?? { repetitions: [] };
    this.#keeping.delete(upload.key);
    for (const { received, connection } of [upload, ...repetitions]) this.#answer(received.message, connection);
  }

  /** Makes a request of ours. Rejects with the signal's reason, CV_HJ212_ABSENT or CV_HJ212_LEFT. */
  ask(request: Hj212Request, signal: AbortSignal, at: string): Promise<AnswerFrame> {
    const { connection } = this;
    if (!connection) throw new FaultError(this.wasHeard ? 'CV_HJ212_LEFT' : 'CV_HJ212_ABSENT', { mn: this.settings.mn, address: at });
    const qn = this.#qn();
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#askings.delete(qn);
        reject(signal.reason);
      };
      const done = (frame: AnswerFrame) => {
        this.#askings.delete(qn);
        signal.removeEventListener('abort', stop);
        resolve(frame);
      };
      const left = () => {
        this.#askings.delete(qn);
        signal.removeEventListener('abort', stop);
        reject(new FaultError('CV_HJ212_LEFT', { mn: this.settings.mn, address: at }));
      };
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true });
      this.#askings.set(qn, { connection, request, packets: [], done, left });
      this.#request(request, qn);
    });
  }

  end(): void {
    for (const { timer } of this.#early.values()) timer.cancel();
    this.#early.clear();
    this.#history.end();
    this.connection?.serve(false);
    this.connection = null;
  }

  #left(connection: Connection): void {
    for (const asking of this.#askings.values()) if (asking.connection === connection) asking.left();
    if (this.connection !== connection) return;
    this.connection = null;
    this.#history.end();
    this.#changed();
  }

  #isAllowed(message: Message, connection: Connection): boolean {
    const { password, mn } = this.settings;
    if (password === undefined || message.pw === password) return true;
    if (!this.#passwordTold) this.#world.tell({ kind: 'fault', fault: { code: 'CV_HJ212_PASSWORD', params: { mn } } });
    this.#passwordTold = true;
    // Data is left unanswered and comes again once the password is right.
    if (message.cn === '1013') this.#send(connection, { qn: message.qn, cn: '9011', content: 'QnRtn=3', wantsAnswer: false, st: INTERACTION, pw: '' });
    return false;
  }

  #uploaded(upload: Upload): void {
    const { message } = upload.received;
    const exchange = `${message.qn} ${message.cn}`;
    const stamp = /(?:^|[;,])\s*DataTime\s*=\s*([^;,]*)/.exec(message.content)?.[1]?.trim();
    const at = stamp === undefined ? null : timeOf(stamp);
    if (at !== null) this.#history.heard(message.cn, at);
    if (stamp !== undefined && message.part) {
      this.#remember(exchange, stamp);
      const early = this.#early.get(exchange);
      early?.timer.cancel();
      this.#early.delete(exchange);
      this.#give(upload);
      for (const other of early?.uploads ?? []) this.#give(other, stamp);
    } else if (stamp === undefined && message.part && !this.#times.has(exchange)) this.#hold(exchange, upload);
    else this.#give(upload, stamp === undefined ? this.#times.get(exchange) : undefined);
    this.#setClockIfSkewed(message);
  }

  #remember(exchange: string, stamp: string): void {
    this.#times.set(exchange, stamp);
    if (this.#times.size > MOST_PARTS) this.#times.delete(this.#times.keys().next().value as string);
  }

  /** Packets of one upload may overtake each other; those without the time wait for the one that has it. */
  #hold(exchange: string, upload: Upload): void {
    const held = this.#early.get(exchange);
    if (held) return void (held.uploads.length < MOST_PARTS && held.uploads.push(upload));
    const timer = this.#world.clock.after(PART_WAIT_MS, () => {
      this.#early.delete(exchange);
      const { part } = upload.received.message;
      this.#world.tell({ kind: 'fault', fault: { code: 'CV_HJ212_PART', params: { mn: this.settings.mn, number: part?.number ?? 0, of: part?.of ?? 0 } } });
      this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    });
    this.#early.set(exchange, { uploads: [upload], timer });
  }

  #give(upload: Upload, dataTime?: string): void {
    const { received, connection, key } = upload;
    // The device did not hear our answer: its values are on disk already.
    if (this.#kept.has(key)) return this.#answer(received.message, connection);
    const nowMs = this.#world.clock.monotonicMs();
    const keeping = this.#keeping.get(key);
    if (keeping && nowMs - keeping.sinceMs < KEEPING_MS) return void (keeping.repetitions.length < MOST_PARTS && keeping.repetitions.push(upload));
    // Unanswered, it comes again.
    if (this.#waiting.length >= MOST_WAITING) return;
    const frame: UploadFrame = { is: 'upload', packet: received.packet, observedAt: this.#world.clock.nowMs(), plan: this.#plan, ...(dataTime === undefined ? {} : { dataTime }) };
    this.#uploads.set(frame, upload);
    this.#keeping.set(key, { sinceMs: nowMs, repetitions: [] });
    if (this.#keeping.size > REMEMBERED) this.#keeping.delete(this.#keeping.keys().next().value as string);
    this.#waiting.push(frame);
    this.#changed();
  }

  #answered(asking: Asking, { packet, message }: Received): void {
    asking.packets.push(packet);
    const isLast = message.cn === '9012' || (asking.request.wantsData && message.cn === asking.request.cn);
    if (isRefusal(message) || isLast) asking.done({ is: 'answer', packets: asking.packets });
  }

  #historyEnded(message: Message): void {
    const cn = this.#history.ended(message);
    if (cn !== null && message.cn === '9011') this.#world.tell({ kind: 'fault', fault: { code: 'CV_HJ212_REFUSED', params: { mn: this.settings.mn, cn, answer: message.content } } });
  }

  #answer(message: Message, connection: Connection): void {
    const { answer } = this.settings;
    if (answer === 'never' || (answer === 'asked' && !message.wantsAnswer)) return;
    this.#reply(message, connection, '9014', '');
  }

  #askedForTime(message: Message, connection: Connection): void {
    this.#reply(message, connection, '9013', '');
    if (this.settings.setClock !== 'never') this.#setClock();
  }

  #setClockIfSkewed(message: Message): void {
    const sentAt = timeOf(message.qn);
    if (this.settings.setClock !== 'skewed' || sentAt === null || !['2011', '9021'].includes(message.cn)) return;
    const nowMs = this.#world.clock.monotonicMs();
    if (Math.abs(this.#world.clock.nowMs() - sentAt) <= SKEW_MS || nowMs - this.#clockSetMs < CLOCK_AGAIN_MS) return;
    this.#clockSetMs = nowMs;
    this.#setClock();
  }

  /** Its answers are of no concern: it asks, or is off, again. */
  #setClock(): void {
    // A clock that was never set sets no other.
    if (ownClock(this.#world.clock) !== 'edge') return;
    this.#request({ cn: '1012', content: `SystemTime=${stampOf(this.#world.clock.nowMs())}` });
  }

  /** @returns its number */
  #request({ cn, content }: { cn: string; content: string }, qn: string = this.#qn()): string {
    if (this.connection) this.#send(this.connection, { qn, cn, content, wantsAnswer: true, st: this.#newest?.st ?? INTERACTION, pw: this.settings.password ?? this.#newest?.pw ?? '' });
    return qn;
  }

  #reply(message: Message, connection: Connection, cn: string, content: string): void {
    // The password that it gave itself: where none is set, another connection is not told this one's.
    this.#send(connection, { qn: message.qn, cn, content, wantsAnswer: false, st: INTERACTION, pw: message.pw });
  }

  #send(connection: Connection, what: { qn: string; cn: string; content: string; wantsAnswer: boolean; st: string; pw: string }): void {
    const { edition, mn } = this.settings;
    connection.send(packetOf(dataText({ ...what, mn, edition: edition === 'auto' ? this.#newest?.edition ?? '2017' : edition })));
  }

  /** A number of its own: two requests of one millisecond are two. */
  #qn(): string {
    this.#lastQn = Math.max(this.#lastQn + 1, this.#world.clock.nowMs());
    return qnOf(this.#lastQn);
  }
}

const isRefusal = ({ cn, content }: Message): boolean => cn === '9011' && !/QnRtn=1(?!\d)/.test(content);

/** By all of it: the check value of the protocol is too weak to tell two uploads of one second apart. */
function keyOf({ cn, content, part }: Message): string {
  return hash('sha1', `${cn}|${part?.number ?? 0}|${content}`, 'base64');
}
