/**
 * One device, identified by its MN, over whichever connection it uses: turns its uploads into frames, answers its requests
 * and sends ours. An upload is answered (9014) only once its values are on disk; an unanswered one is sent again by the
 * device (HJ 212-2017, 6.4 and 6.5).
 */
import { hash } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import { ownClock, type Timer, type World } from '../../core/world.ts';
import type { Hj212Connection, ReceivedPacket } from './connection.ts';
import './faults.ts';
import {
  uploadPointMap,
  type Hj212AnswerFrame,
  type Hj212Frame,
  type Hj212Request,
  type UploadPointMap,
  type Hj212UploadFrame,
} from './frame.ts';
import { HistoryBackfill } from './history-backfill.ts';
import { formatHj212Message, formatQn, formatHj212Time, parseHj212Time, type Hj212Message } from './message.ts';
import { encodeHj212Packet } from './packet-cutter.ts';
import type { Hj212Point, Hj212Settings } from './settings.ts';

/** A repetition within this time is answered together with the first upload; after it, the first was not stored. */
const STORE_WAIT_MS = 3000;

/** Answers have the system type "interaction" (annex A). */
const INTERACTION_ST = '91';
const FRAGMENT_WAIT_MS = 30_000;
const MAX_WAITING = 1000;
const MAX_FRAGMENTS = 64;
const MAX_REMEMBERED = 512;
const SKEW_MS = 5 * 60_000;
const CLOCK_SET_INTERVAL_MS = 3_600_000;

interface Upload {
  received: ReceivedPacket;
  connection: Hj212Connection;
  /** Identifies a repetition: command, packet number and content. */
  key: string;
}

interface PendingRequest {
  /** Over which it was sent. */
  connection: Hj212Connection;
  request: Hj212Request;
  packets: Uint8Array[];
  done(frame: Hj212AnswerFrame): void;
  /** Its connection is closed. */
  fail(): void;
}

export class Hj212Station {
  readonly settings: Hj212Settings;
  readonly #plan: UploadPointMap;
  readonly #world: World;
  connection: Hj212Connection | null = null;
  /** It has sent something at least once. */
  wasConnected = false;
  #waiting: Hj212UploadFrame[] = [];
  readonly #uploads = new WeakMap<Hj212UploadFrame, Upload>();
  /** Handed on and not on disk yet, by key; repetitions are answered with them. */
  readonly #storing = new Map<string, { sinceMs: number; repetitions: Upload[] }>();
  /** Keys of uploads that are on disk, the newest last. */
  readonly #stored = new Set<string>();
  /** By QN and CN: the DataTime of the first packet of several. */
  readonly #dataTimes = new Map<string, string>();
  readonly #withoutTime = new Map<string, { uploads: Upload[]; timer: Timer }>();
  readonly #pending = new Map<string, PendingRequest>();
  readonly #history: HistoryBackfill;
  readonly #seen = new WeakSet<Hj212Connection>();
  #newest: Hj212Message | null = null;
  #lastQn = 0;
  #clockSetMs = -Infinity;
  #passwordReported = false;
  #changed: () => void = () => {};

  constructor(settings: Hj212Settings, points: readonly ({ id: string } & Hj212Point)[], world: World) {
    this.settings = settings;
    this.#plan = uploadPointMap(points, settings);
    this.#world = world;
    this.#history = new HistoryBackfill(settings, world, (request) => this.#sendRequest(request));
  }

  /** Sets the callback for a new frame, a connect and a disconnect. */
  onChange(run: () => void): void {
    this.#changed = run;
  }

  /** The next waiting frame. */
  nextFrame(): Hj212Frame | undefined {
    return this.#waiting.shift();
  }

  /** The newest connection with this MN replaces the one before, which may be half open. */
  receive(received: ReceivedPacket, connection: Hj212Connection): void {
    const { message } = received;
    // Checked first: a sender that knows only the MN has no effect, whatever it sends.
    if (!this.#isAllowed(message, connection)) return;
    const isNewConnection = this.connection !== connection;
    if (isNewConnection) {
      this.connection?.setInUse(false);
      this.connection = connection;
      connection.setInUse(true);
      if (!this.#seen.has(connection)) connection.onClose(() => this.#disconnected(connection));
      this.#seen.add(connection);
      this.#changed();
    }
    this.wasConnected = true;
    this.#newest = message;
    if (isNewConnection) this.#history.reconnected(message.edition);
    const pending = this.#pending.get(message.qn);
    // Only an answer over the connection that was asked counts.
    if (pending?.connection === connection && (message.cn === '9011' || message.cn === '9012' || message.cn === pending.request.cn))
      return this.#addAnswer(pending, received);
    if (this.#plan.byCommand.has(message.cn)) return this.#receiveUpload({ received, connection, key: uploadKey(message) });
    if (message.cn === '1013') return this.#answerTimeRequest(message, connection);
    if (message.cn === '9012' || isRefusal(message)) this.#completeHistory(message);
    // An upload that no point reads, or a heartbeat: nothing to store.
    if (!message.cn.startsWith('90') || message.cn === '9021') this.#answer(message, connection);
    this.#setClockIfSkewed(message);
  }

  /** All values of the frame are on disk. */
  confirmStored(frame: Hj212Frame): void {
    const upload = frame.is === 'upload' ? this.#uploads.get(frame) : undefined;
    if (!upload) return;
    this.#stored.add(upload.key);
    if (this.#stored.size > MAX_REMEMBERED) this.#stored.delete(this.#stored.values().next().value as string);
    const { repetitions } = this.#storing.get(upload.key) ?? { repetitions: [] };
    this.#storing.delete(upload.key);
    for (const { received, connection } of [upload, ...repetitions]) this.#answer(received.message, connection);
  }

  /** Sends a request and waits for its answer. Rejects with the signal's reason, CV_HJ212_ABSENT or CV_HJ212_LEFT. */
  request(request: Hj212Request, signal: AbortSignal, address: string): Promise<Hj212AnswerFrame> {
    const { connection } = this;
    if (!connection) throw new FaultError(this.wasConnected ? 'CV_HJ212_LEFT' : 'CV_HJ212_ABSENT', { mn: this.settings.mn, address });
    const qn = this.#qn();
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#pending.delete(qn);
        reject(signal.reason);
      };
      const done = (frame: Hj212AnswerFrame) => {
        this.#pending.delete(qn);
        signal.removeEventListener('abort', stop);
        resolve(frame);
      };
      const fail = () => {
        this.#pending.delete(qn);
        signal.removeEventListener('abort', stop);
        reject(new FaultError('CV_HJ212_LEFT', { mn: this.settings.mn, address }));
      };
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true });
      this.#pending.set(qn, { connection, request, packets: [], done, fail });
      this.#sendRequest(request, qn);
    });
  }

  close(): void {
    for (const { timer } of this.#withoutTime.values()) timer.cancel();
    this.#withoutTime.clear();
    this.#history.cancel();
    this.connection?.setInUse(false);
    this.connection = null;
  }

  #disconnected(connection: Hj212Connection): void {
    for (const pending of this.#pending.values()) if (pending.connection === connection) pending.fail();
    if (this.connection !== connection) return;
    this.connection = null;
    this.#history.cancel();
    this.#changed();
  }

  #isAllowed(message: Hj212Message, connection: Hj212Connection): boolean {
    const { password, mn } = this.settings;
    if (password === undefined || message.pw === password) return true;
    if (!this.#passwordReported) this.#world.tell({ kind: 'fault', fault: { code: 'CV_HJ212_PASSWORD', params: { mn } } });
    this.#passwordReported = true;
    // Data stays unanswered and is sent again once the password is right.
    if (message.cn === '1013')
      this.#send(connection, { qn: message.qn, cn: '9011', content: 'QnRtn=3', wantsAnswer: false, st: INTERACTION_ST, pw: '' });
    return false;
  }

  #receiveUpload(upload: Upload): void {
    const { message } = upload.received;
    const exchange = `${message.qn} ${message.cn}`;
    const stamp = /(?:^|[;,])\s*DataTime\s*=\s*([^;,]*)/.exec(message.content)?.[1]?.trim();
    const at = stamp === undefined ? null : parseHj212Time(stamp);
    if (at !== null) this.#history.noteUpload(message.cn, at);
    if (stamp !== undefined && message.fragment) {
      this.#rememberDataTime(exchange, stamp);
      const earlier = this.#withoutTime.get(exchange);
      earlier?.timer.cancel();
      this.#withoutTime.delete(exchange);
      this.#handOn(upload);
      for (const other of earlier?.uploads ?? []) this.#handOn(other, stamp);
    } else if (stamp === undefined && message.fragment && !this.#dataTimes.has(exchange)) this.#waitForDataTime(exchange, upload);
    else this.#handOn(upload, stamp === undefined ? this.#dataTimes.get(exchange) : undefined);
    this.#setClockIfSkewed(message);
  }

  #rememberDataTime(exchange: string, stamp: string): void {
    this.#dataTimes.set(exchange, stamp);
    if (this.#dataTimes.size > MAX_FRAGMENTS) this.#dataTimes.delete(this.#dataTimes.keys().next().value as string);
  }

  /** Packets of one upload may be reordered; those without DataTime wait for the one that has it. */
  #waitForDataTime(exchange: string, upload: Upload): void {
    const held = this.#withoutTime.get(exchange);
    if (held) return void (held.uploads.length < MAX_FRAGMENTS && held.uploads.push(upload));
    const timer = this.#world.clock.after(FRAGMENT_WAIT_MS, () => {
      this.#withoutTime.delete(exchange);
      const { fragment } = upload.received.message;
      this.#world.tell({
        kind: 'fault',
        fault: { code: 'CV_HJ212_PART', params: { mn: this.settings.mn, number: fragment?.number ?? 0, of: fragment?.count ?? 0 } },
      });
      this.#world.tell({ kind: 'samples_lost', count: 1, reason: 'frame_unreadable', intended: false });
    });
    this.#withoutTime.set(exchange, { uploads: [upload], timer });
  }

  #handOn(upload: Upload, dataTime?: string): void {
    const { received, connection, key } = upload;
    // The device did not get our answer; its values are on disk already.
    if (this.#stored.has(key)) return this.#answer(received.message, connection);
    const nowMs = this.#world.clock.monotonicMs();
    const storing = this.#storing.get(key);
    if (storing && nowMs - storing.sinceMs < STORE_WAIT_MS)
      return void (storing.repetitions.length < MAX_FRAGMENTS && storing.repetitions.push(upload));
    // Unanswered, it will be sent again.
    if (this.#waiting.length >= MAX_WAITING) return;
    const frame: Hj212UploadFrame = {
      is: 'upload',
      packet: received.packet,
      observedAt: this.#world.clock.nowMs(),
      pointMap: this.#plan,
      ...(dataTime === undefined ? {} : { dataTime }),
    };
    this.#uploads.set(frame, upload);
    this.#storing.set(key, { sinceMs: nowMs, repetitions: [] });
    if (this.#storing.size > MAX_REMEMBERED) this.#storing.delete(this.#storing.keys().next().value as string);
    this.#waiting.push(frame);
    this.#changed();
  }

  #addAnswer(pending: PendingRequest, { packet, message }: ReceivedPacket): void {
    pending.packets.push(packet);
    const isLast = message.cn === '9012' || (pending.request.wantsData && message.cn === pending.request.cn);
    if (isRefusal(message) || isLast) pending.done({ is: 'answer', packets: pending.packets });
  }

  #completeHistory(message: Hj212Message): void {
    const cn = this.#history.complete(message);
    if (cn !== null && message.cn === '9011')
      this.#world.tell({
        kind: 'fault',
        fault: { code: 'CV_HJ212_REFUSED', params: { mn: this.settings.mn, cn, answer: message.content } },
      });
  }

  #answer(message: Hj212Message, connection: Hj212Connection): void {
    const { answer } = this.settings;
    if (answer === 'never' || (answer === 'asked' && !message.wantsAnswer)) return;
    this.#reply(message, connection, '9014', '');
  }

  #answerTimeRequest(message: Hj212Message, connection: Hj212Connection): void {
    this.#reply(message, connection, '9013', '');
    if (this.settings.setClock !== 'never') this.#setClock();
  }

  #setClockIfSkewed(message: Hj212Message): void {
    const sentAt = parseHj212Time(message.qn);
    if (this.settings.setClock !== 'skewed' || sentAt === null || !['2011', '9021'].includes(message.cn)) return;
    const nowMs = this.#world.clock.monotonicMs();
    if (Math.abs(this.#world.clock.nowMs() - sentAt) <= SKEW_MS || nowMs - this.#clockSetMs < CLOCK_SET_INTERVAL_MS) return;
    this.#clockSetMs = nowMs;
    this.#setClock();
  }

  /** Its answer does not matter: the device asks again, or its clock is still off. */
  #setClock(): void {
    // A clock that was never synchronized does not set another.
    if (ownClock(this.#world.clock) !== 'edge') return;
    this.#sendRequest({ cn: '1012', content: `SystemTime=${formatHj212Time(this.#world.clock.nowMs())}` });
  }

  /** @returns its QN */
  #sendRequest({ cn, content }: { cn: string; content: string }, qn: string = this.#qn()): string {
    if (this.connection)
      this.#send(this.connection, {
        qn,
        cn,
        content,
        wantsAnswer: true,
        st: this.#newest?.st ?? INTERACTION_ST,
        pw: this.settings.password ?? this.#newest?.pw ?? '',
      });
    return qn;
  }

  #reply(message: Hj212Message, connection: Hj212Connection, cn: string, content: string): void {
    // The sender's own password: where none is configured, one connection never gets another's.
    this.#send(connection, { qn: message.qn, cn, content, wantsAnswer: false, st: INTERACTION_ST, pw: message.pw });
  }

  #send(
    connection: Hj212Connection,
    message: { qn: string; cn: string; content: string; wantsAnswer: boolean; st: string; pw: string },
  ): void {
    const { edition, mn } = this.settings;
    connection.send(
      encodeHj212Packet(formatHj212Message({ ...message, mn, edition: edition === 'auto' ? (this.#newest?.edition ?? '2017') : edition })),
    );
  }

  /** Unique, also for two requests in one millisecond. */
  #qn(): string {
    this.#lastQn = Math.max(this.#lastQn + 1, this.#world.clock.nowMs());
    return formatQn(this.#lastQn);
  }
}

const isRefusal = ({ cn, content }: Hj212Message): boolean => cn === '9011' && !/QnRtn=1(?!\d)/.test(content);

/** Over the whole content: the protocol's check value is too weak to tell two uploads of one second apart. */
function uploadKey({ cn, content, fragment: part }: Hj212Message): string {
  return hash('sha1', `${cn}|${part?.number ?? 0}|${content}`, 'base64');
}
