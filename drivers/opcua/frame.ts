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
}

/** The server has nothing to tell: what it said of every node still holds. */
export interface OpcuaAlive {
  alive: true;
}

export type OpcuaMessage = OpcuaFrame | OpcuaAlive;
