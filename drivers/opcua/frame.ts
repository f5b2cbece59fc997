/** One value of one node as the server sent it. Cases contain these, one JSON object per line. */
export interface OpcuaFrame {
  point: string;
  node: string;
  /** Name of the built-in type (OPC 10000-6, 5.1.2): Double, Int32, Boolean, String, Int64 … */
  type: string;
  /** Int64 and UInt64 as decimal text; null for an array or a structure, see `shape`. */
  value: number | boolean | string | null;
  shape: 'scalar' | 'array' | 'other';
  /** The whole 32-bit StatusCode. */
  status: number;
  /** ms UTC. */
  sourceAt: number | null;
  serverAt: number | null;
  /** Read from the server's history after a disconnect. */
  history?: true;
}

/** A keep-alive: nothing has changed. */
export interface OpcuaAlive {
  alive: true;
}

/** Values of a point that are lost: the server's queue overflowed, or it was unreachable. */
export interface OpcuaMissed {
  missed: {
    point: string;
    /** ms UTC: the last value before and the first after; neither is missing. */
    fromAt: number;
    toAt: number;
    /** Estimated from the interval of the values before, at least 1. */
    count: number;
    reason: 'device_overflow' | 'device_away';
  };
}

/** The result of a write. */
export interface OpcuaWritten {
  written: {
    point: string;
    node: string;
    /** Name of the StatusCode: the server's, or the one for a value that does not fit the node. */
    status: string;
  };
}

export type OpcuaMessage = OpcuaFrame | OpcuaAlive | OpcuaMissed | OpcuaWritten;

/** Below this difference source and server clock count as equal; it is transmission time. */
export const SAME_CLOCK_MS = 5000;

/** The source time is later than the sending: one of the two clocks is wrong, and which one is unknown. */
export const isAheadOfSending = ({ sourceAt, serverAt }: Pick<OpcuaFrame, 'sourceAt' | 'serverAt'>): boolean =>
  sourceAt !== null && serverAt !== null && sourceAt - serverAt >= SAME_CLOCK_MS;
