/** How a reader is recorded and played back: which number names a request, and what is an answer. */
import type { BytesRecording, SurveyedDevice } from '../../core/recording.ts';
import type { Request } from '../../core/driver.ts';
import { messageAt, TYPE } from './message.ts';
import type { LlrpPointOf, LlrpSettings } from './settings.ts';

const SPEAKS = new Set<number>([TYPE.report, TYPE.keepalive, TYPE.readerEvent]);
const FIRST_TYPE = 1;
const LAST_TYPE = 1023;

export const recording: BytesRecording<LlrpSettings, LlrpPointOf, Request> = {
  level: 'bytes',
  cut(bytes) {
    const message = messageAt(bytes);
    if (message === 'none') return 0;
    return message?.bytes.length ?? null;
  },
  notes(bytes, direction) {
    const message = messageAt(bytes);
    if (message === null || message === 'none' || message.type < FIRST_TYPE || message.type > LAST_TYPE) return null;
    const id = [{ name: 'message id', at: 6, length: 4 }];
    if (direction === 'in') return SPEAKS.has(message.type) ? { role: 'speaks' } : { role: 'answers', correlators: id };
    // Neither is answered.
    if (message.type === TYPE.keepaliveAck || message.type === TYPE.enableReports) return { role: 'speaks', correlators: id };
    return { role: 'asks', correlators: id };
  },
  captures: {
    tcp: [5084], device: 'listens', settings: { host: '127.0.0.1' },
    survey: (messages, place): SurveyedDevice[] => (messages.some(({ direction, bytes }) => direction === 'in' && typeOf(bytes) === TYPE.readerEvent)
      ? [{ id: 'reader', settings: { host: place.host, port: place.port }, points: [{ id: 'tag', gives: 'read' }] }] : []),
  },
};

function typeOf(bytes: Uint8Array): number | null {
  const message = messageAt(bytes);
  return message === null || message === 'none' ? null : message.type;
}
