/**
 * The desk: takes commands from the centre, sees that each is carried out at most once, and answers. The gateway repeats
 * a command until it has the answer, so what cannot be said now (the link is down) is said when it asks again.
 */
import type { Draft } from '../../core/event.ts';
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import type { EdgeAuditLog } from '../../log/audit/edge-entry.ts';
import { COMMAND_SCHEMA, MAX_COMMAND_BYTES, readMessage, type Answer, type Command } from '../../core/wire/commands.ts';
import { WIRE_VERSION } from '../../core/wire/topics.ts';
import { serialQueue } from '../../core/task-queue.ts';
import { everyMs, ownClock, pause, type Timer, type World } from '../../core/world.ts';
import { knownTime } from '../identity/judge-identity.ts';
import { admitCommand } from './command-admission.ts';
import { executeCommand, type CommandTargets } from './execute-command.ts';
import { commandEvent } from './command-event.ts';
import { admissionFault, expiryFault, signedExpiryNow } from './command-validation.ts';
import { CommandHistory } from './command-history.ts';
import type { TrustedKeyReader, TrustedKeyStatus } from './trusted-key.ts';

export interface CommandHandlerParts extends CommandTargets {
  edge: string;
  centre: string;
  /** Where the record of commands is kept. */
  dir: string;
  /** By which commands of the gateway are known. */
  key: Pick<TrustedKeyReader, 'read' | 'status'>;
  /** The gateway's clock minus ours, ms; null before the first exchange of clocks. */
  clockOffsetMs(): number | null;
  publish(answer: string): void;
  /** Onto the line, so that the centre's history has it. */
  record(draft: Draft): void;
  /** Of commands that are refused. */
  audit?: EdgeAuditLog;
}

/** Commands that are carried out or wait for a bus. */
const MAX_UNDERWAY = 32;
/** Whose signature waits to be looked at; the gateway repeats what is over. */
const MAX_UNCHECKED = 256;
const CLOSE_WITHIN_MS = 2_000;
/** The gateway sends nothing that is signed by a key of which it knows that we do not trust it: a new one has to be noticed. */
const KEY_EVERY_MS = 30_000;

/** A command that was found to be the gateway's, or that came to an edge without a key. */
interface AdmittedCommand {
  command: Command;
  aheadMs: number;
  isVerified: boolean;
}

export class CommandHandler {
  readonly #parts: CommandHandlerParts;
  readonly #world: World;
  readonly #memory: CommandHistory;
  readonly #underway = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();
  readonly #inTurn = serialQueue();
  #unchecked = 0;
  #keyTimer: Timer | null = null;

  constructor(parts: CommandHandlerParts, world: World) {
    this.#parts = parts;
    this.#world = world;
    this.#memory = new CommandHistory(parts.dir, world);
  }

  async open(): Promise<void> {
    await this.#memory.open();
    await this.#readKey();
    this.#tellKey();
    this.#keyTimer = everyMs(this.#world.clock, KEY_EVERY_MS, () => { void this.#readKey(); });
  }

  get keyStatus(): TrustedKeyStatus {
    return this.#parts.key.status;
  }

  /** A payload of the command topic. */
  take(payload: Uint8Array): void {
    const read = readMessage(COMMAND_SCHEMA, payload, MAX_COMMAND_BYTES);
    if (!read.ok) {
      const fault: Fault = { code: 'CV_COMMAND_SHAPE', params: { detail: read.detail } };
      this.#tellRefused({ by: '', what: 'command', id: read.id ?? '', code: fault.code });
      this.#world.tell({ kind: 'fault', fault });
      if (read.id !== null && !this.#memory.answerTo(read.id) && !this.#underway.has(read.id))
        this.#say(this.#answer(read.id, 'refused', fault));
      return;
    }
    const command = read.message;
    const known = this.#memory.answerTo(command.id);
    if (known) return this.#say(known);
    const aheadMs = this.#parts.clockOffsetMs();
    // Without the gateway's clock expiry cannot be told: the gateway sends it again.
    if (this.#underway.has(command.id) || aheadMs === null || this.#closing.signal.aborted || this.#unchecked >= MAX_UNCHECKED) return;
    this.#unchecked += 1;
    void this.#inTurn(() => this.#admit(command, aheadMs)).finally(() => { this.#unchecked -= 1; });
  }

  /** Never rejects. */
  async #admit(command: Command, aheadMs: number): Promise<void> {
    // It may have come twice before the first was looked at.
    const known = this.#memory.answerTo(command.id);
    if (known) return this.#say(known);
    if (this.#underway.has(command.id) || this.#closing.signal.aborted) return;
    const { edge, key } = this.#parts;
    const admission = await admitCommand(command, { edge, key, history: this.#memory });
    if ('fault' in admission) return this.#refuse(command, admission.fault);
    // The edge began to end meanwhile: the gateway sends it again, to the next run.
    if (this.#closing.signal.aborted) return;
    const work = this.#deal({ command, aheadMs, ...admission }).catch((error: unknown) => {
      this.#world.tell({ kind: 'fault', device: command.device, fault: faultOf(error, 'CV_DRIVER_FAILED', { device: command.device }) });
    }).finally(() => this.#underway.delete(command.id));
    this.#underway.set(command.id, work);
  }

  /** Answered, and not remembered as what became of its id: the gateway's own may be on its way. */
  async #refuse(command: Command, fault: Fault): Promise<void> {
    // Without the device: what a stranger names is no label of a metric.
    this.#world.tell({ kind: 'fault', fault });
    this.#say(this.#answer(command.id, 'refused', fault));
    await this.#memory.recordRefusal(command, fault);
  }

  /** Takes nothing more; what waits for a bus is left to the next run, what is being carried out gets a moment. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException('the edge ends', 'AbortError'));
    this.#keyTimer?.cancel();
    await this.#inTurn(() => Promise.resolve());
    const late = new AbortController();
    await Promise.race([Promise.all(this.#underway.values()), pause(this.#world.clock, CLOSE_WITHIN_MS, late.signal)]);
    late.abort();
  }

  /** After the devices are closed: nothing is being carried out any more. */
  async end(): Promise<void> {
    await Promise.all(this.#underway.values());
    await this.#memory.close();
  }

  async #deal(admitted: AdmittedCommand): Promise<void> {
    const { command } = admitted;
    const answer = await this.#decide(admitted);
    if (!answer) return;
    await this.#memory.recordAnswer(command, answer);
    this.#say(answer);
    const { id, by, kind, device } = command;
    const what = [kind, device, ...(command.kind === 'write' ? [command.point] : [])].join(' ');
    if (answer.status === 'refused') this.#tellRefused({ id, by, what, code: answer.fault?.code ?? '' });
    if (answer.status !== 'refused' && answer.status !== 'expired')
      this.#parts.record(commandEvent(command, answer, this.#parts, this.#world.clock.nowMs(), ownClock(this.#world.clock)));
  }

  /** @returns null when the edge ends before it was begun */
  async #decide({ command, aheadMs, isVerified }: AdmittedCommand): Promise<Answer | null> {
    const { clock } = this.#world;
    const gatewayMs = () => clock.nowMs() + (this.#parts.clockOffsetMs() ?? aheadMs);
    const nowMs = () => (isVerified ? signedExpiryNow(gatewayMs(), knownTime(clock)) : gatewayMs());
    if (this.#memory.isForgotten(command, aheadMs))
      return this.#answer(command.id, 'unknown', { code: 'CV_COMMAND_FORGOTTEN', params: {} });
    const early = expiryFault(command, nowMs());
    if (early) return this.#answer(command.id, early.code === 'CV_COMMAND_EXPIRED' ? 'expired' : 'refused', early);
    const { devices, edge } = this.#parts;
    const refused = admissionFault(command, devices.find(({ setup }) => setup.id === command.device), edge)
      ?? (this.#underway.size >= MAX_UNDERWAY ? { code: 'CV_COMMAND_BUSY' as const, params: { count: MAX_UNDERWAY } } : null);
    if (refused) return this.#answer(command.id, 'refused', refused);

    const waiting = new AbortController();
    const stop = () => waiting.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener('abort', stop, { once: true });
    const expiry = clock.after(command.expiresAt - nowMs(), () => {
      waiting.abort(new FaultError('CV_COMMAND_EXPIRED', { lateMs: 0 }));
    });
    try {
      const outcome = await executeCommand(command, this.#parts, waiting.signal, async () => {
        const late = expiryFault(command, nowMs());
        if (late) throw new FaultError(late.code, late.params);
        waiting.signal.throwIfAborted();
        await this.#memory.recordStart(command);
      });
      return { ...this.#answer(command.id, outcome.status, outcome.fault), ...outcome.found };
    } catch (error) {
      const fault = faultOf(error, 'CV_DRIVER_FAILED', { device: command.device });
      if (!(error instanceof FaultError) && this.#closing.signal.aborted) return null;
      return this.#answer(
        command.id,
        fault.code === 'CV_COMMAND_EXPIRED'
          ? 'expired'
          : command.kind === 'read' && fault.code !== 'CV_COMMAND_UNRECORDED'
            ? 'failed'
            : 'refused',
        fault,
      );
    } finally {
      expiry.cancel();
      this.#closing.signal.removeEventListener('abort', stop);
    }
  }

  /** What is wrong with it is told once, and again when it changes. */
  async #readKey(): Promise<void> {
    const before = this.keyStatus;
    const fault = await this.#parts.key.read().then(() => null, (error: unknown) => faultOf(error, 'CV_COMMAND_KEY_UNREADABLE'));
    const isNew = !before || !('code' in before) || before.params.detail !== fault?.params.detail;
    if (fault && isNew) this.#world.tell({ kind: 'fault', fault });
    if (!fault && before && 'code' in before) this.#world.tell({ kind: 'fault_cleared', code: before.code });
  }

  #tellKey(): void {
    if (this.keyStatus !== null) return;
    this.#world.tell({
      kind: 'notice', level: 'info',
      en: 'commands are not verified: this edge has no key of its gateway (docs/commands.md)',
      zh: '不校验命令签名：本节点没有网关公钥（docs/commands.zh-CN.md）',
    });
  }

  #answer(id: string, status: Answer['status'], fault?: Fault): Answer {
    return {
      v: WIRE_VERSION,
      id,
      status,
      ...(fault ? { fault: { code: fault.code, params: { ...fault.params } } } : {}),
      at: this.#world.clock.nowMs(),
    };
  }

  /** Without its value: some devices take a secret as one. */
  #tellRefused({ id, by, what, code }: { id: string; by: string; what: string; code: string }): void {
    this.#parts.audit?.append({ kind: 'command', who: by, from: 'gateway', what, outcome: 'refused', details: { id, code } });
  }

  #say(answer: Answer): void {
    this.#parts.publish(JSON.stringify(answer));
  }
}
