/** The way to one device: its topics on a broker whose connection it shares. I/O only. */
import { receiveFrames } from '../listening/inbound-frames.ts';
import type { Link, Take } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { brokerOf } from './broker.ts';
import { decode } from './decode.ts';
import './faults.ts';
import type { MqttInFrame } from './frame.ts';
import type { MqttInPointOf, MqttInSettings } from './settings.ts';
import { isDoubtful, Station } from './station.ts';

export interface MqttInLink extends Link<MqttInFrame> {
  listen(take: Take<MqttInFrame>, signal: AbortSignal): Promise<void>;
  taken(frame: MqttInFrame): void;
}

/** @returns rejects with what `brokerOf` rejects with, or CV_MQTT_IN_SUBSCRIBE */
export async function open(settings: MqttInSettings, points: readonly MqttInPointOf[], world: World, signal: AbortSignal = new AbortController().signal): Promise<MqttInLink> {
  const { broker, leave } = await brokerOf(settings, world, signal);
  const station = new Station(settings, points, world, (topic, command) => broker.askForBirth(topic, command));
  let closing: Promise<void> | null = null;
  const close = () => (closing ??= (async () => {
    station.close();
    broker.leave(station);
    await leave();
  })());
  const abort = () => { void close(); };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await broker.join(station);
    if (signal.aborted) throw signal.reason;
    station.began();
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
  return { listen: (take, ending) => listen(station, world, take, ending), taken: (frame) => station.taken(frame), close };
}

function listen(station: Station, { clock }: World, take: Take<MqttInFrame>, signal: AbortSignal): Promise<void> {
  return receiveFrames({ next: () => station.next(), onChange: (run) => station.onChange(run), endError: () => station.error, isClosed: () => station.isClosed }, clock, (frame) => {
    take(frame);
    // What holds no values is never on disk; sending it again would not change that.
    if (isDoubtful(frame) && !decode(frame).ok) station.taken(frame);
  }, signal);
}
