/** The limits of messages between an edge and its gateway. */

/** Of one file. */
export const MAX_EVIDENCE_BYTES = 4 << 20;
export const MAX_EVIDENCE_PART_BYTES = 48 << 10;
/** Its message. */
export const MAX_EVIDENCE_MESSAGE_BYTES = 72 << 10;

/** Ranges that are settled above the mark, in an ack. */
export const MAX_HAVE_RANGES = 256;
/** Unknown devices of an edge in its state. */
export const MAX_UNKNOWN_UP = 50;
/** Devices of an edge in its state. */
export const MAX_DEVICES = 20_000;
