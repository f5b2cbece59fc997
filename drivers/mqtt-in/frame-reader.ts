/** Reads frames from lines of a case or the command line, and writes them. Pure. */
import type { FrameRead, FrameReader, Request } from '../../core/driver.ts';
import type { FramesRecording } from '../../core/recording.ts';
import { decodeSettingsOf, type MetricAlias, type MqttInFrame } from './frame.ts';
import { MQTT_PROFILES, settings, type ConfiguredMqttPoint, type MqttProfile } from './settings.ts';

/** A line: `topic`, `text` or `base64`, and what `recording` adds. It contains the settings that decode needs, as a reader has none. */
interface MessageLine {
  topic: string;
  text?: string;
  base64?: string;
  retain?: boolean;
  at?: number;
  profile?: MqttProfile;
  plan?: Record<string, unknown>;
  aliases?: Record<string, MetricAlias>;
  isOther?: boolean;
  before?: { fCnt: number; at: number };
}

const TEXT = new TextDecoder('utf-8', { fatal: true });
const DEFAULTS = settings.parse({ url: 'mqtt://localhost', topic: '#' });

export const frameReader: FrameReader<MqttInFrame, Request> = {
  level: 'frames',
  read: (input, points) =>
    input.map((one): FrameRead<MqttInFrame> => {
      const line = one as MessageLine;
      if (typeof one !== 'object' || one === null || typeof line.topic !== 'string' || (line.text ?? line.base64) === undefined) {
        return {
          fault: {
            code: 'CV_FRAME_INVALID',
            params: { detail: 'a message is {"topic", "text" or "base64"}', detailZh: '一条消息应为 {"topic", "text" 或 "base64"}' },
          },
        };
      }
      const profile = MQTT_PROFILES.find((known) => known === line.profile) ?? profileOf(line.topic);
      const payload = line.text === undefined ? Buffer.from(String(line.base64), 'base64') : Buffer.from(String(line.text));
      const plan = points.length === 0 ? null : { ...decodeSettingsOf(points as readonly ConfiguredMqttPoint[], DEFAULTS), ...line.plan };
      const { aliases, isOther, before } = line;
      return {
        frame: {
          topic: line.topic,
          payload,
          retain: line.retain === true,
          observedAt: Number(line.at ?? 0),
          profile,
          decodeSettings: plan,
          ...(aliases && { aliases }),
          ...(isOther && { isOther }),
          ...(before && { before }),
        },
      };
    }),
};

/** The profile by topic, where the line has none. */
function profileOf(topic: string): MqttProfile {
  if (topic.startsWith('spBv1.0/')) return 'sparkplug';
  if (/^application\/[^/]+\/device\/[^/]+\/event\//.test(topic)) return 'chirpstack';
  return topic.startsWith('thing/product/') || topic.startsWith('sys/product/') ? 'dji' : 'json';
}

export const recording: FramesRecording<MqttInFrame, Request> = {
  level: 'frames',
  above: {
    en: 'the broker carries the messages of many devices, and passwords, over one connection: the messages of each device are recorded separately',
    zh: '服务器的一个连接承载多台设备的消息和密码：逐台设备录制其消息',
  },
  line({ topic, payload, retain, observedAt, profile, decodeSettings: plan, aliases, isOther, before }) {
    const { points: _points, ...ofPlan } = plan ?? { points: [] };
    return {
      topic,
      ...payloadFields(payload),
      ...(retain ? { retain } : {}),
      at: observedAt,
      profile,
      plan: ofPlan,
      ...(aliases && { aliases }),
      ...(isOther && { isOther }),
      ...(before && { before }),
    };
  },
};

function payloadFields(payload: Uint8Array): { text: string } | { base64: string } {
  try {
    const text = TEXT.decode(payload);
    // TextDecoder drops a byte order mark.
    if (Buffer.from(text).equals(payload)) return { text };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // not text
  }
  return { base64: Buffer.from(payload).toString('base64') };
}
