/** The way to a device: one socket, one exchange at a time. I/O only; it knows no meaning beyond exception 02. */
import modbus from 'modbus-serial';
import type { Link } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { exceptionOf, GuardedPort } from './port.ts';
import { halvesOf, type Block, type ModbusRequest } from './requests.ts';
import type { ModbusSettings } from './settings.ts';

type Client = InstanceType<typeof modbus.default>;

const ILLEGAL_ADDRESS = 2;

/** A link that can also ask a device who it is; used by `probe` alone. */
export interface ModbusLink extends Link<Uint8Array, ModbusRequest> {
  exchange(request: ModbusRequest, signal: AbortSignal): Promise<Uint8Array>;
  /** Object number → text of the basic identification; null when the device does not offer function 43/14. */
  identify(unit: number, signal: AbortSignal): Promise<Map<number, string> | null>;
}

/**
 * Connects. Serves every unit behind this address: a request names its unit.
 *
 * @returns rejects with CV_LINK_REFUSED, CV_LINK_UNREACHABLE or the signal's reason
 */
export async function open(settings: ModbusSettings, _points: unknown, world: World, signal: AbortSignal = new AbortController().signal): Promise<ModbusLink> {
  const { host, port } = settings;
  const address = `${host}:${port}`;
  const socket = await world.net.connect({ host, port }, signal).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    throw linkFault(error, address);
  });
  const guard = new GuardedPort(socket, address, world.tell);
  const client: Client = new modbus.default(guard);
  client.open();
  // Blocks that this device answered with exception 02 while it had this link: they are asked for in halves from then on.
  const refused = new Set<string>();

  async function ask(block: Block, signal: AbortSignal): Promise<Uint8Array> {
    const key = `${block.unit}/${block.fc}/${block.start}/${block.count}`;
    const pdu = refused.has(key) ? illegalAddress(block) : await read(client, guard, block, signal);
    const halves = pdu.length === 2 && pdu[1] === ILLEGAL_ADDRESS ? halvesOf(block) : null;
    if (!halves) return pdu;
    refused.add(key);
    return Buffer.concat([pdu, await ask(halves[0], signal), await ask(halves[1], signal)]);
  }

  return {
    exchange: ask,
    identify: (unit, signal) => identify(client, guard, unit, signal),
    close: () => guard.close(),
  };
}

type Answer = { buffer: Buffer };

/** One read; an exception is an answer like any other. */
function read(client: Client, guard: GuardedPort, { unit, fc, start, count }: Block, signal: AbortSignal): Promise<Uint8Array> {
  return guard.ask<Answer>({ unit, fc, count }, signal, (done) => {
    const next = done as (error: NodeJS.ErrnoException, result: Answer) => void;
    if (fc === 1) client.writeFC1(unit, start, count, next);
    else if (fc === 2) client.writeFC2(unit, start, count, next);
    else if (fc === 3) client.writeFC3(unit, start, count, next);
    else client.writeFC4(unit, start, count, next);
  }).then(
    ({ buffer }) => Uint8Array.of(fc, buffer.length, ...buffer),
    (error: unknown) => {
      const exception = exceptionOf(error);
      if (exception === null) throw error;
      return Uint8Array.of(fc | 0x80, exception);
    },
  );
}

async function identify(client: Client, guard: GuardedPort, unit: number, signal: AbortSignal): Promise<Map<number, string> | null> {
  try {
    const { data } = await guard.ask<{ data: Record<string, string> }>({ unit, fc: 43, count: 0 }, signal, (done) => {
      client.setID(unit);
      client.readDeviceIdentification(1, 0).then((result) => done(null, result as unknown as { data: Record<string, string> }), (error: unknown) => done(error, { data: {} }));
    });
    return new Map(Object.entries(data).map(([object, text]) => [Number(object), text.replace(/[^\x20-\x7e]/g, '').trim()]));
  } catch (error) {
    if (exceptionOf(error) !== null) return null;
    throw error;
  }
}

function illegalAddress(block: Block): Uint8Array {
  return Uint8Array.of(block.fc | 0x80, ILLEGAL_ADDRESS);
}

function linkFault(error: unknown, address: string): FaultError {
  const { code, message } = error as NodeJS.ErrnoException;
  const refused = code === 'ECONNREFUSED' || code === 'ECONNRESET';
  return new FaultError(refused ? 'CV_LINK_REFUSED' : 'CV_LINK_UNREACHABLE', { address, detail: code ?? message }, { cause: error });
}
