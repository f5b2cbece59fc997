/** The way to a device, by its transport: one exchange at a time. I/O only. */
import { dial } from '../listening/dial.ts';
import type { World } from '../../core/world.ts';
import { dataUnit } from './dtu/link.ts';
import './faults.ts';
import { mbapFraming } from './framing.ts';
import { GuardedPort, type PortOptions } from './port.ts';
import { rtuFraming } from './rtu.ts';
import { GAP_MS, openSerial } from './serial.ts';
import { sessionOver, type ModbusLink } from './session.ts';
import { settleMsOf, type ModbusPoint, type ModbusSettings } from './settings.ts';
import { Intake, socketWire, type Wire } from './wire.ts';

/**
 * Connects, opens the serial port, or waits for the data unit to dial in. Serves every unit behind it: a request names
 * its unit.
 *
 * @returns rejects with CV_LINK_REFUSED, CV_LINK_UNREACHABLE, CV_MODBUS_PORT, CV_MODBUS_LISTEN, CV_MODBUS_DTU_ABSENT or
 *   the signal's reason
 */
export async function open(settings: ModbusSettings, points: readonly ({ id: string } & ModbusPoint)[], world: World, signal: AbortSignal = new AbortController().signal): Promise<ModbusLink> {
  if (settings.transport === 'dtu') return dataUnit(settings, points, world, signal);
  const settleMs = settleMsOf(settings);
  if (settings.transport === 'rtu') {
    const options = { framing: rtuFraming({ localEcho: settings.localEcho }), settleMs, gapMs: GAP_MS };
    return over(await openSerial(settings, world.net, signal), options, world);
  }
  const wire = await connect(settings, world, signal);
  return over(wire, settings.transport === 'tcp' ? { framing: mbapFraming } : { framing: rtuFraming(), settleMs }, world);
}

function over(wire: Wire, options: PortOptions, world: World): ModbusLink {
  const guard = new GuardedPort(wire, options, world);
  return { ...sessionOver(guard, new Set()), close: () => guard.close() };
}

async function connect({ host, port }: ModbusSettings, world: World, signal: AbortSignal): Promise<Wire> {
  const address = { host: String(host), port: Number(port) };
  const intake = new Intake();
  return socketWire(await dial(address, world, signal, intake), `${host}:${port}`, intake);
}
