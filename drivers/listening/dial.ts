/** Dials a device over TCP. */
import type { Socket } from 'node:net';
import { FaultError } from '../../core/faults.ts';
import type { HostPort, ReadBuffer } from '../../core/net.ts';
import type { World } from '../../core/world.ts';

/**
 * @param into see `Net.connect`
 * @returns rejects with CV_LINK_REFUSED, CV_LINK_UNREACHABLE or the signal's reason
 */
export function dial(address: HostPort, { net }: Pick<World, 'net'>, signal: AbortSignal, into?: ReadBuffer): Promise<Socket> {
  return net.connect(address, signal, into).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    const { code, message } = error as NodeJS.ErrnoException;
    const isRefused = code === 'ECONNREFUSED' || code === 'ECONNRESET';
    throw new FaultError(
      isRefused ? 'CV_LINK_REFUSED' : 'CV_LINK_UNREACHABLE',
      { address: `${address.host}:${address.port}`, detail: code ?? message },
      { cause: error },
    );
  });
}
