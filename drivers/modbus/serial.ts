/** A serial line as a byte stream, and the names of its ports. */
import { readdir } from 'node:fs/promises';
import { FaultError } from '../../core/faults.ts';
import type { Net, SerialPort } from '../../core/net.ts';
import './faults.ts';
import type { ModbusSettings } from './settings.ts';
import { closedByDevice, type ByteStream } from './byte-stream.ts';

/** Names that stay with the adapter, whatever USB socket it uses. */
export const SERIAL_BY_ID = '/dev/serial/by-id';
/** Between an answer and the next request: far above t3.5 at usual baud rates, as many devices need it. */
export const FRAME_GAP_MS = 20;

/** `ttyUSB0` is short for `/dev/ttyUSB0`. */
export function portPath(port: string): string {
  return port.startsWith('/') ? port : `/dev/${port}`;
}

/** A name that depends on the order in which adapters were plugged in. */
export function isEnumeratedName(port: string): boolean {
  return /^(\/dev\/)?tty(USB|ACM)\d+$/.test(port);
}

/** Adapters by their stable names; none where the system has no such folder. */
export async function serialAdapters(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.toSorted().map((name) => `${folder}/${name}`);
}

/**
 * Opens the port exclusively.
 *
 * @returns rejects with CV_MODBUS_PORT or the signal's reason
 */
export async function openSerial(
  { port, baudRate, dataBits, stopBits, parity }: ModbusSettings,
  net: Net,
  signal: AbortSignal,
): Promise<ByteStream> {
  const path = portPath(String(port));
  if (signal.aborted) throw signal.reason;
  const line = await net.serial({ path, baudRate, dataBits, stopBits, parity }).catch((error: Error) => {
    throw new FaultError('CV_MODBUS_PORT', { port: path, detail: error.message }, { cause: error });
  });
  const stream = serialStream(line, path);
  if (!signal.aborted) return stream;
  await stream.close();
  throw signal.reason;
}

function serialStream(line: SerialPort, address: string): ByteStream {
  const closed = new Promise<void>((resolve) => { line.once('close', () => resolve()); });
  let isClosing = false;
  // Errors before `listen` show at `close`.
  line.on('error', () => {});
  return {
    address,
    send: (bytes) => { line.write(Buffer.from(bytes)); },
    listen(bytes, end) {
      line.on('data', bytes);
      line.on('error', (error) => end(new FaultError('CV_LINK_CLOSED', { address, detail: error.message }, { cause: error })));
      line.on('end', () => end(closedByDevice(address)));
      line.on('close', () => {
        if (!isClosing) end(new FaultError('CV_LINK_CLOSED', { address, detail: 'the adapter was removed', detailZh: '转换器已拔出' }));
      });
    },
    flush: () => new Promise((resolve) => { line.flush(() => resolve()); }),
    async close() {
      isClosing = true;
      if (!line.isOpen && !line.closing) return;
      if (line.isOpen) line.close(() => {});
      await closed;
    },
  };
}
