/** Opens the link to a device by its transport: one exchange at a time. I/O only. */
import { dial } from '../listening/dial.ts';
import type { World } from '../../core/world.ts';
import { openDtuLink } from './dtu/link.ts';
import './faults.ts';
import { mbapFraming } from './framing.ts';
import { GuardedPort, type PortOptions } from './port.ts';
import { rtuFraming } from './rtu.ts';
import { FRAME_GAP_MS, openSerial } from './serial.ts';
import { openSession, type ModbusLink } from './session.ts';
import { settleMsOf, type ModbusPoint, type ModbusSettings } from './settings.ts';
import { SocketReader, socketStream, type ByteStream } from './byte-stream.ts';

/**
 * Connects, opens the serial port, or waits for the DTU to dial in. Serves every unit behind it: a request names its unit.
 *
 * @returns rejects with CV_LINK_REFUSED, CV_LINK_UNREACHABLE, CV_MODBUS_PORT, CV_MODBUS_LISTEN, CV_MODBUS_DTU_ABSENT or
 *   the signal's reason
 */
export async function open(
  settings: ModbusSettings,
  points: readonly ({ id: string } & ModbusPoint)[],
  world: World,
  signal: AbortSignal = new AbortController().signal,
): Promise<ModbusLink> {
  if (settings.transport === 'dtu') return openDtuLink(settings, points, world, signal);
  const settleMs = settleMsOf(settings);
  if (settings.transport === 'rtu') {
    const options = { framing: rtuFraming({ localEcho: settings.localEcho }), settleMs, gapMs: FRAME_GAP_MS };
    return linkOver(await openSerial(settings, world.net, signal), options, world);
  }
  const stream = await connect(settings, world, signal);
  return linkOver(stream, settings.transport === 'tcp' ? { framing: mbapFraming } : { framing: rtuFraming(), settleMs }, world);
}

function linkOver(stream: ByteStream, options: PortOptions, world: World): ModbusLink {
  const guard = new GuardedPort(stream, options, world);
  return { ...openSession(guard, new Set()), close: () => guard.close() };
}

async function connect({ host, port }: ModbusSettings, world: World, signal: AbortSignal): Promise<ByteStream> {
  const address = { host: String(host), port: Number(port) };
  const reader = new SocketReader();
  return socketStream(await dial(address, world, signal, reader), `${host}:${port}`, reader);
}
