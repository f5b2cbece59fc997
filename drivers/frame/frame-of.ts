/** Bytes from a command line or a file to frames. */
import type { FrameRead, FrameReader, Request } from '../../core/driver.ts';
import { FrameCutter } from './cutter.ts';
import { planOf, type FrameFrame, type Plan } from './frame.ts';
import { loadDescription, shippedNames } from './load.ts';
import type { FramePointOf } from './settings.ts';

/** A command line names no description: of those that come along, the one that finds the most frames is it. */
export const frameOf: FrameReader<FrameFrame, Request> = {
  level: 'bytes',
  read(input, points) {
    const bytes = input.filter((one): one is Uint8Array => one instanceof Uint8Array);
    const all = shippedNames().flatMap((name) => {
      const { protocol } = loadDescription(`shipped:${name}`);
      if (!protocol) return [];
      const cutter = new FrameCutter(protocol);
      const cuts = bytes.flatMap((one) => cutter.feed(one));
      return [{ protocol, cuts, count: cuts.filter(({ is }) => is === 'frame').length }];
    });
    const [best] = all.toSorted((a, b) => b.count - a.count);
    if (!best || best.count === 0) return [{ fault: { code: 'CV_FRAME_INVALID', params: { detail: 'no frame of a description that comes along', detailZh: '不是任何自带描述的帧' } } }];
    const plan: Plan = points.length === 0 ? { protocol: best.protocol, targets: null } : planOf(best.protocol, points as readonly FramePointOf[]);
    return best.cuts.map((cut): FrameRead<FrameFrame> => (cut.is === 'frame'
      ? { frame: { is: 'message', bytes: cut.bytes, plan } }
      : { fault: { code: cut.is === 'checksum' ? 'CV_FRAME_CHECKSUM' : 'CV_FRAME_INVALID', params: { detail: cut.bytes.toString('hex', 0, 24) } } }));
  },
};
