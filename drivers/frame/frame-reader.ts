/** Reads frames from bytes of a command line or file. */
import type { FrameRead, FrameReader, Request } from '../../core/driver.ts';
import { FrameCutter, truncatedFrameDetail } from './cutter.ts';
import { fieldPointMap, type DescribedFrame, type FieldPointMap } from './frame.ts';
import { loadDescription, shippedDescriptions } from './load-description.ts';
import { messagesAround } from './messages-around.ts';
import type { ConfiguredFramePoint, FrameSettings } from './settings.ts';

/** Uses the description of the settings; without settings, the shipped description that finds the most frames. */
export const frameReader: FrameReader<DescribedFrame, Request> = {
  level: 'bytes',
  around: messagesAround,
  read(input, points, settings) {
    const bytes = input.filter((one): one is Uint8Array => one instanceof Uint8Array);
    const own = settings === undefined ? undefined : loadDescription((settings as FrameSettings).description);
    if (own && !own.protocol) return own.faults.map((fault) => ({ fault }));
    const protocols = own ? [own.protocol] : shippedDescriptions().flatMap((name) => loadDescription(`shipped:${name}`).protocol ?? []);
    const all = protocols.map((protocol) => {
      const cutter = new FrameCutter(protocol);
      const segments = [...bytes.flatMap((one) => cutter.feed(one)), ...cutter.end()];
      return { protocol, segments, count: segments.filter(({ is }) => is === 'frame').length };
    });
    const [best] = all.toSorted((a, b) => b.count - a.count);
    if (!best || (best.segments.length === 0 && own) || (best.count === 0 && !own))
      return [
        own
          ? noFrame('no whole frame of this description', '没有此描述的完整帧')
          : noFrame('no frame of a shipped description; give yours with --settings', '不是任何自带描述的帧；请用 --settings 指定描述'),
      ];
    const pointMap: FieldPointMap = {
      ...(points.length === 0
        ? { protocol: best.protocol, byField: null }
        : fieldPointMap(best.protocol, points as readonly ConfiguredFramePoint[])),
      withBytes: true,
    };
    return best.segments.map((segment): FrameRead<DescribedFrame> =>
      segment.is === 'frame'
        ? { frame: { is: 'message', bytes: segment.bytes, pointMap } }
        : segment.is === 'short'
          ? { fault: { code: 'CV_FRAME_LENGTH', params: truncatedFrameDetail(segment.bytes) } }
          : {
              fault: {
                code: segment.is === 'checksum' ? 'CV_FRAME_CHECKSUM' : 'CV_FRAME_INVALID',
                params: { detail: segment.bytes.toString('hex', 0, 24) },
              },
            },
    );
  },
};

const noFrame = (detail: string, detailZh: string): FrameRead<DescribedFrame> => ({
  fault: { code: 'CV_FRAME_INVALID', params: { detail, detailZh } },
});
