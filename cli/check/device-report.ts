/** Prints the result of a device check, as text or JSON lines. */
import type { Draft } from '../../core/event.ts';
import { explain, type Fault } from '../../core/faults.ts';
import { classNameIn } from '../../core/model.ts';
import { faultLine } from '../../cases/result-lines.ts';
import type { World } from '../../core/world.ts';
import type { OpenDevice } from '../../edge/read/host-device.ts';
import type { PointTrial, DeviceTrial } from '../../edge/read/device-trial.ts';
import { qualify } from '../../edge/qualify/qualify.ts';
import type { CameraTrial } from '../../edge/infer/camera-trial.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';

/**
 * @param looked detections of a camera's model
 * @returns the exit code
 */
export function printDevice(
  terminal: CommandTerminal,
  device: OpenDevice,
  tried: DeviceTrial,
  looked: CameraTrial | undefined,
  centre: string,
  world: World,
): number {
  const { id, driver } = device.setup;
  if (!terminal.json) terminal.print(`${id} (${driver})`);
  for (const finding of tried.findings) printText(terminal, { en: `  ${finding.en}`, zh: `  ${finding.zh}` });
  if (tried.picture && !terminal.json) printPicture(terminal, tried.picture);
  if (looked?.detection) printDetections(terminal, id, looked.detection);
  const readings = looked && tried.picture ? seenBy(device, looked, tried.picture.tookMs) : tried.points;
  const values = qualified(device, readings, centre, world);
  for (const reading of readings) {
    const draft = values.get(reading.point);
    if (terminal.json && draft)
      terminal.record({
        device: id,
        point: reading.point,
        value: draft.value,
        unit: draft.unit,
        at: draft.occurredAt,
        quality: draft.quality,
        flags: draft.flags ?? [],
        tookMs: Math.round(reading.tookMs),
      });
    else if (!terminal.json && draft) terminal.print(row(reading, draft));
  }
  const others = device.setup.points.length - readings.length;
  if (looked?.detection && others > 0 && !terminal.json)
    printText(terminal, {
      en: `  ${others} more ${others === 1 ? 'point needs' : 'points need'} several pictures`,
      zh: `  另有 ${others} 个测点需要多幅图像`,
    });
  const faults = [...tried.faults, ...(looked?.faults ?? [])];
  for (const fault of faults) printDeviceFault(terminal, id, fault);
  // Some points of a camera need several pictures.
  const isAnswered = tried.picture !== null || tried.points.every(({ sample }) => sample !== null && sample.quality !== 'bad');
  return faults.length === 0 && isAnswered ? EXIT.ok : EXIT.found;
}

function printPicture(
  terminal: CommandTerminal,
  {
    item: {
      picture: { width, height },
    },
    tookMs,
  }: NonNullable<DeviceTrial['picture']>,
): void {
  printText(terminal, {
    en: `  received a picture of ${width} × ${height} after ${Math.round(tookMs)} ms`,
    zh: `  ${Math.round(tookMs)} 毫秒后收到一幅 ${width} × ${height} 的图像`,
  });
}

function printDetections(
  terminal: CommandTerminal,
  device: string,
  { model, provider, boxes, tookMs }: NonNullable<CameraTrial['detection']>,
): void {
  const seen = Object.fromEntries([...Map.groupBy(boxes, (box) => box.class)].map(([name, { length }]) => [name, length]));
  if (terminal.json) return terminal.record({ device, model: model?.id, provider, seen, tookMs: Math.round(tookMs) });
  const listed = (join: string, nameOf: (name: string) => string): string =>
    Object.entries(seen)
      .map(([name, count]) => `${count} × ${nameOf(name)}`)
      .join(join);
  const ms = Math.round(tookMs);
  printText(terminal, {
    en: `  ${model?.id} (${provider}) detected ${listed(', ', String) || 'no configured class'} in ${ms} ms`,
    zh: `  ${model?.id}（${provider}）识别用时 ${ms} 毫秒：${listed('、', (name) => classNameIn('zh-CN', name, model)) || '没有所关注的目标'}`,
  });
}

/** As values of its points, in their order. */
function seenBy({ setup: { points } }: OpenDevice, { samples, detection }: CameraTrial, pictureMs: number): PointTrial[] {
  return points.flatMap(({ id }) =>
    samples.filter(({ point }) => point === id).map((sample) => ({ point: id, sample, tookMs: pictureMs + (detection?.tookMs ?? 0) })),
  );
}

/** Values as the pipeline would send them: scaled, checked, in the point's unit. */
function qualified(device: OpenDevice, readings: readonly PointTrial[], centre: string, world: World): Map<string, Draft> {
  const values = new Map<string, Draft>();
  const station = qualify({ centre, devices: [device.setup] }, { polled: () => device.driver.traits.includes('polled') }, world);
  station.take?.(
    readings.flatMap(({ sample }) => (sample ? [sample] : [])),
    (drafts) => {
      for (const draft of drafts) values.set(draft.point, draft);
    },
  );
  return values;
}

function row({ point, tookMs }: PointTrial, { value, unit, quality, flags = [] }: Draft): string {
  const shown = `${value === null ? '–' : String(value)} ${unit}`.trim();
  return `${quality === 'bad' ? '✗' : ' '} ${point.padEnd(16)} ${shown.padEnd(20)} ${quality.padEnd(9)} ${`${Math.round(tookMs)} ms`.padStart(8)}  ${flags.join(' ')}`.trimEnd();
}

export function printDeviceFault(terminal: CommandTerminal, device: string, fault: Fault): void {
  if (terminal.json) return terminal.record({ device, ...faultLine(fault, Date.now(), terminal.language) });
  const { message, remedy } = explain(fault, terminal.language);
  terminal.print(`  ✗ ${device}: ${message} [${fault.code}]${remedy ? `\n    → ${remedy}` : ''}`);
}

/** Text for people; with --json to stderr. */
export function printText(terminal: CommandTerminal, words: { en: string; zh: string }): void {
  (terminal.json ? terminal.remark : terminal.print)(terminal.text(words));
}
