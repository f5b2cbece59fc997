/** Reads frames from bytes of a command line or file. Pure. */
import type { FrameRead, FrameReader } from '../../core/driver.ts';
import { uploadPointMap, type Hj212Frame, type Hj212Request } from './frame.ts';
import { truncatedPacketDetail, packetExcerpt } from './packet-excerpt.ts';
import { packetData, Hj212PacketCutter } from './packet-cutter.ts';
import { parseHj212Message, parseHj212Time } from './message.ts';
import { settings, type Hj212Point } from './settings.ts';

export const frameReader: FrameReader<Hj212Frame, Hj212Request> = {
  level: 'bytes',
  read(input, points) {
    const cutter = new Hj212PacketCutter();
    const pointMap =
      points.length === 0
        ? null
        : uploadPointMap(points as readonly ({ id: string } & Hj212Point)[], settings.parse({ listen: '127.0.0.1:1', mn: '0' }));
    const segments = input.flatMap((bytes) => (bytes instanceof Uint8Array ? cutter.feed(bytes) : []));
    return [...segments, ...cutter.end()].map((segment): FrameRead<Hj212Frame, Hj212Request> => {
      if (segment.is === 'short') return { fault: { code: 'CV_FRAME_LENGTH', params: truncatedPacketDetail(segment.bytes) } };
      if (segment.is !== 'packet')
        return {
          fault: {
            code: segment.is === 'crc' ? 'CV_FRAME_CHECKSUM' : 'CV_FRAME_INVALID',
            params: { detail: packetExcerpt(segment.bytes) },
          },
        };
      // A command line has no arrival time: the packet's QN stands in for it.
      const message = parseHj212Message(packetData(segment.bytes) ?? new Uint8Array());
      return { frame: { is: 'upload', packet: segment.bytes, observedAt: parseHj212Time(message?.qn ?? '') ?? 0, pointMap } };
    });
  },
};
