/**
 * Watching a camera: the ticket by which its web socket is opened, and what goes over the socket. Pictures are binary
 * messages; where `&notes` was added to the path, text beside them says where zones are and what is seen. Places are
 * fractions of the picture: [across, down] from its upper left corner.
 */
import { z } from 'zod';
import type { JsonSchema } from '../core/json-schema.ts';
import { bilingualDescription } from '../core/typed-schema.ts';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { time, WORDS } from './fields.ts';

export const LiveTicketView = component('LiveTicket', 'leave to watch a camera', '实时观看凭证', z.object({
  path: z.string().meta({ en: 'open it as a web socket, once', zh: '以 WebSocket 打开，一次有效' }),
  expiresAt: time,
}));
export type LiveTicketView = z.infer<typeof LiveTicketView>;
export const LIVE_TICKET_EXAMPLE: LiveTicketView = {
  path: '/api/v1/devices/gate-cam/live-view?ticket=5mXbYt0vJQeFZr2nUoKc8wA1dL6hSgPi',
  expiresAt: EXAMPLE_AT + 30_000,
};

const fraction = z.number().min(0).max(1).meta({ en: 'fraction of the picture, from its upper left corner', zh: '占画面的比例，自左上角起' });
const place = z.tuple([fraction, fraction]).readonly().meta({ en: '[across, down]', zh: '[横, 纵]' });
const polygon = z.array(place).readonly();
const named = { id: z.string(), name: WORDS };
const byPoint = z.record(z.string(), z.number()).readonly();

/** Once it begins, and whenever it begins anew. */
export const LiveScene = z.object({
  kind: z.literal('scene'),
  zones: z.array(z.object({ ...named, polygon })),
  lines: z.array(z.object({ ...named, from: place, to: place, inside: place })),
  masks: z.array(polygon).readonly().meta({ en: 'what nobody may see; black in the pictures', zh: '隐私遮挡区域，画面中为黑色' }),
  isReplay: z.boolean().meta({
    en: 'a clip, played anew for its viewers: what the edge sees at the same moment is another part of it, and is not told',
    zh: '视频文件，为观看者从头播放：边缘节点此时检测的是另一段，因此不发送检测结果',
  }),
});
export type LiveScene = z.infer<typeof LiveScene>;

/** With each picture that the edge took in. */
export const LiveSeen = z.object({
  kind: z.literal('seen'),
  at: z.int().min(0).meta({ en: 'when the picture was taken, ms UTC', zh: '画面时刻，UTC 毫秒' }),
  ptsMs: z.number().meta({ en: 'its place in the stream that the edge reads, ms', zh: '在边缘节点所读码流中的位置，毫秒' }),
  boxes: z.array(z.object({
    class: z.string(),
    /** The class as its model calls it. */
    zh: z.exactOptional(z.string()),
    track: z.exactOptional(z.int()).meta({ en: 'the same thing keeps its number', zh: '同一目标编号不变' }),
    x: fraction, y: fraction, width: fraction, height: fraction,
  })),
  values: byPoint.meta({ en: 'measurements and states of zones, by point (`zone.measure`)', zh: '区域的测量值和状态，按测点（区域.量）' }),
  happened: byPoint.meta({ en: 'crossings in this picture, by point', zh: '此画面中的过线，按测点' }),
});
export type LiveSeen = z.infer<typeof LiveSeen>;

export type LiveNote = LiveScene | LiveSeen;

/** Anything: it is a stream that goes on from message to message. */
export const LIVE_PIECE_SCHEMA: JsonSchema = {
  type: 'string',
  format: 'binary',
  ...bilingualDescription(
    'MPEG-TS with MPEG-1 video, 25 pictures a second, cut between packets of 188 bytes',
    'MPEG-TS（MPEG-1 视频，每秒 25 帧），在 188 字节的包之间切分',
  ),
};

const gate = { id: 'gate', name: { zh: '大门', en: 'gate' } } as const;
export const LIVE_SCENE_EXAMPLE: LiveScene = {
  kind: 'scene', isReplay: false, masks: [[[0, 0], [0.2, 0], [0.2, 0.1], [0, 0.1]]],
  zones: [{ id: 'forecourt', name: { zh: '前场', en: 'forecourt' }, polygon: [[0.1, 0.5], [0.9, 0.5], [1, 1], [0, 1]] }],
  lines: [{ ...gate, from: [0.1, 0.6], to: [0.9, 0.6], inside: [0.5, 0.9] }],
};
export const LIVE_SEEN_EXAMPLE: LiveSeen = {
  kind: 'seen',
  at: EXAMPLE_AT,
  ptsMs: 62_400,
  boxes: [{ class: 'person', zh: '人', track: 12, x: 0.41, y: 0.52, width: 0.05, height: 0.21 }],
  values: { 'forecourt.persons': 1 },
  happened: { 'gate.in': 1 },
};
