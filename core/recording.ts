/**
 * What a driver says so that its device can be recorded and played back. Part of the driver's contract: pure functions
 * over bytes, or over frames where bytes would say nothing (encryption, a library's own session, pictures).
 *
 * Bytes are taken where the driver meets the outside world: at the sockets and serial lines of its `world.net`. So a
 * driver that is recorded by bytes opens nothing by itself; it asks `world.net` to connect, listen, bind or open a line.
 */

import type { Fault } from './faults.ts';

/** `in` comes from the device, `out` goes to it. */
export type Direction = 'in' | 'out';

/** Some bytes of a message, by name. */
export interface ByteSpan {
  name: string;
  at: number;
  length: number;
}

/** What matters of one whole message. All spans lie within it. */
export interface MessageNotes {
  /** `asks`: the other side answers it; `answers`: it is an answer; `speaks`: neither (a report, a heartbeat). */
  role: 'asks' | 'answers' | 'speaks';
  /**
   * What differs from one asking to the next although the same is asked: transaction ids, sequence numbers, nonces,
   * the asker's clock. Two questions are the same when all else is. An answer takes over those of its question's that go
   * by the same name and have the same length.
   */
  correlators?: readonly ByteSpan[];
  /** Passwords, keys, phone numbers: masked in a recording, with their length kept. */
  secrets?: readonly ByteSpan[];
  /** By which the device says who it is: rewritten where one recording stands for many devices. */
  identities?: readonly ByteSpan[];
}

/** A question of a recording with one of its answers, both as whole messages. */
export interface RecordedExchange {
  question: Uint8Array;
  answer: Uint8Array;
}

/** A device as it would stand in a configuration: settings and points as they are written there. */
export interface SurveyedDevice {
  id: string;
  settings: Record<string, unknown>;
  points: Record<string, unknown>[];
}

/** A message of a capture, for `survey`. */
export interface SurveyedMessage {
  direction: Direction;
  bytes: Uint8Array;
}

/** Of a device that keeps what it reported until it is answered, and sends it again. */
interface KeptReports<S> {
  /** Whether the device keeps this message of its own. */
  waits(report: Uint8Array, settings: S): boolean;
  /** Whether the device forgets that report for this answer. One answer is taken for one report, the oldest that it fits. */
  settles(answer: Uint8Array, report: Uint8Array, settings: S): boolean;
  /** It is sent again when it was not answered for so long, and on a new connection at once. */
  againAfterMs: number;
}

/** How conversations of this protocol are found in a packet capture. */
export interface CaptureRules<S> {
  /** Well-known ports of the side that listens. Empty: found by the bytes alone. */
  tcp?: readonly number[];
  udp?: readonly number[];
  /** Which side of a conversation is the device: the one that listens, or the one that dialled. */
  device: 'listens' | 'dials';
  /** Settings with which `cut` and `notes` read a capture, as written in a configuration. */
  settings: Record<string, unknown>;
  /**
   * The devices that a conversation shows, with settings and points as they would be configured. Without it, a capture
   * becomes a case only with settings given by hand.
   *
   * @param place the device's address, or the one that it dialled
   */
  survey?(messages: readonly SurveyedMessage[], place: { host: string; port: number }, settings: S): SurveyedDevice[];
}

export interface BytesRecording<S, P, R, Frame = unknown> {
  level: 'bytes';
  /**
   * Cuts a stream into messages. Datagrams are cut too: one may hold several messages.
   *
   * @returns the length of the message at the head of `bytes`; null while more is needed; 0 when no message begins here
   *   (the next byte is tried)
   */
  cut(bytes: Uint8Array, direction: Direction, settings: S): number | null;
  /** Reads one whole message, as `cut` cuts them. @returns null when it is none of this protocol */
  notes(message: Uint8Array, direction: Direction, settings: S): MessageNotes | null;
  /**
   * Makes a message whole again after some of its bytes were replaced, in place: checksums, signatures. Lengths never
   * change. Left out where the protocol has none.
   */
  seal?(message: Uint8Array, direction: Direction, settings: S): void;
  /**
   * Whether an answer belongs to a question that was asked before it on the same connection. Default: all correlators
   * that both have are equal; where they have none, the answer is that of the newest question.
   */
  belongs?(answer: Uint8Array, question: Uint8Array, settings: S): boolean;
  /**
   * Needed of polled drivers: the request that was sent as this message, so that it can be made again at its time.
   *
   * @param points those of one device
   * @returns null when it is none that this device's link would make by itself at the host's word
   */
  requestOf?(message: Uint8Array, points: readonly P[], settings: S): R | null;
  /**
   * Polled drivers, in captures: an exchange of which `requestOf` knows nothing, since others ask more than we do.
   *
   * @returns the answer's frame with its request, so that `decode` says what it gives or why it gives nothing; null when
   *   it is none of this device
   */
  exchangeOf?(
    exchange: RecordedExchange,
    points: readonly P[],
    settings: S,
  ): { frame: Frame; request: R; fault?: undefined } | { fault: Fault; frame?: undefined; request?: undefined } | null;
  /**
   * For standing as the device: the answer to a question that was never asked in this form, as far as it lies in a
   * recorded answer (a register of a block). It carries the question's correlators. @returns null when it does not
   */
  partOf?(question: Uint8Array, recorded: RecordedExchange, settings: S): Uint8Array | null;
  /** For standing as the device: its refusal of what the recording does not know. Left out, or null: silence. */
  refusal?(question: Uint8Array, settings: S): Uint8Array | null;
  /** For standing as the device now: the message with its own times later by so much. Left out: as recorded. */
  retime?(message: Uint8Array, byMs: number, settings: S): Uint8Array;
  /**
   * Of a protocol that begins with a session: where one is under way when somebody begins to listen, its frames are
   * taken in place of bytes. The frame as a JSON object which `frameReader.read` takes back to the same frame; null: not recorded.
   */
  line?(frame: Frame, request?: R): Record<string, unknown> | null;
  /** For standing as the device. Left out: what was said is said. */
  keeps?: KeptReports<S>;
  /** Left out: captures cannot be taken in. */
  captures?: CaptureRules<S>;
}

export interface FramesRecording<Frame, R> {
  level: 'frames';
  /** Why not by bytes: words for the case's head. */
  above: { en: string; zh: string };
  /** The frame as a JSON object which `frameReader.read` takes back to the same frame; secrets masked. null: not recorded. */
  line(frame: Frame, request?: R): Record<string, unknown> | null;
}

export type Recording<S, P, Frame, R> = BytesRecording<S, P, R, Frame> | FramesRecording<Frame, R>;
