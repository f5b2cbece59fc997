/** Messages from a case or a command line to frames, and back. Pure. */
import type { FrameRead, FrameReader, Request } from '../../core/driver.ts';
import type { FramesRecording } from '../../core/recording.ts';
import { planOf, type Alias, type MqttInFrame } from './frame.ts';
import { PROFILES, settings, type MqttInPointOf, type Profile } from './settings.ts';

/** A line: `topic`, `text` or `base64`, and what `recording` adds. Settings do not reach a reader: what decode needs of them stands in the line. */
interface Line {
  topic: string;
  text?: string;
  base64?: string;
  retain?: boolean;
  at?: number;
  profile?: Profile;
  plan?: Record<string, unknown>;
  aliases?: Record<string, Alias>;
  isOther?: boolean;
  before?: { fCnt: number; at: number };
}

const TEXT = new TextDecoder('utf-8', { fatal: true });
const DEFAULTS = settings.parse({ url: 'mqtt://localhost', topic: '#' });

export const frameReader: FrameReader<MqttInFrame, Request> = {
  level: 'frames',
  read: (input, points) => input.map((one): FrameRead<MqttInFrame> => {
    const line = one as Line;
    if (typeof one !== 'object' || one === null || typeof line.topic !== 'string' || (line.text ?? line.base64) === undefined) {
      return { fault: { code: 'CV_FRAME_INVALID', params: { detail: 'a message is {"topic", "text" or "base64"}', detailZh: '一条消息应为 {"topic", "text" 或 "base64"}' } } };
    }
    const profile = PROFILES.find((known) => known === line.profile) ?? profileOf(line.topic);
    const payload = line.text === undefined ? Buffer.from(String(line.base64), 'base64') : Buffer.from(String(line.text));
    const plan = points.length === 0 ? null : { ...planOf(points as readonly MqttInPointOf[], DEFAULTS), ...line.plan };
    const { aliases, isOther, before } = line;
    return { frame: { topic: line.topic, payload, retain: line.retain === true, observedAt: Number(line.at ?? 0), profile, plan, ...(aliases && { aliases }), ...(isOther && { isOther }), ...(before && { before }) } };
  }),
};

/** By its topic, where nobody says. */
function profileOf(topic: string): Profile {
  if (topic.startsWith('spBv1.0/')) return 'sparkplug';
  if (/^application\/[^/]+\/device\/[^/]+\/event\//.test(topic)) return 'chirpstack';
  return topic.startsWith('thing/product/') || topic.startsWith('sys/product/') ? 'dji' : 'json';
}

export const recording: FramesRecording<MqttInFrame, Request> = {
  level: 'frames',
  above: { en: 'the broker carries the messages of many devices, and passwords, over one connection: each device\'s messages are taken by themselves', zh: '服务器的一个连接承载多台设备的消息和密码：逐台设备录制其消息' },
  line({ topic, payload, retain, observedAt, profile, plan, aliases, isOther, before }) {
    const { points: _points, ...ofPlan } = plan ?? { points: [] };
    return { topic, ...said(payload), ...(retain ? { retain } : {}), at: observedAt, profile, plan: ofPlan, ...(aliases && { aliases }), ...(isOther && { isOther }), ...(before && { before }) };
  },
};

function said(payload: Uint8Array): { text: string } | { base64: string } {
  try {
    const text = TEXT.decode(payload);
    // A decoder leaves a byte order mark out.
    if (Buffer.from(text).equals(payload)) return { text };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // no text
  }
  return { base64: Buffer.from(payload).toString('base64') };
}
