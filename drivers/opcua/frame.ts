/** The typed frame: one value of one node as the server sent it. Cases hold these, one JSON object a line. */
export interface OpcuaFrame {
  point: string;
  node: string;
  /** Name of the built-in type (OPC 10000-6, 5.1.2): Double, Int32, Boolean, String, Int64 … */
  type: string;
  /** Int64 and UInt64 as decimal text; an array or a structure as null with `shape` telling so. */
  value: number | boolean | string | null;
  shape: 'scalar' | 'array' | 'other';
  /** The whole 32-bit StatusCode. */
  status: number;
  /** ms UTC. */
  sourceAt: number | null;
  serverAt: number | null;
  /** Read from the server's history, after a time in which nobody could hear it. */
  history?: true;
}

/** The server has nothing to tell: what it said of every node still holds. */
export interface OpcuaAlive {
  alive: true;
}

/** Values of a point that the server had and that will never come: its queue ran over, or it was out of reach. */
export interface OpcuaMissed {
  missed: {
    point: string;
    /** ms UTC: the last value before and the first after, neither of them missing. */
    fromAt: number;
    toAt: number;
    /** By the pace of the values before, at least 1: how many there were, nobody knows. */
    count: number;
    reason: 'device_overflow' | 'device_away';
  };
}

/** What became of a write. */
export interface OpcuaWritten {
  written: {
    point: string;
    node: string;
    /** The name of the StatusCode: the server's, or the one it would give for a value that its node cannot take. */
    status: string;
  };
}

export type OpcuaMessage = OpcuaFrame | OpcuaAlive | OpcuaMissed | OpcuaWritten;

/** Source and server may each have a clock; below it the two are one, and the way between them is what differs. */
export const SAME_CLOCK_MS = 5000;

/** The server sends what its source is said to measure only later: one of the two clocks is wrong, and which is not known. */
export const isAheadOfSending = ({ sourceAt, serverAt }: Pick<OpcuaFrame, 'sourceAt' | 'serverAt'>): boolean => sourceAt !== null && serverAt !== null && sourceAt - serverAt >= SAME_CLOCK_MS;
