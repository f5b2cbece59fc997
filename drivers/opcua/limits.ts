/** How much a server takes in one call (OPC 10000-5, 6.3.11 OperationLimits), and calls cut to that. */
import { AttributeIds, type ClientSession } from 'node-opcua-client';
import { statusNameOf } from './status-of.ts';

export interface Limits {
  read: number;
  items: number;
  history: number;
  browse: number;
}

/** What we ask for at once where a server names no limit: messages of a size that every server takes. */
const OURS = 500;
const NODES = { read: 'i=11705', items: 'i=11714', history: 'i=12165', browse: 'i=11710' } as const;

/** Servers without these nodes, or with 0 in them, have no limit to tell. */
export async function readLimits(session: ClientSession): Promise<Limits> {
  const keys = Object.keys(NODES) as (keyof Limits)[];
  const values = await inParts(keys, keys.length, (part) => session.read(part.map((key) => ({ nodeId: NODES[key], attributeId: AttributeIds.Value }))));
  const limit = (at: number) => {
    const told: unknown = values[at]?.value?.value;
    return typeof told === 'number' && told > 0 ? Math.min(told, OURS) : OURS;
  };
  return { read: limit(0), items: limit(1), history: limit(2), browse: limit(3) };
}

const TOO_MUCH = new Set(['BadTooManyOperations', 'BadEncodingLimitsExceeded', 'BadRequestTooLarge', 'BadResponseTooLarge', 'BadTcpMessageTooLarge']);

/** Makes one call for each part of at most `most`; a server that still finds it too much gets halves. Results in order. */
export async function inParts<T, R>(all: readonly T[], most: number, call: (part: readonly T[]) => Promise<readonly R[]>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += most) results.push(...await halving(all.slice(at, at + most), call));
  return results;
}

async function halving<T, R>(part: readonly T[], call: (part: readonly T[]) => Promise<readonly R[]>): Promise<readonly R[]> {
  try {
    return await call(part);
  } catch (error) {
    if (part.length < 2 || !TOO_MUCH.has(statusNameOf(error) ?? '')) throw error;
    const half = Math.ceil(part.length / 2);
    return [...await halving(part.slice(0, half), call), ...await halving(part.slice(half), call)];
  }
}
