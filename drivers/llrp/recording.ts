/** How a reader is recorded and played back: message ids, requests and responses. */
import type { BytesRecording, RecordedExchange, SurveyedDevice } from '../../core/recording.ts';
import type { Request } from '../../core/driver.ts';
import { LLRP_HEADER_BYTES, parseLlrpMessage, encodeLlrpMessage, encodeParameter, LLRP_MESSAGE_TYPES, u16, type LlrpMessage } from './message.ts';
import type { LlrpFrame } from './frame.ts';
import { llrpFrameToLine } from './frame-line.ts';
import type { ConfiguredLlrpPoint, LlrpSettings } from './settings.ts';

const UNSOLICITED = new Set<number>([LLRP_MESSAGE_TYPES.report, LLRP_MESSAGE_TYPES.keepalive, LLRP_MESSAGE_TYPES.readerEvent]);
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
    if (message === 'invalid') return 0;
    return message?.bytes.length ?? null;
  },
  notes(bytes, direction) {
    const message = messageIn(bytes);
    if (!message || message.type < FIRST_TYPE || message.type > LAST_TYPE) return null;
    const id = [{ name: 'message id', at: 6, length: 4 }];
    if (direction === 'in') return UNSOLICITED.has(message.type) ? { role: 'speaks' } : { role: 'answers', correlators: id };
    // The reader answers neither.
    if (message.type === LLRP_MESSAGE_TYPES.keepaliveAck || message.type === LLRP_MESSAGE_TYPES.enableReports)
      return { role: 'speaks', correlators: id };
    return { role: 'asks', correlators: id };
  },
  partOf: responseFrom,
  refusal(question) {
    const request = messageIn(question);
    if (!request) return null;
    const reason = Buffer.from('not in the recording');
    return encodeLlrpMessage(LLRP_MESSAGE_TYPES.error, request.id, encodeParameter(STATUS, u16(UNSUPPORTED, reason.length), reason));
  },
  captures: {
    tcp: [5084],
    device: 'listens',
    settings: { host: '127.0.0.1' },
    survey: (messages, place): SurveyedDevice[] =>
      messages.some(({ direction, bytes }) => direction === 'in' && messageIn(bytes)?.type === LLRP_MESSAGE_TYPES.readerEvent)
        ? [{ id: 'reader', settings: { host: place.host, port: place.port }, points: [{ id: 'tag', gives: 'read' }] }]
        : [],
  },
};

/** Requests of one type get the same confirmation; a recorded request for everything (all fields 0) answers one for a part. */
function responseFrom(question: Uint8Array, recorded: RecordedExchange): Uint8Array | null {
  const request = messageIn(question);
  const recordedRequest = messageIn(recorded.question);
  const answer = messageIn(recorded.answer);
  if (!request || !recordedRequest || !answer) return null;
  if (request.type !== recordedRequest.type || answer.type === LLRP_MESSAGE_TYPES.error) return null;
  if (GETS.has(request.type) && !recordedRequest.bytes.subarray(LLRP_HEADER_BYTES).every((byte) => byte === 0)) return null;
  const response = Buffer.from(answer.bytes);
  response.writeUInt32BE(request.id, 6);
  return response;
}

function messageIn(bytes: Uint8Array): LlrpMessage | null {
  const message = parseLlrpMessage(bytes);
  return message === 'invalid' ? null : message;
}
