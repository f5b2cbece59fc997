/** Bytes from a command line or a file to frames. */
import type { FrameRead, FrameReader, Request } from '../../core/driver.ts';
import { FrameCutter, shortOf } from './cutter.ts';
import { planOf, type FrameFrame, type Plan } from './frame.ts';
import { loadDescription, shippedNames } from './load.ts';
import { saidAround } from './said.ts';
import type { FramePointOf, FrameSettings } from './settings.ts';

/** By the description of the settings; a command line that names none: of those that come along, the one that finds the most frames is it. */
export const frameReader: FrameReader<FrameFrame, Request> = {
  level: 'bytes',
  around: saidAround,
  read(input, points, settings) {
    const bytes = input.filter((one): one is Uint8Array => one instanceof Uint8Array);
    const own = settings === undefined ? undefined : loadDescription((settings as FrameSettings).description);
    if (own && !own.protocol) return own.faults.map((fault) => ({ fault }));
    const protocols = own ? [own.protocol] : shippedNames().flatMap((name) => loadDescription(`shipped:${name}`).protocol ?? []);
    const all = protocols.map((protocol) => {
      const cutter = new FrameCutter(protocol);
      const cuts = [...bytes.flatMap((one) => cutter.feed(one)), ...cutter.end()];
      return { protocol, cuts, count: cuts.filter(({ is }) => is === 'frame').length };
    });
    const [best] = all.toSorted((a, b) => b.count - a.count);
    if (!best || (best.cuts.length === 0 && own) || (best.count === 0 && !own)) return [own ? noFrame('no whole frame of this description', '没有此描述的完整帧') : noFrame('no frame of a description that comes along; name yours in --settings', '不是任何自带描述的帧；请用 --settings 指定描述')];
    const plan: Plan = { ...(points.length === 0 ? { protocol: best.protocol, targets: null } : planOf(best.protocol, points as readonly FramePointOf[])), isTraced: true };
    return best.cuts.map((cut): FrameRead<FrameFrame> => (cut.is === 'frame'
      ? { frame: { is: 'message', bytes: cut.bytes, plan } }
      : cut.is === 'short' ? { fault: { code: 'CV_FRAME_LENGTH', params: shortOf(cut.bytes) } } : { fault: { code: cut.is === 'checksum' ? 'CV_FRAME_CHECKSUM' : 'CV_FRAME_INVALID', params: { detail: cut.bytes.toString('hex', 0, 24) } } }));
  },
};

const noFrame = (detail: string, detailZh: string): FrameRead<FrameFrame> => ({ fault: { code: 'CV_FRAME_INVALID', params: { detail, detailZh } } });
