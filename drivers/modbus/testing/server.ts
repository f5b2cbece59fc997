/**
 * A small Modbus TCP server for rigs and tests. It shares no code with the driver or its library, so that both sides
 * of a test do not have the same mistake. Functions 1 to 4 and 43/14.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What the served device holds: cells of an area, or the number of an exception. Bits are 0 and 1. */
export interface Served {
  read(unit: number, fc: 1 | 2 | 3 | 4, start: number, count: number): number[] | { exception: number };
  /** Texts of a unit's basic identification: maker, product, version; null for a unit that is not there. */
  identity?(unit: number): readonly string[] | null;
}

/** The exception of a gateway behind which nobody answers. */
export const NO_SUCH_UNIT = 11;

export interface ModbusServer {
  port: number;
  connections(): number;
  close(): Promise<void>;
}

/** What goes out instead of the right answer; null sends nothing. */
export type Twist = (answer: Buffer, request: Buffer) => Uint8Array | null;

/** Listens on loopback; port 0 takes a free one. */
export async function serveModbus(served: Served, options: { port?: number; host?: string; twist?: Twist } = {}): Promise<ModbusServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => { socket.destroy(); }); // the other side hung up hard; 'close' follows
    let held = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      while (held.length >= 8) {
        const whole = 6 + held.readUInt16BE(4);
        if (held.readUInt16BE(2) !== 0 || whole < 8 || whole > 260) return socket.destroy();
        if (held.length < whole) return;
        const request = held.subarray(0, whole);
        held = held.subarray(whole);
        const answer = answerTo(request, served);
        const sent = options.twist ? options.twist(answer, request) : answer;
        if (sent) socket.write(sent);
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    }),
  };
}

/** The right answer to a request ADU, exceptions included. */
function answerTo(request: Buffer, served: Served): Buffer {
  const [unit, fc] = [request.readUInt8(6), request.readUInt8(7)];
  if (fc === 43 && served.identity && request.readUInt8(8) === 14) {
    const texts = served.identity(unit);
    return adu(request, texts ? identification(texts) : Buffer.from([fc | 0x80, NO_SUCH_UNIT]));
  }
  if (fc < 1 || fc > 4) return adu(request, Buffer.from([fc | 0x80, 1]));
  if (request.length !== 12) return adu(request, Buffer.from([fc | 0x80, 3]));
  const [start, count] = [request.readUInt16BE(8), request.readUInt16BE(10)];
  if (count < 1 || count > (fc > 2 ? 125 : 2000)) return adu(request, Buffer.from([fc | 0x80, 3]));
  const cells = served.read(unit, fc as 1 | 2 | 3 | 4, start, count);
  if (!Array.isArray(cells)) return adu(request, Buffer.from([fc | 0x80, cells.exception]));
  const data = fc > 2 ? registerBytes(cells) : bitBytes(cells);
  return adu(request, Buffer.concat([Buffer.from([fc, data.length]), data]));
}

function adu(request: Buffer, pdu: Buffer): Buffer {
  const header = Buffer.from(request.subarray(0, 7));
  header.writeUInt16BE(pdu.length + 1, 4);
  return Buffer.concat([header, pdu]);
}

function registerBytes(cells: readonly number[]): Buffer {
  const data = Buffer.alloc(cells.length * 2);
  cells.forEach((cell, at) => { data.writeUInt16BE(cell & 0xffff, at * 2); });
  return data;
}

function bitBytes(cells: readonly number[]): Buffer {
  const data = Buffer.alloc(Math.ceil(cells.length / 8));
  cells.forEach((cell, at) => { if (cell) data[at >> 3] = (data[at >> 3] as number) | (1 << (at & 7)); });
  return data;
}

function identification(texts: readonly string[]): Buffer {
  const objects = texts.map((text, object) => Buffer.concat([Buffer.from([object, Buffer.byteLength(text)]), Buffer.from(text)]));
  return Buffer.concat([Buffer.from([43, 14, 1, 1, 0, 0, texts.length]), ...objects]);
}
