/** What an edge and the process of a live view say to each other. */

export interface LiveStart {
  kind: 'start';
  /** For ffmpeg: where from. */
  input: string[];
  filters: string[];
  /** Its standard input, where an address with a password goes; '' for none. */
  stdin: string;
  mask: readonly (readonly (readonly [number, number])[])[];
  /** Said to each viewer, before its first picture. */
  scene: string;
  /** Whoever connects must name it. */
  key: string;
  /** Ends by itself when nobody has watched for so long. */
  lingerMs: number;
}

/** To be said to all viewers now. */
export interface ViewerMessage {
  kind: 'note';
  text: string;
}

/** Why it ends, as far as it can know: what became of the ffmpeg that reads, and what it said. */
export interface LiveEnd {
  kind: 'end';
  /** Both came to an end because nobody watches any more. */
  isIdle: boolean;
  /** Code of the system, such as ENOENT, when ffmpeg could not even be started. */
  startError?: string;
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Bounded; with secrets in it. */
  said: string;
  /** It was killed since no picture had come for so long. */
  silentMs?: number;
}

/** flows: pictures went out, said about once a second. dropped: a piece that a gateway did not take in time. */
export type LiveWorkerMessage = { kind: 'ready'; port: number } | { kind: 'flows' } | { kind: 'dropped' } | LiveEnd;
