/** What a try of a device has shown, for people or as JSON lines. */
import type { Draft } from '../../core/event.ts';
import { explain, type Fault } from '../../core/faults.ts';
import { faultLine } from '../../core/result-lines.ts';
import type { World } from '../../core/world.ts';
import type { OpenDevice } from '../../edge/host/device.ts';
import type { Reading, TryOut } from '../../edge/host/try-out.ts';
import { qualify } from '../../edge/stations/qualify.ts';
import { EXIT, type Terminal } from '../terminal.ts';

/** @returns the exit code that it asks for */
export function tellDevice(terminal: Terminal, device: OpenDevice, result: TryOut, centre: string, world: World): number {
  const { id, driver } = device.setup;
  if (!terminal.json) terminal.print(`${id} (${driver})`);
  for (const finding of result.findings) say(terminal, { en: `  ${finding.en}`, zh: `  ${finding.zh}` });
  const values = qualified(device, result.readings, centre, world);
  const isCamera = result.picture !== null;
  for (const reading of result.readings) {
    const draft = values.get(reading.point);
    if (terminal.json && draft) terminal.record({ device: id, point: reading.point, value: draft.value, unit: draft.unit, at: draft.occurredAt, quality: draft.quality, flags: draft.flags ?? [], tookMs: Math.round(reading.tookMs) });
    else if (!terminal.json && draft) terminal.print(row(reading, draft));
  }
  if (result.picture && !terminal.json) {
    const { width, height, tookMs } = result.picture;
    say(terminal, { en: `  a picture of ${width} × ${height} came after ${Math.round(tookMs)} ms; ${device.setup.points.length} points follow from its detector`, zh: `  ${Math.round(tookMs)} 毫秒后收到一幅 ${width} × ${height} 的图像；其检测模型给出 ${device.setup.points.length} 个测点` });
  }
  for (const fault of result.faults) tellFault(terminal, id, fault);
  const isWell = result.faults.length === 0 && (isCamera || result.readings.every(({ sample }) => sample !== null && sample.quality !== 'bad'));
  return isWell ? EXIT.ok : EXIT.found;
}

/** Readings as the line would send them: scaled, checked, in the point's unit. */
function qualified(device: OpenDevice, readings: readonly Reading[], centre: string, world: World): Map<string, Draft> {
  const values = new Map<string, Draft>();
  const station = qualify({ centre, devices: [device.setup] }, { polled: () => device.driver.traits.includes('polled') }, world);
  station.take?.(readings.flatMap(({ sample }) => (sample ? [sample] : [])), (drafts) => { for (const draft of drafts) values.set(draft.point, draft); });
  return values;
}

function row({ point, tookMs }: Reading, { value, unit, quality, flags = [] }: Draft): string {
  const shown = `${value === null ? '–' : String(value)} ${unit}`.trim();
  return `  ${point.padEnd(16)} ${shown.padEnd(20)} ${quality.padEnd(9)} ${`${Math.round(tookMs)} ms`.padStart(8)}  ${flags.join(' ')}`.trimEnd();
}

export function tellFault(terminal: Terminal, device: string, fault: Fault): void {
  if (terminal.json) return terminal.record({ device, ...faultLine(fault, Date.now(), terminal.language) });
  const { message, remedy } = explain(fault, terminal.language);
  terminal.print(`  ✗ ${device}: ${message} [${fault.code}]${remedy ? `\n    → ${remedy}` : ''}`);
}

/** Words for people; with --json they go beside the result. */
export function say(terminal: Terminal, words: { en: string; zh: string }): void {
  (terminal.json ? terminal.remark : terminal.print)(terminal.text(words));
}
