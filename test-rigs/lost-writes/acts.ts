/**
 * What is acknowledged beside the numbers while a run is under way: writes to a device by command, bindings of devices,
 * warnings and events that were shown. In the end each of them is looked for.
 */
import type { BindingView } from '../../api/bindings.ts';
import type { CommandView } from '../../api/commands.ts';
import type { WarningView } from '../../api/warnings.ts';
import { serveSimulatedModbus } from '../../drivers/modbus/testing/server.ts';
import { CHAOS_DEVICES } from '../chaos/numbers.ts';

const OPERATOR = 'operator-token-of-the-lost-writes-rig';
const EVERY_MS = 200;
const SETTLE_MS = 60_000;
const PAGE = 1000;
/** One register of two bytes: each write has a value of its own. */
const MAX_WRITES = 60_000;
const RULES = 10;

export interface LostWriteFindings {
  commands: number;
  bindings: number;
  warnings: number;
  /** Events that a follower was given while the run went on. */
  shown: number;
  /** Each thing that was acknowledged and is not there, or is there and is not as it was told. */
  problems: string[];
}

interface Named {
  edge: string;
  stream: string;
  epoch: number;
  seq: number;
}

interface Answer {
  status: number;
  body: { items: never[]; next: string | null; id?: string };
}

export class WriteActions {
  readonly #events: number;
  #url = '';
  #port = 0;
  #close: (() => Promise<void>) | null = null;
  #isGiving = true;
  #loops: Promise<void>[] = [];
  #given = 0;
  /** Values by id of a command that was taken. */
  readonly #asked = new Map<string, number>();
  readonly #answered = new Map<string, string>();
  readonly #written: number[] = [];
  readonly #bound = new Set<string>();
  readonly #warnings = new Map<string, string>();
  readonly #problems: string[] = [];
  #warningCursor = '0-0';
  #eventCursor = '';
  readonly #shown = new Set<string>();

  constructor(events: number) {
    this.#events = events;
  }

  async open(): Promise<void> {
    const server = await serveSimulatedModbus({
      read: (_unit, _fc, _start, count) => Array<number>(count).fill(this.#written.at(-1) ?? 0),
      write: (_unit, _fc, _start, cells) => {
        this.#written.push(cells[0] as number);
        return null;
      },
    });
    this.#port = server.port;
    this.#close = () => server.close();
  }

  get gateway(): object {
    return { operators: [{ name: 'rig', token: OPERATOR }], rules: ['./rules'] };
  }

  get devices(): object[] {
    return [{
      id: 'plc', driver: 'modbus', settings: { host: '127.0.0.1', port: this.#port }, every: '1s', timeout: '500ms',
      points: [{ id: 'level', address: 'holding:0', unit: '1', indicator: 'RIG-NUM-002', write: { allow: true, range: [0, MAX_WRITES] } }],
    }];
  }

  /** Rule files: each device of the numbers passes each limit once. */
  get rules(): Record<string, string> {
    return Object.fromEntries(
      this.#limits.map((limit) => [
        `over-${limit}.yaml`,
        JSON.stringify({
          id: `over-${limit}`,
          version: 1,
          type: 'threshold',
          title: { zh: '过限', en: 'over' },
          select: { indicator: 'RIG-NUM-001' },
          levels: { 3: { when: `>= ${limit}` } },
        }),
      ]),
    );
  }

  get #limits(): number[] {
    return Array.from({ length: RULES }, (_, at) => Math.floor((this.#events * 0.9 * (at + 0.5)) / RULES));
  }

  start(url: string): void {
    this.#url = url;
    this.#loops = [this.#give(), this.#bind(), this.#follow()].map((loop) =>
      loop.catch((error: unknown) => {
        this.#problems.push(String(error));
      }),
    );
  }

  async #give(): Promise<void> {
    for (; this.#isGiving && this.#given < MAX_WRITES; await rest()) {
      const value = (this.#given += 1);
      const taken = await this.#call('/commands', {
        kind: 'write',
        device: 'plc',
        point: 'level',
        value,
        reason: 'rig',
        expiresInMs: 600_000,
      });
      if (taken?.status === 202) this.#asked.set(String(taken.body.id), value);
    }
  }

  async #bind(): Promise<void> {
    for (let number = 1; this.#isGiving; number += 1, await rest()) {
      const done = await this.#call('/bindings', { edge: 'chaos-edge', device: `box-${number}`, reason: 'rig' });
      if (done?.status === 200) this.#bound.add(`box-${number}`);
    }
  }

  /** What is shown was on disk: a cursor that was given out is never ahead of what is there. */
  async #follow(): Promise<void> {
    for (; this.#isGiving; await rest()) {
      const changes = await this.#page<WarningView>(`/warnings?limit=${PAGE}&after=${this.#warningCursor}`);
      for (const warning of changes?.items ?? []) this.#warnings.set(String(warning.cursor), told(warning));
      this.#warningCursor = changes?.next ?? this.#warningCursor;
      const events = await this.#page<Named>(`/events?limit=${PAGE}${this.#eventCursor && `&after=${this.#eventCursor}`}`);
      for (const event of events?.items ?? []) this.#shown.add(nameOf(event));
      this.#eventCursor = events?.next ?? this.#eventCursor;
      const commands = await this.#page<CommandView>('/commands?limit=100');
      for (const { id, status } of commands?.items ?? []) if (status !== 'pending') this.#answered.set(id, status);
    }
  }

  /** No more is given, and what was given is answered. */
  async settle(): Promise<void> {
    this.#isGiving = false;
    await Promise.all(this.#loops);
    for (const untilMs = Date.now() + SETTLE_MS; ; await rest()) {
      const commands = await this.#commands();
      if (commands.length > 0 && commands.every(({ status }) => status !== 'pending')) return;
      if (Date.now() > untilMs) throw new Error('commands are still without an answer');
    }
  }

  async verify(): Promise<LostWriteFindings> {
    const problems = this.#problems;
    const commands = new Map((await this.#commands()).map((view) => [view.id, view]));
    for (const [id, value] of this.#asked) {
      const view = commands.get(id);
      const times = this.#written.filter((written) => written === value).length;
      if (!view) problems.push(`command ${id} was taken and is gone`);
      else if (view.status === 'done' ? times !== 1 : view.status === 'unknown' ? times > 1 : times > 0)
        problems.push(`command ${id} is ${view.status} and was written ${times} times`);
      const told = this.#answered.get(id);
      if (told !== undefined && told !== 'unknown' && view?.status !== told)
        problems.push(`command ${id} was ${told} and is ${view?.status}`);
    }
    const bound = new Set((await this.#all<BindingView>('/bindings?limit=1000')).map(({ device }) => device));
    for (const device of this.#bound) if (!bound.has(device)) problems.push(`binding of ${device} is gone`);
    const warnings = (await this.#all<WarningView>(`/warnings?limit=${PAGE}`)).map(({ rule, device }) => `${rule} ${device}`);
    for (const limit of this.#limits) {
      for (let device = 0; device < CHAOS_DEVICES; device += 1) {
        const times = warnings.filter((name) => name === `over-${limit} numbers-${device}`).length;
        if (times !== 1) problems.push(`${times} warnings of over-${limit} for numbers-${device}`);
      }
    }
    const changes = new Map<string, string>();
    for (let after: string | null = '0-0'; after !== null;) {
      const page: { items: WarningView[]; next: string | null } | null = await this.#page<WarningView>(
        `/warnings?limit=${PAGE}&after=${after}`,
      );
      for (const warning of page?.items ?? []) changes.set(String(warning.cursor), told(warning));
      after = page && page.items.length > 0 ? page.next : null;
    }
    for (const [cursor, change] of this.#warnings)
      if (changes.get(cursor) !== change) problems.push(`change ${cursor} of a warning was ${change} and is ${changes.get(cursor)}`);
    const events = new Set<string>();
    for (let after = ''; ;) {
      const page: { items: Named[]; next: string | null } | null = await this.#page<Named>(
        `/events?limit=5000${after && `&after=${after}`}`,
      );
      for (const event of page?.items ?? []) events.add(nameOf(event));
      if (!page || page.items.length === 0 || page.next === null) break;
      after = page.next;
    }
    const gone = [...this.#shown].filter((name) => !events.has(name));
    if (gone.length > 0) problems.push(`${gone.length} events were shown and are gone, first ${gone[0]}`);
    return { commands: this.#asked.size, bindings: this.#bound.size, warnings: warnings.length, shown: this.#shown.size, problems };
  }

  close(): Promise<void> | undefined {
    this.#isGiving = false;
    return this.#close?.();
  }

  #commands(): Promise<CommandView[]> {
    return this.#all('/commands?limit=500');
  }

  async #all<T>(path: string): Promise<T[]> {
    const found: T[] = [];
    for (let after: string | null = ''; after !== null;) {
      const page: { items: T[]; next: string | null } | null = await this.#page<T>(
        `${path}${after && `&after=${encodeURIComponent(after)}`}`,
      );
      found.push(...(page?.items ?? []));
      after = page?.next ?? null;
    }
    return found;
  }

  /** null: the gateway is away just now. */
  async #page<T>(path: string): Promise<{ items: T[]; next: string | null } | null> {
    const answer = await this.#call(path);
    if (answer && answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer ? answer.body as unknown as { items: T[]; next: string | null } : null;
  }

  async #call(path: string, body?: object): Promise<Answer | null> {
    try {
      const response = await fetch(`${this.#url}/api/v1${path}`, {
        headers: { authorization: `Bearer ${OPERATOR}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    } catch {
      // Killed, or not there yet.
      return null;
    }
  }
}

const rest = () => new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
const told = ({ id, state, condition, level }: WarningView): string => `${id} ${state} ${condition} ${level}`;
const nameOf = ({ edge, stream, epoch, seq }: Named): string => `${edge} ${stream} ${epoch} ${seq}`;
