/**
 * A simulated compound terminal for rigs and tests, built from the protocol page in the driver's README and not from its
 * decoder.
 */
import { connect, type Socket } from 'node:net';

export interface SimulatedTerminal {
  /** Numbers of the frames that were answered, and the kinds of those answers. */
  readonly answered: ReadonlyMap<number, number>;
  isConnected(): boolean;
  /** Sends a frame. @returns its number */
  send(kind: number, body: Uint8Array, number?: number): number;
  sendBytes(bytes: Uint8Array): void;
  stop(): Promise<void>;
}

export interface SimulatedTerminalOptions {
  terminal: string;
  pieces?(frame: Buffer): Buffer[];
}

const REDIAL_MS = 20;

/** Dials 127.0.0.1, and redials after every disconnect. */
export function diallingTerminal(port: number, { terminal, pieces = (frame) => [frame] }: SimulatedTerminalOptions): SimulatedTerminal {
  const answered = new Map<number, number>();
  let socket: Socket | null = null;
  let timer: NodeJS.Timeout | undefined;
  let [isStopped, isUp, last] = [false, false, 0];
  let held = Buffer.alloc(0);
  function dial(): void {
    if (isStopped) return;
    const line = socket = connect({ host: '127.0.0.1', port, noDelay: true });
    held = Buffer.alloc(0);
    line.on('connect', () => { isUp = true; });
    line.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      for (let length = lengthOf(held); length > 0 && held.length >= length; length = lengthOf(held)) {
        const frame = held.subarray(0, length);
        held = held.subarray(length);
        if (frame.subarray(4, 10).toString('hex') === terminal && crc(frame.subarray(2, -2)) === frame.readUInt16LE(length - 2))
          answered.set(frame.readUInt16BE(10), frame[12] as number);
      }
    });
    line.on('error', () => { line.destroy(); }); // refused or dropped; 'close' follows
    line.on('close', () => {
      isUp = false;
      timer = setTimeout(dial, REDIAL_MS);
    });
  }
  dial();
  return {
    answered,
    isConnected: () => isUp,
    send(kind, body, number = last += 1) {
      for (const piece of pieces(terminalFrame(terminal, number, kind, body))) socket?.write(piece);
      return number;
    },
    sendBytes: (bytes) => { socket?.write(bytes); },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      const line = socket;
      if (!line || line.closed) return;
      const closed = new Promise<void>((resolve) => { line.once('close', () => resolve()); });
      line.destroy();
      await closed;
      clearTimeout(timer);
    },
  };
}

const REPORT_MS = 20;

/** @returns a function that stops it */
export function reportPeriodically(
  terminal: SimulatedTerminal,
  reports: (at: string, turn: number) => readonly (readonly [kind: number, body: Uint8Array])[],
): () => void {
  let turn = 0;
  const interval = setInterval(() => {
    turn += 1;
    for (const [kind, body] of reports(`2601010000${String(turn % 60).padStart(2, '0')}`, turn)) terminal.send(kind, body);
  }, REPORT_MS);
  return () => clearInterval(interval);
}

const lengthOf = (held: Buffer) => (held.length >= 4 ? held.readUInt16BE(2) + 6 : 0);

export function terminalFrame(terminal: string, number: number, kind: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt16BE(0xaa55, 0);
  head.writeUInt16BE(9 + body.length, 2);
  head.write(terminal, 4, 'hex');
  head.writeUInt16BE(number, 10);
  head[12] = kind;
  const check = Buffer.alloc(2);
  check.writeUInt16LE(crc(Buffer.concat([head.subarray(2), body])));
  return Buffer.concat([head, body, check]);
}

/** CRC-16/MODBUS by its definition. */
function crc(bytes: Uint8Array): number {
  let register = 0xffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let turn = 0; turn < 8; turn += 1) register = register & 1 ? (register >> 1) ^ 0xa001 : register >> 1;
  }
  return register;
}

const u16 = (value: number) => [(value >> 8) & 0xff, value & 0xff];
const time = (text: string) => [...Buffer.from(text, 'hex')];

export const heartbeatBody = (dbm: number) => Uint8Array.from([dbm & 0xff]);

/** @param reads time `YYMMDDhhmmss`, antenna, RSSI in dBm, EPC in hexadecimal */
export function tagsBody(
  reads: readonly (readonly [at: string, antenna: number, dbm: number, epc: string])[],
  isStored = false,
): Uint8Array {
  return Uint8Array.from([
    Number(isStored),
    reads.length,
    ...reads.flatMap(([at, antenna, dbm, epc]) => [...time(at), antenna, dbm & 0xff, epc.length / 2, ...Buffer.from(epc, 'hex')]),
  ]);
}

export const crowdBody = (until: string, devices: number, fresh: number) =>
  Uint8Array.from([...time(until), ...u16(devices), ...u16(fresh)]);

/** @param power 0 mains, 1 battery, 2 solar */
export const stateBody = (at: string, celsius: number, humidity: number, millivolts: number, power: number, flags: number) =>
  Uint8Array.from([...time(at), ...u16(Math.round(celsius * 10)), humidity, ...u16(millivolts), power, flags]);
