/** How a reader is recorded and played back: which number names a request, and what is an answer. */
import type { BytesRecording, RecordedExchange, SurveyedDevice } from '../../core/recording.ts';
import type { Request } from '../../core/driver.ts';
import { HEADER_BYTES, messageAt, messageOf, parameterOf, TYPE, u16 } from './message.ts';
import type { LlrpFrame } from './frame.ts';
import { lineOf } from './frame-line.ts';
import type { LlrpPointOf, LlrpSettings } from './settings.ts';

const SPEAKS = new Set<number>([TYPE.report, TYPE.keepalive, TYPE.readerEvent]);
const FIRST_TYPE = 1;
const LAST_TYPE = 1023;
/** LLRPStatus, and its M_UnsupportedMessage. */
const STATUS = 287;
const UNSUPPORTED = 109;
const GETS = new Set<number>([TYPE.getCapabilities, TYPE.getConfig]);

export const recording: BytesRecording<LlrpSettings, LlrpPointOf, Request, LlrpFrame> = {
  level: 'bytes',
  line: lineOf,
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
  partOf: likely,
  refusal(question) {
    const asked = messageAt(question);
    if (asked === null || asked === 'none') return null;
    const reason = Buffer.from('not in the recording');
    return messageOf(TYPE.error, asked.id, parameterOf(STATUS, u16(UNSUPPORTED, reason.length), reason));
  },
  captures: {
    tcp: [5084], device: 'listens', settings: { host: '127.0.0.1' },
    survey: (messages, place): SurveyedDevice[] => (messages.some(({ direction, bytes }) => direction === 'in' && typeOf(bytes) === TYPE.readerEvent)
      ? [{ id: 'reader', settings: { host: place.host, port: place.port }, points: [{ id: 'tag', gives: 'read' }] }] : []),
  },
};

/** Requests of one kind are confirmed alike; what is asked for lies in what was asked for as a whole (all fields 0). */
function likely(question: Uint8Array, recorded: RecordedExchange): Uint8Array | null {
  const [asked, before, answer] = [messageAt(question), messageAt(recorded.question), messageAt(recorded.answer)];
  if (!asked || asked === 'none' || !before || before === 'none' || !answer || answer === 'none') return null;
  if (asked.type !== before.type || answer.type === TYPE.error) return null;
  if (GETS.has(asked.type) && !before.bytes.subarray(HEADER_BYTES).every((byte) => byte === 0)) return null;
  const said = Buffer.from(answer.bytes);
  said.writeUInt32BE(asked.id, 6);
  return said;
}

function typeOf(bytes: Uint8Array): number | null {
  const message = messageAt(bytes);
  return message === null || message === 'none' ? null : message.type;
}
