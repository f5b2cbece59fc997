/** Bytes from a command line or a file to frames, and lines of a case. Pure. */
import type { FrameRead, FrameReader, Request } from '../../core/driver.ts';
import type { LlrpFrame } from './frame.ts';
import { frameFrom } from './frame-line.ts';
import { MessageCutter, TYPE } from './message.ts';
import { UNKNOWN_CLOCK } from './reader-clock.ts';
import type { LlrpPointOf } from './settings.ts';

export const frameOf: FrameReader<LlrpFrame, Request> = {
  level: 'bytes',
  read(input, points) {
    const cutter = new MessageCutter();
    const reads = (points as readonly LlrpPointOf[]).filter(({ gives }) => gives === 'read').map(({ id, antennas, epc }) => ({ id, antennas, prefix: epc.toUpperCase() }));
    return input.flatMap((bytes): FrameRead<LlrpFrame>[] => {
      if (!(bytes instanceof Uint8Array)) {
        const frame = frameFrom(bytes);
        return [frame ? { frame } : { fault: { code: 'CV_FRAME_INVALID', params: { detail: 'no frame of an LLRP session', detailZh: '不是 LLRP 会话的帧' } } }];
      }
      const { messages, isOver } = cutter.feed(bytes);
      return [
        // Without a session there is no clock to compare: times of tags stand as the reader gave them, in the evidence.
        ...messages.filter(({ type }) => [TYPE.report, TYPE.readerEvent, TYPE.keepalive].includes(type as never)).map((message): FrameRead<LlrpFrame> => ({
          frame: { is: 'message', bytes: message.bytes, observedAt: 0, clock: UNKNOWN_CLOCK, plan: points.length === 0 ? null : { reads, inputs: [], antennasDown: [] }, repetitions: new Set(), antennasDown: 0 },
        })),
        ...(isOver ? [{ fault: { code: 'CV_FRAME_INVALID', params: { detail: 'no LLRP message begins here', detailZh: '此处不是 LLRP 报文' } } } as const] : []),
      ];
    });
  },
};
