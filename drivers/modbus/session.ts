/** Requests to the units behind one guarded port, by modbus-serial. Interprets nothing but exception 02. */
import modbus from 'modbus-serial';
import type { Link } from '../../core/driver.ts';
import { exceptionCodeOf, type GuardedPort } from './port.ts';
import { splitBlock, type ReadBlock, type ModbusRequest } from './requests.ts';
import { writeConfirmation } from './write.ts';

type Client = InstanceType<typeof modbus.default>;
type Answer = { buffer: Buffer };
type Next = (error: NodeJS.ErrnoException | null, result: unknown) => void;

const ILLEGAL_ADDRESS = 2;

export interface ModbusSession {
  /** The answer's PDU; where a joint read was refused, followed by the frames of its halves. */
  exchange(request: ModbusRequest, signal: AbortSignal): Promise<Uint8Array>;
  /** Object number → text of the basic identification; null when the device does not offer function 43/14. */
  identify(unit: number, signal: AbortSignal): Promise<Map<number, string> | null>;
}

/** A link that can also read the device identification, for `probe`. */
export interface ModbusLink extends Link<Uint8Array, ModbusRequest>, ModbusSession {
  exchange(request: ModbusRequest, signal: AbortSignal): Promise<Uint8Array>;
}

/** @param refused blocks that were answered with exception 02 and are read in halves; kept as long as the link */
export function openSession(guard: GuardedPort, refused: Set<string>): ModbusSession {
  const client: Client = new modbus.default(guard);
  client.open();

  async function readOrSplit(block: ReadBlock, signal: AbortSignal): Promise<Uint8Array> {
    const pdu = refused.size > 0 && refused.has(blockKey(block)) ? illegalAddress(block) : await read(client, guard, block, signal);
    const halves = pdu.length === 2 && pdu[1] === ILLEGAL_ADDRESS ? splitBlock(block) : null;
    if (!halves) return pdu;
    refused.add(blockKey(block));
    return Buffer.concat([pdu, await readOrSplit(halves[0], signal), await readOrSplit(halves[1], signal)]);
  }

  return {
    exchange: (request, signal) => (request.cells ? write(client, guard, request, request.cells, signal) : readOrSplit(request, signal)),
    identify: (unit, signal) => identify(client, guard, unit, signal),
  };
}

/** One read; an exception is an answer too. */
function read(client: Client, guard: GuardedPort, block: ReadBlock, signal: AbortSignal): Promise<Uint8Array> {
  if (guard.isNumbered) return guard.read(block, signal);
  const { unit, fc, start, count } = block;
  return guard.exchange<Answer>({ unit, fc, count }, signal, (done) => {
    const next = done as (error: NodeJS.ErrnoException, result: Answer) => void;
    if (fc === 1) client.writeFC1(unit, start, count, next);
    else if (fc === 2) client.writeFC2(unit, start, count, next);
    else if (fc === 3) client.writeFC3(unit, start, count, next);
    else client.writeFC4(unit, start, count, next);
  }).then(({ buffer }) => answerPdu(fc, buffer), exceptionPdu(fc));
}

function answerPdu(fc: number, data: Uint8Array): Uint8Array {
  const pdu = new Uint8Array(2 + data.length);
  pdu[0] = fc;
  pdu[1] = data.length;
  pdu.set(data, 2);
  return pdu;
}

/** Methods of modbus-serial that its types lack. */
interface Writer {
  writeFC5(unit: number, at: number, state: boolean, next: Next): void;
  writeFC6(unit: number, at: number, value: number, next: Next): void;
  writeFC15(unit: number, at: number, states: boolean[], next: Next): void;
  writeFC16(unit: number, at: number, values: number[], next: Next): void;
}

/** One write, confirmed by the device. Never repeated. */
function write(
  client: Client,
  guard: GuardedPort,
  request: ModbusRequest,
  cells: readonly number[],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { unit, fc, start, count } = request;
  const writer = client as unknown as Writer;
  const expect = writeConfirmation(fc, start, cells);
  return guard.exchange<unknown>({ unit, fc, count, confirmation: expect }, signal, (done) => {
    const next: Next = done;
    if (fc === 5) writer.writeFC5(unit, start, cells[0] !== 0, next);
    else if (fc === 6) writer.writeFC6(unit, start, cells[0] as number, next);
    else if (fc === 15) writer.writeFC15(unit, start, cells.map((cell) => cell !== 0), next);
    else writer.writeFC16(unit, start, [...cells], next);
  }).then(() => expect, exceptionPdu(fc));
}

const exceptionPdu = (fc: number) => (error: unknown): Uint8Array => {
  const exception = exceptionCodeOf(error);
  if (exception === null) throw error;
  return Uint8Array.of(fc | 0x80, exception);
};

async function identify(client: Client, guard: GuardedPort, unit: number, signal: AbortSignal): Promise<Map<number, string> | null> {
  try {
    const { data } = await guard.exchange<{ data: Record<string, string> }>({ unit, fc: 43, count: 0 }, signal, (done) => {
      client.setID(unit);
      client.readDeviceIdentification(1, 0).then(
        (result) => done(null, result as unknown as { data: Record<string, string> }),
        (error: unknown) => done(error, { data: {} }),
      );
    });
    return new Map(Object.entries(data).map(([object, text]) => [Number(object), text.replace(/[^\x20-\x7e]/g, '').trim()]));
  } catch (error) {
    if (exceptionCodeOf(error) !== null) return null;
    throw error;
  }
}

const blockKey = ({ unit, fc, start, count }: ReadBlock): string => `${unit}/${fc}/${start}/${count}`;

function illegalAddress(block: ReadBlock): Uint8Array {
  return Uint8Array.of(block.fc | 0x80, ILLEGAL_ADDRESS);
}
