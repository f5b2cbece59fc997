/** Counts what comes in on a way to a device, so that a test can wait for bytes that nobody speaks of. */
import type { Net } from '../../../core/net.ts';

export interface HeardNet extends Net {
  /** Bytes that links have been given so far. */
  heardBytes(): number;
}

export function heardNet(net: Net): HeardNet {
  let bytes = 0;
  return {
    ...net,
    heardBytes: () => bytes,
    connect: (address, signal, into) => net.connect(address, signal, into && {
      buffer: into.buffer,
      take(length) {
        into.take(length);
        bytes += length;
      },
    }),
    async serial(options) {
      const line = await net.serial(options);
      line.on('data', (piece: Buffer) => { bytes += piece.length; });
      return line;
    },
  };
}
