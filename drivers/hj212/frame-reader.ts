/** Bytes from a command line or a file to frames. Pure. */
import type { FrameRead, FrameReader } from '../../core/driver.ts';
import { planOf, type Hj212Frame, type Hj212Request } from './frame.ts';
import { shortOf, shown } from './cut-short.ts';
import { dataOf, PacketCutter } from './packet.ts';
import { readMessage, timeOf } from './message.ts';
import { settings, type Hj212Point } from './settings.ts';

export const frameReader: FrameReader<Hj212Frame, Hj212Request> = {
  level: 'bytes',
  read(input, points) {
    const cutter = new PacketCutter();
    const plan = points.length === 0 ? null : planOf(points as readonly ({ id: string } & Hj212Point)[], settings.parse({ listen: '127.0.0.1:1', mn: '0' }));
    const cuts = input.flatMap((bytes) => (bytes instanceof Uint8Array ? cutter.feed(bytes) : []));
    return [...cuts, ...cutter.end()].map((cut): FrameRead<Hj212Frame, Hj212Request> => {
      if (cut.is === 'short') return { fault: { code: 'CV_FRAME_LENGTH', params: shortOf(cut.bytes) } };
      if (cut.is !== 'packet') return { fault: { code: cut.is === 'crc' ? 'CV_FRAME_CHECKSUM' : 'CV_FRAME_INVALID', params: { detail: shown(cut.bytes) } } };
      // There is no time of arrival on a command line: the packet's own number stands for it.
      const message = readMessage(dataOf(cut.bytes) ?? new Uint8Array());
      return { frame: { is: 'upload', packet: cut.bytes, observedAt: timeOf(message?.qn ?? '') ?? 0, plan } };
    });
  },
};
