/** One device behind a broker: turns its messages into frames, with the state of earlier ones, and tracks which are stored. */
import type { FaultError } from '../../core/faults.ts';
import type { Clock, World } from '../../core/world.ts';
import { parsePayload, isReadable } from './parsed-payload.ts';
import type { MqttMessage } from './broker-client.ts';
import './faults.ts';
import { deviceFilters } from './filters.ts';
import { decodeSettingsOf, type MqttInFrame, type MqttDecodeSettings } from './frame.ts';
import type { ConfiguredMqttPoint, MqttInSettings } from './settings.ts';
import { rebirthCommand } from './sparkplug/payload.ts';
import { SparkplugSession, parseSparkplugTopic, type MessageContext } from './sparkplug/session.ts';
import { UplinkHistory } from './uplink-history.ts';

const MAX_REMEMBERED = 64;

/** Kept when a link is reopened, to detect uplinks lost meanwhile. */
const uplinks = new WeakMap<Clock, Map<string, UplinkHistory>>();

export type RequestRebirth = (topic: string, command: Uint8Array) => void;

export class MqttDevice {
  readonly settings: MqttInSettings;
  readonly filters: readonly string[];
  readonly #world: World;
  readonly #decodeSettings: MqttDecodeSettings;
  readonly #requestRebirth: RequestRebirth;
  readonly #session: SparkplugSession | null;
  readonly #uplinks: UplinkHistory | null;
  readonly #events = new Set<string>();
  readonly #waiting: MqttInFrame[] = [];
  readonly #unstored = new Map<MqttInFrame, MqttMessage>();
  #changed: () => void = () => {};
  error: FaultError | null = null;
  isClosed = false;

  constructor(settings: MqttInSettings, points: readonly ConfiguredMqttPoint[], world: World, requestRebirth: RequestRebirth) {
    this.settings = settings;
    this.filters = deviceFilters(settings);
    this.#world = world;
    this.#decodeSettings = decodeSettingsOf(points, settings);
    this.#requestRebirth = requestRebirth;
    this.#session = settings.profile === 'sparkplug' ? new SparkplugSession(settings.device) : null;
    this.#uplinks = settings.profile === 'chirpstack' ? uplinkHistoryOf(settings, world) : null;
  }

  /** A node sends its births only on connect, or on request. */
  requestInitialBirth(): void {
    if (this.#session) this.#requestBirth();
  }

  receive(message: MqttMessage): void {
    if (this.isClosed) return message.settle(false);
    const { topic, payload, retain, observedAt } = message;
    const frame: MqttInFrame = { topic, payload, retain, observedAt, profile: this.settings.profile, decodeSettings: this.#decodeSettings };
    if (isReadable(frame) && !this.#addContext(frame)) return message.settle(true);
    this.#unstored.set(frame, message);
    this.#waiting.push(frame);
    this.#changed();
  }

  /** Sets the callback for a new frame and for the end of the device. */
  onChange(run: () => void): void {
    this.#changed = run;
  }

  /** The next waiting frame. */
  nextFrame(): MqttInFrame | undefined {
    return this.#waiting.shift();
  }

  confirmStored(frame: MqttInFrame): void {
    const message = this.#unstored.get(frame);
    this.#unstored.delete(frame);
    message?.settle(true);
  }

  connectionLost(error: FaultError): void {
    this.error = error;
    this.#changed();
  }

  /** Messages that are not stored stay unacknowledged. */
  close(): void {
    this.isClosed = true;
    for (const message of this.#unstored.values()) message.settle(false);
    this.#unstored.clear();
    this.#waiting.length = 0;
    this.#changed();
  }

  /** Adds the state of earlier messages to the frame. @returns false for a repetition */
  #addContext(frame: MqttInFrame): boolean {
    if (this.#session) {
      const { rebirthReason: wantsBirth, ...context } = this.#session.update(frame.topic, frame.payload);
      Object.assign(frame, context);
      if (wantsBirth) this.#handleGap(wantsBirth);
      return true;
    }
    const body = parsePayload(frame);
    if (body.is !== 'json') return true;
    if (this.#uplinks) {
      const context = this.#uplinks.record(frame.topic, body.json as Record<string, unknown>, frame.observedAt);
      if (context) Object.assign(frame, context);
      return context !== null;
    }
    return this.settings.profile !== 'dji' || !frame.topic.endsWith('/events') || this.#isNew(body.json as Record<string, unknown>);
  }

  /** Unanswered events of a drone are resent. */
  #isNew({ bid, tid, method }: Record<string, unknown>): boolean {
    if (typeof bid !== 'string' || typeof tid !== 'string') return true;
    const key = `${bid.slice(0, 64)} ${tid.slice(0, 64)} ${String(method).slice(0, 64)}`;
    if (this.#events.has(key)) return false;
    this.#events.add(key);
    if (this.#events.size > MAX_REMEMBERED) this.#events.delete(this.#events.values().next().value as string);
    return true;
  }

  #handleGap(why: NonNullable<MessageContext['rebirthReason']>): void {
    if (why === 'gap')
      this.#world.tell({
        kind: 'fault',
        fault: { code: 'CV_MQTT_IN_GAP', params: { device: `${this.settings.group}/${this.settings.node}` } },
      });
    this.#requestBirth();
  }

  #requestBirth(): void {
    const { group, node, rebirth } = this.settings;
    if (rebirth) this.#requestRebirth(`spBv1.0/${group}/NCMD/${node}`, rebirthCommand(this.#world.clock.nowMs()));
  }
}

/** Whether decode may give no values, so that storing is never confirmed. */
export function mayHaveNoValues(frame: MqttInFrame): boolean {
  const type = frame.profile === 'sparkplug' ? parseSparkplugTopic(frame.topic)?.type : undefined;
  return (
    !isReadable(frame) || type === 'NDEATH' || type === 'DDEATH' || type === 'NDATA' || type === 'DDATA' || frame.topic.startsWith('sys/')
  );
}

function uplinkHistoryOf({ url, devEui, application }: MqttInSettings, { clock }: World): UplinkHistory {
  const byKey = uplinks.get(clock) ?? new Map<string, UplinkHistory>();
  uplinks.set(clock, byKey);
  const key = `${url} ${application} ${devEui?.toLowerCase()}`;
  const history = byKey.get(key) ?? new UplinkHistory();
  byKey.set(key, history);
  return history;
}
