/** How a reader is recorded and played back: message ids and answers. */
import type { BytesRecording, RecordedExchange, SurveyedDevice } from '../../core/recording.ts';
import type { Request } from '../../core/driver.ts';
import { LLRP_HEADER_BYTES, parseLlrpMessage, encodeLlrpMessage, encodeParameter, LLRP_MESSAGE_TYPES, u16 } from './message.ts';
import type { LlrpFrame } from './frame.ts';
import { llrpFrameToLine } from './frame-line.ts';
import type { ConfiguredLlrpPoint, LlrpSettings } from './settings.ts';

const SPEAKS = new Set<number>([LLRP_MESSAGE_TYPES.report, LLRP_MESSAGE_TYPES.keepalive, LLRP_MESSAGE_TYPES.readerEvent]);
const FIRST_TYPE = 1;
const LAST_TYPE = 1023;
/** LLRPStatus, and its M_UnsupportedMessage. */
const STATUS = 287;
const UNSUPPORTED = 109;
const GETS = new Set<number>([LLRP_MESSAGE_TYPES.getCapabilities, LLRP_MESSAGE_TYPES.getConfig]);

export const recording: BytesRecording<LlrpSettings, ConfiguredLlrpPoint, Request, LlrpFrame> = {
  level: 'bytes',
  line: llrpFrameToLine,
  cut(bytes) {
    const message = parseLlrpMessage(bytes);
    if (message === 'none') return 0;
    return message?.bytes.length ?? null;
  },
  notes(bytes, direction) {
    const message = parseLlrpMessage(bytes);
    if (message === null || message === 'none' || message.type < FIRST_TYPE || message.type > LAST_TYPE) return null;
    const id = [{ name: 'message id', at: 6, length: 4 }];
    if (direction === 'in') return SPEAKS.has(message.type) ? { role: 'speaks' } : { role: 'answers', correlators: id };
    // Neither is answered.
    if (message.type === LLRP_MESSAGE_TYPES.keepaliveAck || message.type === LLRP_MESSAGE_TYPES.enableReports)
      return { role: 'speaks', correlators: id };
    return { role: 'asks', correlators: id };
  },
  partOf: likely,
  refusal(question) {
    const asked = parseLlrpMessage(question);
    if (asked === null || asked === 'none') return null;
    const reason = Buffer.from('not in the recording');
    return encodeLlrpMessage(LLRP_MESSAGE_TYPES.error, asked.id, encodeParameter(STATUS, u16(UNSUPPORTED, reason.length), reason));
  },
  captures: {
    tcp: [5084],
    device: 'listens',
    settings: { host: '127.0.0.1' },
    survey: (messages, place): SurveyedDevice[] =>
      messages.some(({ direction, bytes }) => direction === 'in' && typeOf(bytes) === LLRP_MESSAGE_TYPES.readerEvent)
        ? [{ id: 'reader', settings: { host: place.host, port: place.port }, points: [{ id: 'tag', gives: 'read' }] }]
        : [],
  },
};

/** Requests of one kind are confirmed alike; what is asked for lies in what was asked for as a whole (all fields 0). */
function likely(question: Uint8Array, recorded: RecordedExchange): Uint8Array | null {
  const [asked, before, answer] = [parseLlrpMessage(question), parseLlrpMessage(recorded.question), parseLlrpMessage(recorded.answer)];
  if (!asked || asked === 'none' || !before || before === 'none' || !answer || answer === 'none') return null;
  if (asked.type !== before.type || answer.type === LLRP_MESSAGE_TYPES.error) return null;
  if (GETS.has(asked.type) && !before.bytes.subarray(LLRP_HEADER_BYTES).every((byte) => byte === 0)) return null;
  const said = Buffer.from(answer.bytes);
  said.writeUInt32BE(asked.id, 6);
  return said;
}

function typeOf(bytes: Uint8Array): number | null {
  const message = parseLlrpMessage(bytes);
  return message === null || message === 'none' ? null : message.type;
}
