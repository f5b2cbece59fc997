/** Carries out a command that was found in order: reads, writes, or takes the camera's newest picture. */
import type { PictureView } from '../../api/pictures.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import {
  MAX_PICTURE_BYTES,
  MAX_POINTS,
  MAX_VALUES_BYTES,
  type Answer,
  type Command,
  type CommandReading,
  type CommandStatus,
} from '../../core/wire/commands.ts';
import { STALE_PERIODS, type OpenDevice } from '../read/host-device.ts';
import type { DeviceHost } from '../read/read.ts';
import type { LatestPictures } from '../infer/viewers/latest-pictures.ts';
import { conditionFault, writeConditions, toRawValue, toScaledValue, type WriteCommand } from './command-validation.ts';
import type { LatestValues } from './latest-values.ts';

export interface CommandTargets {
  devices: readonly OpenDevice[];
  host: Pick<DeviceHost, 'readNow' | 'write'>;
  latest: Pick<LatestValues, 'of'>;
  pictures: Pick<LatestPictures, 'get'>;
  /** A picture of now from the camera's best stream, fetched for this; null where it has none. */
  still?(device: string, signal: AbortSignal): Promise<PictureView | null>;
}

export interface CommandOutcome {
  status: CommandStatus;
  fault?: Fault;
  found?: Pick<Answer, 'values' | 'readBack' | 'picture'>;
}

/**
 * @param signal ends the wait for a bus
 * @param begin called just before the plant is touched by a write; what it throws is thrown, and nothing was done
 * @returns rejects with a FaultError when nothing was done
 */
export function executeCommand(
  command: Command,
  plant: CommandTargets,
  signal: AbortSignal,
  begin: () => Promise<void>,
): Promise<CommandOutcome> {
  if (command.kind === 'write') return write(command, plant, signal, begin);
  return command.kind === 'read' ? read(command, plant, signal) : snapshot(command.device, plant, signal);
}

async function read(command: Extract<Command, { kind: 'read' }>, plant: CommandTargets, signal: AbortSignal): Promise<CommandOutcome> {
  const { setup } = deviceOf(plant, command.device);
  const asked = command.points ?? setup.points.map(({ id }) => id).slice(0, MAX_POINTS);
  await plant.host.readNow(command.device, asked, signal);
  const values = asked.flatMap((point): CommandReading[] => {
    const newest = plant.latest.of(command.device, point);
    if (!newest || newest.ageMs > STALE_PERIODS * setup.everyMs) return [];
    const { value, unit, occurredAt, quality, flags = [] } = newest.draft;
    return [{ point, value, unit, at: occurredAt, quality, flags }];
  });
  const bytes = JSON.stringify(values).length;
  if (bytes > MAX_VALUES_BYTES)
    return { status: 'failed', fault: { code: 'CV_COMMAND_ANSWER', params: { bytes, maxBytes: MAX_VALUES_BYTES } } };
  const missing = asked.find((point) => !values.some((one) => one.point === point));
  if (missing === undefined) return { status: 'done', found: { values } };
  return {
    status: 'failed',
    fault: { code: 'CV_POINT_SILENT', params: { device: command.device, point: missing, waitMs: STALE_PERIODS * setup.everyMs } },
    found: { values },
  };
}

async function write(
  command: WriteCommand,
  plant: CommandTargets,
  signal: AbortSignal,
  begin: () => Promise<void>,
): Promise<CommandOutcome> {
  const { setup } = deviceOf(plant, command.device);
  const point = setup.points.find(({ id }) => id === command.point);
  const holds = writeConditions(command, plant.devices);
  if (!Array.isArray(holds)) throw new FaultError(holds.code, holds.params);
  if (!point) throw new FaultError('CV_COMMAND_POINT', { device: command.device, point: command.point });
  // What the write depends on is asked for anew; a device that does not answer leaves nothing to decide by.
  for (const [device, same] of Map.groupBy(holds, (hold) => hold.device.id)) {
    await plant.host.readNow(device, same.map(({ condition }) => condition.point), signal);
  }
  const written = await plant.host.write(
    command.device,
    command.point,
    toRawValue(point, command.value),
    async () => {
      for (const hold of holds) {
        const fault = conditionFault(hold, plant.latest.of(hold.device.id, hold.condition.point));
        if (fault) throw new FaultError(fault.code, fault.params);
      }
      await begin();
    },
    signal,
  );
  const found =
    'readBack' in written && written.readBack !== undefined ? { found: { readBack: toScaledValue(point, written.readBack) } } : {};
  return written.outcome === 'done' ? { status: 'done', ...found } : { status: written.outcome, fault: written.fault, ...found };
}

async function snapshot(device: string, plant: CommandTargets, signal: AbortSignal): Promise<CommandOutcome> {
  // Where its best stream gives none now, the newest that was looked at. Where faces cannot be blurred both throw, and nothing is shown.
  const picture = (await plant.still?.(device, signal).catch(() => null)) ?? (await plant.pictures.get(device));
  if (!picture)
    return {
      status: 'failed',
      fault: { code: 'CV_COMMAND_PICTURE', params: { device, detail: 'it has given none yet', detailZh: '尚无画面' } },
    };
  const bytes = JSON.stringify(picture).length;
  if (bytes > MAX_PICTURE_BYTES)
    return {
      status: 'failed',
      fault: { code: 'CV_COMMAND_PICTURE', params: { device, detail: `${bytes} bytes`, detailZh: `${bytes} 字节` } },
    };
  return { status: 'done', found: { picture } };
}

const deviceOf = (plant: CommandTargets, id: string): OpenDevice => {
  const device = plant.devices.find(({ setup }) => setup.id === id);
  if (!device) throw new FaultError('CV_COMMAND_DEVICE', { edge: '-', device: id });
  return device;
};
