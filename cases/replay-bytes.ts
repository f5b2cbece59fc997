/** Replays the bytes of a case through the links of its devices: one link per connection opened from our side. */
import type { Driver, Link, Request } from '../core/driver.ts';
import { FaultError, faultOf, type Fault } from '../core/faults.ts';
import type { BytesRecording } from '../core/recording.ts';
import type { VirtualClock } from '../core/virtual-clock.ts';
import { pause, realFiles, seededRandom, type World } from '../core/world.ts';
import type { Case } from './case.ts';
import { RecordedDevice } from './recorded-device.ts';
import { recordedExchanges } from './recorded-exchanges.ts';
import { similarAnswers } from './similar-answer.ts';
import { replayNet, type ReplayNet } from './replay-net.ts';
import type { ByteDelivery, ReplayResult, ReplayDevice, ReplaySummary, ReplayOptions } from './replay-result.ts';
import { deviceScript, type RecordedQuestion, type DeviceScript } from './device-script.ts';
import type { RecordedMessage, RecordingContext } from './byte-streams.ts';
import './faults.ts';

/** After the last recorded byte, time for a link to detect silence. */
const QUIET_MS = 2000;
/** A link has this long to open and to close, as in the host. */
const OPEN_MS = 10_000;
const CLOSE_MS = 400;
/** Turns without a due timer after which replay ended. */
const MAX_IDLE_TURNS = 100_000;
/** After its signal aborted, an exchange has this long to end by itself, as in the host. */
const GRACE_MS = 500;

/** Devices that share a link, as the host would have it. */
interface LinkGroup {
  devices: readonly [ReplayDevice, ...ReplayDevice[]];
  context: RecordingContext;
}

/** A replayed link and its recorded connections. */
interface LinkRun {
  group: LinkGroup;
  ends: RecordedDevice[];
  link: Link<unknown> | null;
  questions: RecordedQuestion[];
  /** The running exchange. */
  asking: AbortController | null;
  /** The next question must be this one, else the exchange differs from the recorded one. */
  mustAsk: RecordedQuestion | null;
}

interface QuestionTimeout {
  question: RecordedQuestion;
  giveUpMs: number;
}

export class ByteReplay {
  readonly #recorded: Case;
  readonly #options: ReplayOptions;
  readonly #clock: VirtualClock;
  readonly #give: (played: ReplayResult) => void;
  readonly #groups: LinkGroup[];
  readonly #script: DeviceScript;
  readonly #isAsked = new Set<RecordedQuestion>();
  readonly #ending = new AbortController();

  constructor(
    recorded: Case,
    devices: readonly ReplayDevice[],
    options: ReplayOptions,
    clock: VirtualClock,
    give: (played: ReplayResult) => void,
  ) {
    this.#recorded = recorded;
    this.#options = options;
    this.#clock = clock;
    this.#give = give;
    this.#groups = groupsOf(devices);
    this.#script = applyDelivery(
      deviceScript(recorded.traffic, (line) => this.#groupOf(line.device).context),
      options.delivery ?? 'recorded',
    );
  }

  async run(): Promise<ReplaySummary> {
    const runs = this.#runs();
    const lastMs = this.#atMs(this.#recorded.traffic.at(-1)?.afterUs ?? 0);
    let isOver = false;
    let idle = 0;
    const playing = Promise.all([...runs.map((run) => this.#play(run)), this.#reportLost()]).finally(() => { isOver = true; });
    playing.catch(() => {}); // awaited below
    while (!isOver && !this.#options.signal?.aborted && idle < MAX_IDLE_TURNS) {
      const dueMs = this.#clock.nextDueMs();
      idle = dueMs === null ? idle + 1 : 0;
      if (dueMs !== null && dueMs <= lastMs) await this.#options.pace?.(dueMs);
      await this.#clock.advanceMs(dueMs === null ? 0 : Math.max(0, dueMs - this.#clock.nowMs()));
    }
    this.#ending.abort(new DOMException('replay ended', 'AbortError'));
    await this.#clock.advanceMs(GRACE_MS);
    if (isOver) await playing;
    return { unaskedCount: this.#script.questions.filter((question) => !this.#isAsked.has(question)).length, endedAt: this.#clock.nowMs() };
  }

  #groupOf(device: string | undefined): LinkGroup {
    return this.#groups.find(({ devices }) => devices.some(({ id }) => id === device)) ?? (this.#groups[0] as LinkGroup);
  }

  /** Connections that a device dialled belong to the one link that listens; each other one to a link of its own. */
  #runs(): LinkRun[] {
    const { connections, questions, unsolicited } = this.#script;
    const runs: LinkRun[] = [];
    for (const group of this.#groups) {
      const own = connections.filter(({ device }) => this.#groupOf(device) === group);
      const open = this.#openQuestions(own.map(({ conn }) => conn));
      const endOf = (connection: (typeof own)[number], run: LinkRun) =>
        new RecordedDevice(
          {
            connection,
            context: group.context,
            takeQuestion: (key) => this.#take(run, key, open.get(key)),
            // Of a polled device the recorded questions are asked again, whoever asked them then.
            similarAnswer:
              this.#recorded.asker === 'other' && !group.devices[0].driver.traits.includes('polled')
                ? similarAnswers(
                    questions.filter(({ message }) => message.conn === connection.conn),
                    group.context,
                  )
                : undefined,
            unsolicited: unsolicited.filter(({ conn }) => conn === connection.conn),
            atMs: (afterUs) => this.#atMs(afterUs),
            split: this.#options.delivery === 'bytes' ? eachByte : (bytes) => [bytes],
            onUnknownQuestion: (bytes) => this.#stray(run, bytes),
          },
          this.#clock,
        );
      const dialled = own.filter(({ by }) => by === 'edge').map((connection) => [connection]);
      const accepted = own.filter(({ by }) => by === 'device');
      const listens = accepted.length > 0 || own.length === 0 ? [accepted] : [];
      for (const part of [...dialled, ...listens]) {
        const run: LinkRun = {
          group,
          ends: [],
          link: null,
          asking: null,
          mustAsk: null,
          questions: questions.filter(({ message }) => part.some(({ conn }) => conn === message.conn)),
        };
        run.ends = part.map((connection) => endOf(connection, run));
        runs.push(run);
      }
    }
    return runs;
  }

  #openQuestions(conns: readonly number[]): Map<string, RecordedQuestion[]> {
    const open = new Map<string, RecordedQuestion[]>();
    for (const question of this.#script.questions) {
      if (!conns.includes(question.message.conn)) continue;
      const same = open.get(question.key);
      if (same) same.push(question);
      else open.set(question.key, [question]);
    }
    return open;
  }

  #take(run: LinkRun, key: string, same: RecordedQuestion[] | undefined): RecordedQuestion | undefined {
    const { mustAsk } = run;
    run.mustAsk = null;
    if (mustAsk && mustAsk.key !== key) return undefined;
    const question = same?.shift();
    if (question) this.#isAsked.add(question);
    return question;
  }

  async #play(run: LinkRun): Promise<void> {
    const { group: { devices: [first, ...others] }, ends } = run;
    const opensUs = Math.min(...ends.map(({ connection }) => (connection.by === 'edge' ? connection.openUs : 0)), Infinity);
    await this.#until(this.#atMs(opensUs === Infinity ? 0 : opensUs));
    const net = replayNet(ends, this.#clock, (afterUs) => this.#atMs(afterUs));
    const world: World = { clock: this.#clock, random: seededRandom(1), files: realFiles, net, tell: () => {} };
    const points = [first, ...others].flatMap((device) => device.points);
    const opening = new AbortController();
    const tooLate = this.#clock.after(OPEN_MS, () =>
      opening.abort(new FaultError('CV_LINK_TIMEOUT', { address: first.id, timeoutMs: OPEN_MS })),
    );
    try {
      run.link = await first.driver.open(first.settings, points, world, AbortSignal.any([opening.signal, this.#ending.signal]));
      tooLate.cancel();
    } catch (error) {
      tooLate.cancel();
      if (!this.#ending.signal.aborted) this.#faulty(run, faultOf(error, 'CV_DRIVER_FAILED', { device: first.id }));
      net.end();
      return;
    }
    await Promise.all([this.#converse(run, net), this.#listen(run)]);
  }

  /** Asks the recorded questions, waits for all unsolicited messages, and closes the link at its recorded time. */
  async #converse(run: LinkRun, net: ReplayNet): Promise<void> {
    for (const [index, question] of run.questions.entries()) {
      await this.#until(this.#atMs(question.afterUs));
      if (this.#ending.signal.aborted) break;
      if (!this.#isOpen(question)) continue;
      const wanted = this.#requestOf(run.group, question);
      const said = this.#recorded.asker === 'other' ? recordedExchanges(run.group, question, (afterUs) => this.#atMs(afterUs)) : [];
      if (said.length > 0 && (!wanted || said.some(({ decoded }) => !decoded.ok))) {
        this.#isAsked.add(question);
        said.forEach(this.#give);
      } else if (wanted)
        await this.#exchange(run, wanted.device, wanted.request, wanted.joint, {
          question,
          giveUpMs: this.#giveUpMs(question, run.questions[index + 1], wanted.device),
        });
    }
    const lastUs = Math.max(0, ...run.ends.map(({ connection }) => connection.close?.afterUs ?? connection.lastUs));
    await this.#until(this.#atMs(lastUs));
    while (!this.#ending.signal.aborted && run.ends.some((end) => end.isConnected && !end.isDone))
      await pause(this.#clock, 1, this.#ending.signal);
    const isLeft = run.ends.every(({ connection }) => connection.close?.by === 'edge');
    if (!isLeft || run.ends.length === 0) await pause(this.#clock, QUIET_MS, this.#ending.signal);
    await Promise.race([run.link?.close(), pause(this.#clock, CLOSE_MS)]);
    net.end();
  }

  async #listen(run: LinkRun): Promise<void> {
    const { link, group: { devices: [device] } } = run;
    if (device.driver.traits.includes('polled')) return;
    try {
      await link?.listen?.((frame) => {
        const decoded = device.driver.decode(frame);
        this.#give({ device, atMs: this.#clock.nowMs(), frame, decoded });
        queueMicrotask(() => link.confirmStored?.(frame));
      }, this.#ending.signal);
    } catch (error) {
      if (!this.#ending.signal.aborted) this.#faulty(run, faultOf(error, 'CV_DRIVER_FAILED', { device: device.id }));
    }
  }

  /** The request behind a recorded question, and of the host's own the one that reads its points (`joint`). */
  #requestOf(
    { devices, context: { recording } }: LinkGroup,
    { message }: RecordedQuestion,
  ): { device: ReplayDevice; request: Request; joint: Request | null } | null {
    for (const device of devices) {
      const request = recording.requestOf?.(message.bytes, device.points as never, device.settings) as Request | null | undefined;
      if (!request) continue;
      return { device, request, joint: this.#jointOf(device, request) };
    }
    return null;
  }

  /** By device: its points, each with the request by which a host reads it. */
  readonly #hosts = new Map<ReplayDevice, Map<string, Request>>();
  /** Host requests that differed from this question on the wire. */
  readonly #differing = new Map<Request, Set<string>>();

  #jointOf(device: ReplayDevice, { points }: Request): Request | null {
    let hosts = this.#hosts.get(device);
    if (!hosts)
      this.#hosts.set(
        device,
        (hosts = new Map(
          (device.driver.requests?.(device.points, device.settings) ?? []).flatMap((one) =>
            one.points.map((point) => [point, one] as const),
          ),
        )),
      );
    const joint = hosts.get(points[0] ?? '');
    return joint && points.every((point) => hosts.get(point) === joint) ? joint : null;
  }

  async #exchange(
    run: LinkRun,
    device: ReplayDevice,
    request: Request,
    joint: Request | null,
    { question, giveUpMs }: QuestionTimeout,
  ): Promise<void> {
    const startedMs = this.#clock.nowMs();
    const isDiffering = !joint || this.#differing.get(joint)?.has(question.key);
    run.mustAsk = isDiffering ? null : question;
    const answer = isDiffering ? null : await this.#ask(run, device, joint, giveUpMs);
    run.mustAsk = null;
    // The host's own request went out otherwise than then: the question is asked as it stands.
    const isOther = !answer || ('fault' in answer && answer.fault.code === 'CV_CASE_STRAY' && this.#isOpen(question));
    if (joint && answer && isOther) this.#differing.set(joint, (this.#differing.get(joint) ?? new Set()).add(question.key));
    const made = isOther ? request : joint as Request;
    const got = isOther ? await this.#ask(run, device, request, giveUpMs) : answer;
    if (this.#ending.signal.aborted) return;
    if ('fault' in got) return this.#give({ device, atMs: this.#clock.nowMs(), request: made, decoded: { ok: false, fault: got.fault } });
    const recordedMs = Math.max(...run.ends.map(({ deliveredMs }) => deliveredMs));
    // An answer that had to wait for its question still has the time at which it was recorded.
    const atMs = recordedMs < startedMs && recordedMs > 0 ? recordedMs : this.#clock.nowMs();
    this.#give({ device, atMs, frame: got.frame, request: made, decoded: device.driver.decode(got.frame, made) });
  }

  /** The recorded program may have had a shorter timeout: it ended at its next question. */
  #giveUpMs({ answers, afterUs }: RecordedQuestion, next: RecordedQuestion | undefined, { timeoutMs }: ReplayDevice): number {
    return answers.length > 0 || !next ? timeoutMs : Math.min(timeoutMs, Math.max(1, this.#atMs(next.afterUs) - this.#atMs(afterUs)));
  }

  async #ask(run: LinkRun, device: ReplayDevice, request: Request, giveUpMs: number): Promise<{ frame: unknown } | { fault: Fault }> {
    const asking = run.asking = new AbortController();
    const timeout = () => asking.abort(new FaultError('CV_LINK_TIMEOUT', { address: device.id, timeoutMs: device.timeoutMs }));
    const timer = this.#clock.after(giveUpMs, timeout);
    const end = () => asking.abort(this.#ending.signal.reason);
    this.#ending.signal.addEventListener('abort', end, { once: true });
    const leftBehind = new Promise<never>((_, reject) => {
      asking.signal.addEventListener(
        'abort',
        () => {
          this.#clock.after(GRACE_MS, () =>
            reject(new FaultError('CV_DRIVER_FAILED', { device: device.id, detail: 'an exchange continued after it was aborted' })),
          );
        },
        { once: true },
      );
    });
    leftBehind.catch(() => {}); // whoever is faster
    try {
      return { frame: await Promise.race([run.link?.exchange?.(request, asking.signal), leftBehind]) };
    } catch (error) {
      return { fault: faultOf(asking.signal.aborted ? asking.signal.reason : error, 'CV_DRIVER_FAILED', { device: device.id }) };
    } finally {
      timer.cancel();
      this.#ending.signal.removeEventListener('abort', end);
      run.asking = null;
    }
  }

  #stray(run: LinkRun, bytes: Uint8Array): void {
    const stray = new FaultError('CV_CASE_STRAY', { bytes: Buffer.from(bytes.subarray(0, 64)).toString('hex') });
    if (run.asking) run.asking.abort(stray);
    else this.#faulty(run, stray.fault);
  }

  #faulty({ group: { devices: [device] } }: LinkRun, fault: Fault): void {
    this.#give({ device, atMs: this.#clock.nowMs(), decoded: { ok: false, fault, points: [] } });
  }

  async #reportLost(): Promise<void> {
    for (const { afterUs, conn, direction, count } of this.#script.lost) {
      await this.#until(this.#atMs(afterUs));
      const device = this.#groupOf(this.#script.connections.find((one) => one.conn === conn)?.device).devices[0];
      this.#give({
        device,
        atMs: this.#atMs(afterUs),
        decoded: { ok: false, fault: { code: 'CV_CASE_BYTES', params: { count, direction } }, points: [] },
      });
    }
  }

  /** Whether the driver has yet to ask it. */
  #isOpen(question: RecordedQuestion): boolean {
    return !this.#isAsked.has(question);
  }

  #atMs(afterUs: number): number {
    return this.#recorded.startsAt + Math.floor(afterUs / 1000);
  }

  async #until(atMs: number): Promise<void> {
    const waitMs = atMs - this.#clock.nowMs();
    if (waitMs > 0) await pause(this.#clock, waitMs, this.#ending.signal);
  }
}

const eachByte = (bytes: Uint8Array): Uint8Array[] => Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));

/** Polled devices with the same key share a link, as in the host. */
function groupsOf(devices: readonly ReplayDevice[]): LinkGroup[] {
  const groups = new Map<string, [ReplayDevice, ...ReplayDevice[]]>();
  for (const device of devices) {
    const { driver, settings, id } = device;
    const key = driver.traits.includes('polled') && driver.bus ? `bus ${driver.id} ${driver.bus(settings)}` : `device ${id}`;
    const group = groups.get(key);
    if (group) group.push(device);
    else groups.set(key, [device]);
  }
  return [...groups.values()].map((members) => ({
    devices: members,
    context: { recording: bytesRecordingOf(members[0].driver), settings: members[0].settings },
  }));
}

/** @throws CV_RECORDING_NOT_OFFERED */
export function bytesRecordingOf(driver: Driver): BytesRecording<unknown, never, unknown> {
  if (driver.recording?.level === 'bytes') return driver.recording as BytesRecording<unknown, never, unknown>;
  throw new FaultError('CV_RECORDING_NOT_OFFERED', { driver: driver.id, what: 'be recorded by bytes', whatZh: '按字节录制' });
}

/** Two messages that follow each other on a connection become one piece, at the time of the second. */
function applyDelivery(script: DeviceScript, delivery: ByteDelivery): DeviceScript {
  if (delivery !== 'pairs') return script;
  return {
    ...script,
    unsolicited: script.connections.flatMap(({ conn }) => joinPairs(script.unsolicited.filter((message) => message.conn === conn))),
    questions: script.questions,
  };
}

function joinPairs(messages: readonly RecordedMessage[]): RecordedMessage[] {
  const pairs: RecordedMessage[] = [];
  for (let offset = 0; offset < messages.length; offset += 2) {
    const [a, b] = [messages[offset] as RecordedMessage, messages[offset + 1]];
    const bytes = b ? Buffer.concat([a.bytes, b.bytes]) : a.bytes;
    pairs.push({ ...a, bytes, parts: [{ afterUs: (b ?? a).parts.at(-1)?.afterUs ?? 0, end: bytes.length }] });
  }
  return pairs;
}
