/**
 * What a connection may cost. aedes bounds none of this by itself (1.2.0): a packet's size, what waits for a subscriber
 * that does not read, what a subscriber leaves unacknowledged. The internal names used here are held by embedded.test.ts.
 */
import type { Client } from 'aedes';
import type { Duplex } from 'node:stream';
import { headBytes, protocolProblem, topicOf, type ProtocolProblem } from './protocol-check.ts';

/** Before the client is known. A CONNECT with a will is a few hundred bytes. */
const MAX_CONNECT_BYTES = 16 << 10;
/** A consumer only subscribes and acknowledges. */
export const MAX_CONSUMER_BYTES = 64 << 10;
/** Above the wire's own limit (8 MB), so that a batch that is a little too large is answered and not cut off. */
export const MAX_EDGE_BYTES = 16 << 20;
/** What may wait for one subscriber; the socket's highWaterMark must lie well above, else aedes waits for it first. */
const MAX_WAITING_BYTES = 4 << 20;
export const SOCKET_HIGH_WATER_BYTES = 8 << 20;
/** What may wait for all subscribers together when there are many. */
const MAX_WAITING_BYTES_ALL = 256 << 20;
const MAX_UNACKNOWLEDGED = 1000;
const READ_HIGH_WATER_BYTES = 64 << 10;

interface Parser {
  _parseLength(): boolean;
  _parsePayload(): boolean;
  _emitError(error: Error): void;
  packet: { cmd: string; qos: number; dup: boolean; length: number };
  /** What came and is not yet parsed, from this packet's body on. */
  _list: { length: number; slice(from: number, to: number): Buffer; readUInt16BE(at: number): number };
}

interface Packet {
  topic: string;
  qos: number;
}

interface Internals {
  _parser: Parser;
  deliverQoS(packet: Packet, done: () => void): void;
  subscriptions: Record<string, { qos: number }>;
}

export class PacketTooLarge extends Error {}

/** Against the protocol: the connection is closed, as the standard asks. */
class ProtocolError extends Error {}

export interface Guard {
  /** Largest packet taken from now on. */
  allowBytes(maxBytes: number): void;
  /** To be asked in authorizeForward: why this client must be let go, or null. `clients` = how many are connected. */
  overdue(packet: Packet, clients: number): 'stalled' | 'unacknowledged' | null;
  acknowledged(): void;
  unacknowledged(): number;
}

/**
 * Puts limits on a client, right after `broker.handle` gave it.
 *
 * @param refuse called for a packet that has an answer of its own; nothing more is parsed from then on
 */
export function guardClient(client: Client, conn: Duplex, refuse: (problem: ProtocolProblem) => void): Guard {
  const internals = client as unknown as Internals;
  let maxBytes = MAX_CONNECT_BYTES;
  let unacknowledged = 0;
  let viaQos = false;
  limitPackets(internals._parser, () => maxBytes);
  holdToProtocol(internals._parser, refuse);
  limitReadAhead(conn);
  // authorizeForward is not told whether it asks for a QoS 0 subscription; deliverQoS calls it synchronously.
  const deliver = internals.deliverQoS;
  internals.deliverQoS = (packet, done) => {
    viaQos = true;
    deliver(packet, done);
    viaQos = false;
  };
  return {
    allowBytes: (bytes) => { maxBytes = bytes; },
    acknowledged: () => { unacknowledged = Math.max(0, unacknowledged - 1); },
    unacknowledged: () => unacknowledged,
    overdue(packet, clients) {
      if (conn.writableLength > Math.min(MAX_WAITING_BYTES, MAX_WAITING_BYTES_ALL / Math.max(1, clients))) return 'stalled';
      const counts = viaQos && packet.qos > 0 && internals.subscriptions[packet.topic]?.qos !== 0;
      if (counts && unacknowledged >= MAX_UNACKNOWLEDGED) return 'unacknowledged';
      if (counts) unacknowledged += 1;
      return null;
    },
  };
}

/** Refuses from the header on: the length is known before the first byte of the payload is kept. */
function limitPackets(parser: Parser, maxBytes: () => number): void {
  const parseLength = parser._parseLength;
  parser._parseLength = function limited(this: Parser) {
    const known = parseLength.call(this);
    if (known && this.packet.length > maxBytes()) {
      this._emitError(new PacketTooLarge(`packet of ${this.packet.length} bytes`));
      return false;
    }
    return known;
  };
}

/** Looks at each whole packet before mqtt-packet does. */
function holdToProtocol(parser: Parser, refuse: (problem: ProtocolProblem) => void): void {
  const parsePayload = parser._parsePayload;
  let isRefused = false;
  let known: Buffer | null = null;
  parser._parsePayload = function strict(this: Parser) {
    if (isRefused) return false;
    const { packet, _list: list } = this;
    if (list.length < packet.length) return false;
    const topicBytes = packet.cmd === 'publish' && packet.length >= 2 ? list.readUInt16BE(0) : 0;
    const head = list.slice(0, headBytes(packet.cmd, packet.length, topicBytes));
    const topic = packet.cmd === 'publish' ? topicOf(head) : null;
    const isKnown = topic !== null && known?.equals(topic) === true;
    const problem = protocolProblem(packet, head, isKnown);
    if (!problem) {
      // A copy, which holds nothing of what was read with it.
      if (topic && !isKnown) known = Buffer.from(topic);
      return parsePayload.call(this);
    }
    isRefused = true;
    if (problem.answer) refuse(problem);
    else this._emitError(new ProtocolError(problem.detail));
    return false;
  };
}

/** The server's large highWaterMark is meant for writing; reading ahead that much would cost 8 MB a connection. */
function limitReadAhead(conn: Duplex): void {
  (conn as unknown as { _readableState: { highWaterMark: number } })._readableState.highWaterMark = READ_HIGH_WATER_BYTES;
}
