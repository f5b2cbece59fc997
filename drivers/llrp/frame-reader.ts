/** Reads frames from bytes of the command line or a file, and from lines of a case. Pure. */
import type { FrameRead, FrameReader, Request } from '../../core/driver.ts';
import type { LlrpFrame } from './frame.ts';
import { llrpFrameFromLine } from './frame-line.ts';
import { truncatedMessageDetail, parseLlrpMessage, LlrpMessageCutter, LLRP_MESSAGE_TYPES, type LlrpMessage } from './message.ts';
import { UNKNOWN_CLOCK, utcMsOf } from './reader-clock.ts';
import { parseReaderEvent } from './reader-event.ts';
import { parseAccessReport } from './access-report.ts';
import type { ConfiguredLlrpPoint } from './settings.ts';

export const frameReader: FrameReader<LlrpFrame, Request> = {
  level: 'bytes',
  read(input, points) {
    const cutter = new LlrpMessageCutter();
    const reads = (points as readonly ConfiguredLlrpPoint[])
      .filter(({ gives }) => gives === 'read')
      .map(({ id, antennas, epc }) => ({ id, antennas, prefix: epc.toUpperCase() }));
    const frames = input.flatMap((bytes): FrameRead<LlrpFrame>[] => {
      if (!(bytes instanceof Uint8Array)) {
        const frame = llrpFrameFromLine(bytes);
        return [
          frame
            ? { frame }
            : { fault: { code: 'CV_FRAME_INVALID', params: { detail: 'not a frame of an LLRP session', detailZh: '不是 LLRP 会话的帧' } } },
        ];
      }
      const { messages, isInvalid } = cutter.feed(bytes);
      return [
        ...messages
          .filter(({ type }) =>
            [LLRP_MESSAGE_TYPES.report, LLRP_MESSAGE_TYPES.readerEvent, LLRP_MESSAGE_TYPES.keepalive].includes(type as never),
          )
          .map((message): FrameRead<LlrpFrame> => ({
            frame: {
              is: 'message',
              bytes: message.bytes,
              observedAt: timeOf(message),
              clock: UNKNOWN_CLOCK,
              plan: points.length === 0 ? null : { reads, inputs: [], antennasDown: [] },
              repetitions: new Set(),
              antennasDown: 0,
            },
          })),
        ...(isInvalid
          ? [
              {
                fault: { code: 'CV_FRAME_INVALID', params: { detail: 'no LLRP message begins here', detailZh: '此处不是 LLRP 报文' } },
              } as const,
            ]
          : []),
      ];
    });
    const { partial } = cutter;
    const isTruncated = partial.length > 0 && parseLlrpMessage(partial) === null;
    return isTruncated ? [...frames, { fault: { code: 'CV_FRAME_LENGTH', params: truncatedMessageDetail(partial) } }] : frames;
  },
};

/** Without a session the offset of the reader's clock is unknown: its time of the last read, or of the event, is the arrival. */
function timeOf({ type, bytes }: LlrpMessage): number {
  const stamps =
    type === LLRP_MESSAGE_TYPES.report
      ? parseAccessReport(bytes).reads.map(({ firstUtcUs, lastUtcUs }) => lastUtcUs ?? firstUtcUs)
      : [type === LLRP_MESSAGE_TYPES.readerEvent ? parseReaderEvent(bytes).utcUs : undefined];
  return stamps.reduce((latest, stamp) => (stamp === undefined ? latest : Math.max(latest, utcMsOf(stamp))), 0);
}
