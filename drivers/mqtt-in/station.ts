/** One device behind a broker: its messages as frames, what of earlier ones matters, and which are not on disk yet. */
import type { FaultError } from '../../core/faults.ts';
import type { Clock, World } from '../../core/world.ts';
import { bodyOf, isReadable } from './body.ts';
import type { Message } from './client.ts';
import './faults.ts';
import { filtersOf } from './filters.ts';
import { planOf, type MqttInFrame, type Plan } from './frame.ts';
import type { MqttInPointOf, MqttInSettings } from './settings.ts';
import { rebirthCommand } from './sparkplug/payload.ts';
import { SparkplugSession, topicOf, type Standing } from './sparkplug/session.ts';
import { UplinkMemory } from './uplinks.ts';

const MOST_REMEMBERED = 64;

/** What is remembered of a sensor when its link is opened anew: uplinks that came meanwhile went to nobody. */
const uplinks = new WeakMap<Clock, Map<string, UplinkMemory>>();

export type AskForBirth = (topic: string, command: Uint8Array) => void;

export class Station {
  readonly settings: MqttInSettings;
  readonly filters: readonly string[];
  readonly #world: World;
  readonly #plan: Plan;
  readonly #askForBirth: AskForBirth;
  readonly #session: SparkplugSession | null;
  readonly #uplinks: UplinkMemory | null;
  readonly #events = new Set<string>();
  readonly #waiting: MqttInFrame[] = [];
  readonly #unkept = new Map<MqttInFrame, Message>();
  #changed: () => void = () => {};
  error: FaultError | null = null;
  isClosed = false;

  constructor(settings: MqttInSettings, points: readonly MqttInPointOf[], world: World, askForBirth: AskForBirth) {
    this.settings = settings;
    this.filters = filtersOf(settings);
    this.#world = world;
    this.#plan = planOf(points, settings);
    this.#askForBirth = askForBirth;
    this.#session = settings.profile === 'sparkplug' ? new SparkplugSession(settings.device) : null;
    this.#uplinks = settings.profile === 'chirpstack' ? memoryOf(settings, world) : null;
  }

  /** A node says its births only when it comes, or when it is asked. */
  began(): void {
    if (this.#session) this.#wantBirth();
  }

  heard(message: Message): void {
    if (this.isClosed) return message.settle(false);
    const { topic, payload, retain, observedAt } = message;
    const frame: MqttInFrame = { topic, payload, retain, observedAt, profile: this.settings.profile, plan: this.#plan };
    if (isReadable(frame) && !this.#understood(frame)) return message.settle(true);
    this.#unkept.set(frame, message);
    this.#waiting.push(frame);
    this.#changed();
  }

  /** Called whenever a frame waits, or the station is over. */
  onChange(run: () => void): void {
    this.#changed = run;
  }

  /** The next frame that waits. */
  next(): MqttInFrame | undefined {
    return this.#waiting.shift();
  }

  taken(frame: MqttInFrame): void {
    const message = this.#unkept.get(frame);
    this.#unkept.delete(frame);
    message?.settle(true);
  }

  end(error: FaultError): void {
    this.error = error;
    this.#changed();
  }

  /** What is not on disk stays unacknowledged. */
  close(): void {
    this.isClosed = true;
    for (const message of this.#unkept.values()) message.settle(false);
    this.#unkept.clear();
    this.#waiting.length = 0;
    this.#changed();
  }

  /** Puts what must be known of earlier messages into the frame. @returns false for what has been said before */
  #understood(frame: MqttInFrame): boolean {
    if (this.#session) {
      const { wantsBirth, ...standing } = this.#session.take(frame.topic, frame.payload);
      Object.assign(frame, standing);
      if (wantsBirth) this.#incomplete(wantsBirth);
      return true;
    }
    const body = bodyOf(frame);
    if (body.is !== 'json') return true;
    if (this.#uplinks) {
      const standing = this.#uplinks.take(frame.topic, body.json as Record<string, unknown>, frame.observedAt);
      if (standing) Object.assign(frame, standing);
      return standing !== null;
    }
    return this.settings.profile !== 'dji' || !frame.topic.endsWith('/events') || this.#isNew(body.json as Record<string, unknown>);
  }

  /** Events of a drone that nobody answers are sent again. */
  #isNew({ bid, tid, method }: Record<string, unknown>): boolean {
    if (typeof bid !== 'string' || typeof tid !== 'string') return true;
    const key = `${bid.slice(0, 64)} ${tid.slice(0, 64)} ${String(method).slice(0, 64)}`;
    if (this.#events.has(key)) return false;
    this.#events.add(key);
    if (this.#events.size > MOST_REMEMBERED) this.#events.delete(this.#events.values().next().value as string);
    return true;
  }

  #incomplete(why: NonNullable<Standing['wantsBirth']>): void {
    if (why === 'gap') this.#world.tell({ kind: 'fault', fault: { code: 'CV_MQTT_IN_GAP', params: { device: `${this.settings.group}/${this.settings.node}` } } });
    this.#wantBirth();
  }

  #wantBirth(): void {
    const { group, node, rebirth } = this.settings;
    if (rebirth) this.#askForBirth(`spBv1.0/${group}/NCMD/${node}`, rebirthCommand(this.#world.clock.nowMs()));
  }
}

/** Whether decode may find nothing to keep in it, so that nobody will say that it is kept. */
export function isDoubtful(frame: MqttInFrame): boolean {
  const type = frame.profile === 'sparkplug' ? topicOf(frame.topic)?.type : undefined;
  return !isReadable(frame) || type === 'NDEATH' || type === 'DDEATH' || type === 'NDATA' || type === 'DDATA' || frame.topic.startsWith('sys/');
}

function memoryOf({ url, devEui, application }: MqttInSettings, { clock }: World): UplinkMemory {
  const byKey = uplinks.get(clock) ?? new Map<string, UplinkMemory>();
  uplinks.set(clock, byKey);
  const key = `${url} ${application} ${devEui?.toLowerCase()}`;
  const memory = byKey.get(key) ?? new UplinkMemory();
  byKey.set(key, memory);
  return memory;
}
