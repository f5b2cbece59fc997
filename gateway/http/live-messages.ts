/** What goes over the socket of a live view, for the document: pictures as binary messages, and beside them text that says what is seen. */
import { z } from 'zod';
import type { LiveScene, LiveSeen } from '../../api/views.ts';
import type { JsonSchema } from '../../core/json-schema.ts';
import { bilingualDescription } from '../../core/typed-schema.ts';
import { Words } from '../../api/shapes.ts';

const share = z.number().min(0).max(1).meta({ en: 'fraction of the picture, from its upper left corner', zh: '占画面的比例，自左上角起' });
const place = z.tuple([share, share]).meta({ en: '[across, down]', zh: '[横, 纵]' });
const polygon = z.array(place);
const named = { id: z.string(), name: Words };
const byPoint = z.record(z.string(), z.number());

export const LIVE_SCENE_SCHEMA = z.object({
  kind: z.literal('scene'),
  zones: z.array(z.object({ ...named, polygon })),
  lines: z.array(z.object({ ...named, from: place, to: place, inside: place })),
  masks: z.array(polygon).meta({ en: 'what nobody may see; black in the pictures', zh: '隐私遮挡区域，画面中为黑色' }),
  isReplay: z.boolean().meta({ en: 'a clip, played anew for its viewers: what the edge sees at the same moment is another part of it, and is not told', zh: '视频文件，为观看者从头播放：边缘节点此时检测的是另一段，因此不发送检测结果' }),
}) satisfies z.ZodType<LiveScene>;

export const LIVE_SEEN_SCHEMA = z.object({
  kind: z.literal('seen'),
  at: z.int().min(0).meta({ en: 'when the picture was taken, ms UTC', zh: '画面时刻，UTC 毫秒' }),
  ptsMs: z.number().meta({ en: 'its place in the stream that the edge reads, ms', zh: '在边缘节点所读码流中的位置，毫秒' }),
  boxes: z.array(z.object({
    class: z.string(), zh: z.exactOptional(z.string()), track: z.exactOptional(z.int()).meta({ en: 'the same thing keeps its number', zh: '同一目标编号不变' }), x: share, y: share, width: share, height: share,
  })),
  values: byPoint.meta({ en: 'measurements and states of zones, by point (`zone.measure`)', zh: '区域的测量值和状态，按测点（区域.量）' }),
  happened: byPoint.meta({ en: 'crossings in this picture, by point', zh: '此画面中的过线，按测点' }),
}) satisfies z.ZodType<LiveSeen>;

/** Anything: it is a stream that goes on from message to message. */
export const LIVE_PIECE_SCHEMA: JsonSchema = { type: 'string', format: 'binary', ...bilingualDescription('MPEG-TS with MPEG-1 video, 25 pictures a second, cut between packets of 188 bytes', 'MPEG-TS（MPEG-1 视频，每秒 25 帧），在 188 字节的包之间切分') };

const gate = { id: 'gate', name: { zh: '大门', en: 'gate' } } as const;
export const LIVE_EXAMPLES: { scene: LiveScene; seen: LiveSeen } = {
  scene: {
    kind: 'scene', isReplay: false, masks: [[[0, 0], [0.2, 0], [0.2, 0.1], [0, 0.1]]],
    zones: [{ id: 'forecourt', name: { zh: '前场', en: 'forecourt' }, polygon: [[0.1, 0.5], [0.9, 0.5], [1, 1], [0, 1]] }],
    lines: [{ ...gate, from: [0.1, 0.6], to: [0.9, 0.6], inside: [0.5, 0.9] }],
  },
  seen: { kind: 'seen', at: 1_781_764_225_000, ptsMs: 62_400, boxes: [{ class: 'person', zh: '人', track: 12, x: 0.41, y: 0.52, width: 0.05, height: 0.21 }], values: { 'forecourt.persons': 1 }, happened: { 'gate.in': 1 } },
};
