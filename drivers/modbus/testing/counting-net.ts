/** A `Net` that counts received bytes, so that a test can wait for bytes without other effect. */
import type { Net } from '../../../core/net.ts';

export interface CountingNet extends Net {
  /** Bytes that links have received so far. */
  receivedBytes(): number;
}

export function countingNet(net: Net): CountingNet {
  let bytes = 0;
  return {
    ...net,
    receivedBytes: () => bytes,
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
