/**
 * What MQTT 3.1.1 asks of a packet and mqtt-packet (6.x, inside aedes 1.2.0) does not look at. Pure: a whole packet's body
 * in, what is wrong with it out. Linear in the body; of a PUBLISH only the head is looked at.
 *
 * @see MQTT Version 3.1.1, OASIS Standard; the clauses are named beside each check
 */
import { isUtf8 } from 'node:buffer';

export interface ProtocolProblem {
  detail: string;
  /** To be sent before the connection is closed; null: closed without a word, as the standard asks. */
  answer: Buffer | null;
  /** Well formed, but a version that is not supported. */
  isUnsupported?: true;
}

const LEVEL_311 = 4;
const LEVEL_31 = 3;
const LEVEL_5 = 5;
/** Bridges set the top bit of the level. */
const LEVEL_MASK = 0x7f;
const CONNACK_BAD_VERSION = Buffer.from([0x20, 2, 0, 1]);
/** Reason code 0x84, unsupported protocol version, no properties (MQTT 5, 3.2.2.2). */
const CONNACK_BAD_VERSION_5 = Buffer.from([0x20, 3, 0, 0x84, 0]);
const CONNACK_BAD_ID = Buffer.from([0x20, 2, 0, 2]);
const NUL = 0;

const closed = (detail: string): ProtocolProblem => ({ detail, answer: null });

/** How much of a packet `protocolProblem` has to see. */
export function headBytes(command: string, length: number, topicBytes: number): number {
  return command === 'publish' ? Math.min(length, 2 + topicBytes + 2) : length;
}

/**
 * @param body the packet without its fixed header; of a PUBLISH at least `headBytes`
 * @param isKnown the topic of this PUBLISH was well before: hardly anybody uses another in each
 * @returns the first thing that is wrong, or null
 */
export function protocolProblem(packet: { cmd: string; qos: number; dup: boolean }, body: Buffer, isKnown = false): ProtocolProblem | null {
  switch (packet.cmd) {
    case 'connect': return connectProblem(body);
    case 'publish': return publishProblem(packet, body, isKnown);
    case 'subscribe': return filtersProblem(body, 1);
    case 'unsubscribe': return filtersProblem(body, 0);
    case 'puback': case 'pubrec': case 'pubrel': case 'pubcomp':
      return body.length !== 2 || body.readUInt16BE(0) === 0 ? closed('an acknowledgement without packet identifier') : null;
    case 'pingreq': case 'disconnect': return body.length === 0 ? null : closed(`a ${packet.cmd.toUpperCase()} with a body`);
    default: return null;
  }
}

/** The topic of a PUBLISH. */
export const topicOf = (body: Buffer): Buffer | null => stringAt(body, 0);

/** A string of two bytes of length; null when it is cut short. */
function stringAt(body: Buffer, at: number): Buffer | null {
  if (at + 2 > body.length) return null;
  const end = at + 2 + body.readUInt16BE(at);
  return end > body.length ? null : body.subarray(at + 2, end);
}

/** MQTT-1.5.3-1, MQTT-1.5.3-2. */
const isText = (text: Buffer): boolean => isUtf8(text) && !text.includes(NUL);

function connectProblem(body: Buffer): ProtocolProblem | null {
  const name = stringAt(body, 0);
  if (!name) return closed('a CONNECT that is cut short');
  const protocol = name.toString('latin1');
  if (protocol !== 'MQTT' && protocol !== 'MQIsdp') return closed('a protocol that is not MQTT');
  const at = 2 + name.length;
  if (at + 4 > body.length) return closed('a CONNECT that is cut short');
  const level = body.readUInt8(at) & LEVEL_MASK;
  // MQTT-3.1.2-2; a client of 5 can only read an answer in its own form.
  if (level === LEVEL_5) return { detail: 'MQTT 5', answer: CONNACK_BAD_VERSION_5, isUnsupported: true };
  if (level !== LEVEL_311 && level !== LEVEL_31)
    return { detail: `MQTT protocol level ${level}`, answer: CONNACK_BAD_VERSION, isUnsupported: true };
  return payloadProblem(body, at + 4, body.readUInt8(at + 1));
}

function payloadProblem(body: Buffer, from: number, flags: number): ProtocolProblem | null {
  const [hasUser, hasPassword, hasWill, isClean] = [flags & 0x80, flags & 0x40, flags & 0x04, flags & 0x02];
  if (flags & 0x01) return closed('the reserved flag of CONNECT is set'); // MQTT-3.1.2-3
  if ((flags & 0x18) === 0x18) return closed('a will with QoS 3'); // MQTT-3.1.2-14
  if (!hasWill && flags & 0x38) return closed('QoS or retain of a will that is not there'); // MQTT-3.1.2-11, -13, -15
  if (hasPassword && !hasUser) return closed('a password without a user'); // MQTT-3.1.2-22
  let at = from;
  const next = (): Buffer | null => {
    const field = stringAt(body, at);
    at += 2 + (field?.length ?? 0);
    return field;
  };
  const id = next();
  if (!id || !isText(id)) return closed('a client id that is no text'); // MQTT-3.1.3-4
  if (id.length === 0 && !isClean) return { detail: 'an empty client id without clean session', answer: CONNACK_BAD_ID }; // MQTT-3.1.3-8
  if (hasWill) {
    const topic = next();
    if (!topic || !isTopic(topic)) return closed('a will without a proper topic'); // MQTT-3.1.3-10
    if (!next()) return closed('a will that is cut short');
  }
  if (hasUser) {
    const user = next();
    if (!user || !isText(user)) return closed('a user that is no text'); // MQTT-3.1.3-11
  }
  if (hasPassword && !next()) return closed('a password that is cut short');
  return at === body.length ? null : closed('a CONNECT with more than its flags say');
}

function publishProblem({ qos, dup }: { qos: number; dup: boolean }, body: Buffer, isKnown: boolean): ProtocolProblem | null {
  if (dup && qos === 0) return closed('DUP with QoS 0'); // MQTT-3.3.1-2
  const topic = stringAt(body, 0);
  if (!topic || !(isKnown || isTopic(topic))) return closed('a PUBLISH without a proper topic'); // MQTT-3.3.2-1, -2, MQTT-4.7.3-1
  if (qos === 0) return null;
  const at = 2 + topic.length;
  return at + 2 > body.length || body.readUInt16BE(at) === 0 ? closed('a PUBLISH without packet identifier') : null; // MQTT-2.3.1-1
}

const HASH = 0x23;
const PLUS = 0x2b;
const SLASH = 0x2f;

const isTopic = (topic: Buffer): boolean => topic.length > 0 && isText(topic) && !topic.includes(HASH) && !topic.includes(PLUS);

/** @param optionBytes what follows each filter: QoS in a SUBSCRIBE, nothing in an UNSUBSCRIBE */
function filtersProblem(body: Buffer, optionBytes: 0 | 1): ProtocolProblem | null {
  if (body.length < 2 || body.readUInt16BE(0) === 0) return closed('a subscription without packet identifier'); // MQTT-2.3.1-1
  if (body.length === 2) return closed('a subscription without topic filter'); // MQTT-3.8.3-3, MQTT-3.10.3-2
  for (let at = 2; at < body.length;) {
    const filter = stringAt(body, at);
    if (!filter || !isFilter(filter)) return closed('a subscription without a proper topic filter'); // MQTT-3.8.3-1, MQTT-4.7.1-2, -3
    at += 2 + filter.length + optionBytes;
    if (at > body.length) return closed('a subscription that is cut short');
    if (optionBytes && body.readUInt8(at - 1) > 2) return closed('a subscription with QoS 3 or reserved bits'); // MQTT-3-8.3-4
  }
  return null;
}

/** `#` alone in the last level, `+` alone in its level. */
function isFilter(filter: Buffer): boolean {
  if (filter.length === 0 || !isText(filter)) return false;
  for (let at = 0; at < filter.length; at += 1) {
    const byte = filter[at];
    if (byte !== HASH && byte !== PLUS) continue;
    const startsLevel = at === 0 || filter[at - 1] === SLASH;
    const endsLevel = at === filter.length - 1 || (byte === PLUS && filter[at + 1] === SLASH);
    if (!startsLevel || !endsLevel) return false;
  }
  return true;
}
