/** The link to one device: its topics on a shared broker connection. I/O only. */
import { receiveFrames } from '../listening/inbound-frames.ts';
import type { Link, FrameHandler } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { acquireBroker } from './broker-connection.ts';
import { decode } from './decode.ts';
import './faults.ts';
import type { MqttInFrame } from './frame.ts';
import type { ConfiguredMqttPoint, MqttInSettings } from './settings.ts';
import { mayHaveNoValues, MqttDevice } from './device.ts';

export interface MqttInLink extends Link<MqttInFrame> {
  listen(take: FrameHandler<MqttInFrame>, signal: AbortSignal): Promise<void>;
  confirmStored(frame: MqttInFrame): void;
}

/** @returns rejects like `acquireBroker`, or with CV_MQTT_IN_SUBSCRIBE */
export async function open(
  settings: MqttInSettings,
  points: readonly ConfiguredMqttPoint[],
  world: World,
  signal: AbortSignal = new AbortController().signal,
): Promise<MqttInLink> {
  const { broker, release } = await acquireBroker(settings, world, signal);
  const device = new MqttDevice(settings, points, world, (topic, command) => broker.requestRebirth(topic, command));
  let closing: Promise<void> | null = null;
  const close = () => (closing ??= (async () => {
    device.close();
    broker.removeDevice(device);
    await release();
  })());
  const abort = () => { void close(); };
  signal.addEventListener('abort', abort, { once: true });
  try {
    await broker.addDevice(device);
    if (signal.aborted) throw signal.reason;
    device.requestInitialBirth();
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
  return { listen: (take, ending) => listen(device, world, take, ending), confirmStored: (frame) => device.confirmStored(frame), close };
}

function listen(device: MqttDevice, { clock }: World, take: FrameHandler<MqttInFrame>, signal: AbortSignal): Promise<void> {
  return receiveFrames(
    {
      next: () => device.nextFrame(),
      onChange: (run) => device.onChange(run),
      endError: () => device.error,
      isClosed: () => device.isClosed,
    },
    clock,
    (frame) => {
      take(frame);
      // A message without values is never stored; resending it would not change that.
      if (mayHaveNoValues(frame) && !decode(frame).ok) device.confirmStored(frame);
    },
    signal,
  );
}
