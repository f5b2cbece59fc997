/** A serial line as a wire, and how its ports are named. */
import { readdir } from 'node:fs/promises';
import { FaultError } from '../../core/faults.ts';
import type { Net, SerialPort } from '../../core/net.ts';
import './faults.ts';
import type { ModbusSettings } from './settings.ts';
import { closedByDevice, type Wire } from './wire.ts';

/** Names that stay with the adapter, whatever socket it is put into. */
export const BY_ID = '/dev/serial/by-id';
/** Between an answer and the next request: far above t3.5 at any usual speed, since many devices need it. */
export const GAP_MS = 20;

/** `ttyUSB0` is short for `/dev/ttyUSB0`. */
export function portPath(port: string): string {
  return port.startsWith('/') ? port : `/dev/${port}`;
}

/** A name that goes by the order in which adapters were plugged in. */
export function isByOrder(port: string): boolean {
  return /^(\/dev\/)?tty(USB|ACM)\d+$/.test(port);
}

/** Adapters by the names that stay; none where the system keeps no such folder. */
export async function adapters(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.toSorted().map((name) => `${folder}/${name}`);
}

/**
 * Opens the port, alone.
 *
 * @returns rejects with CV_MODBUS_PORT or the signal's reason
 */
export async function openSerial({ port, baudRate, dataBits, stopBits, parity }: ModbusSettings, net: Net, signal: AbortSignal): Promise<Wire> {
  const path = portPath(String(port));
  if (signal.aborted) throw signal.reason;
  const line = await net.serial({ path, baudRate, dataBits, stopBits, parity }).catch((error: Error) => {
    throw new FaultError('CV_MODBUS_PORT', { port: path, detail: error.message }, { cause: error });
  });
  const wire = serialWire(line, path);
  if (!signal.aborted) return wire;
  await wire.close();
  throw signal.reason;
}

function serialWire(line: SerialPort, address: string): Wire {
  const closed = new Promise<void>((resolve) => { line.once('close', () => resolve()); });
  let isClosing = false;
  // A line that nobody reads yet keeps its errors for its `close`.
  line.on('error', () => {});
  return {
    address,
    send: (bytes) => { line.write(Buffer.from(bytes)); },
    listen(bytes, end) {
      line.on('data', bytes);
      line.on('error', (error) => end(new FaultError('CV_LINK_CLOSED', { address, detail: error.message }, { cause: error })));
      line.on('end', () => end(closedByDevice(address)));
      line.on('close', () => { if (!isClosing) end(new FaultError('CV_LINK_CLOSED', { address, detail: 'the adapter is gone', detailZh: '转换器已拔出' })); });
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
