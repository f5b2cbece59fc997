/** A command that was carried out, as an event: the centre's history shows it beside the values that it changed. */
import type { Draft } from '../../core/event.ts';
import type { OwnIndicator } from '../../core/own-indicators.ts';
import type { Answer, Command } from '../../core/wire/commands.ts';
import type { OpenDevice } from '../read/host-device.ts';

const COMMAND_INDICATOR: OwnIndicator = 'CV-COMMAND';

export function commandEvent(
  command: Command,
  answer: Answer,
  { devices, centre }: { devices: readonly OpenDevice[]; centre: string },
  nowMs: number,
  clock: 'edge' | 'unsynced' = 'edge',
): Draft {
  const device = devices.find(({ setup }) => setup.id === command.device)?.setup;
  const what = command.kind === 'write' ? `write ${command.point} = ${String(command.value).slice(0, 200)}` : command.kind;
  return {
    device: command.device,
    point: command.kind === 'write' ? command.point : 'command',
    indicator: COMMAND_INDICATOR,
    subject: device?.subject ?? command.device,
    centre,
    kind: 'occurrence',
    value: `${what}: ${answer.status} · ${command.by} · ${command.id}`,
    unit: '',
    occurredAt: nowMs,
    clock,
    observedAt: nowMs,
    quality: 'good',
    origin: 'live',
    ...(device?.position ? { position: device.position } : {}),
  };
}
