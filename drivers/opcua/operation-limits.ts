/** Limits of a server per call (OPC 10000-5, 6.3.11 OperationLimits), and calls in batches of that size. */
import { AttributeIds, type ClientSession } from 'node-opcua-client';
import { statusNameOf } from './status-name.ts';

export interface OperationLimits {
  read: number;
  items: number;
  history: number;
  browse: number;
}

/** Used where a server has no limit: a size that every server accepts. */
const DEFAULT_LIMIT = 500;
const NODES = { read: 'i=11705', items: 'i=11714', history: 'i=12165', browse: 'i=11710' } as const;

/** Without these nodes, or with 0 in them, the default applies. */
export async function readOperationLimits(session: ClientSession): Promise<OperationLimits> {
  const keys = Object.keys(NODES) as (keyof OperationLimits)[];
  const values = await inBatches(keys, keys.length, (part) =>
    session.read(part.map((key) => ({ nodeId: NODES[key], attributeId: AttributeIds.Value }))),
  );
  const limit = (at: number) => {
    const limit: unknown = values[at]?.value?.value;
    return typeof limit === 'number' && limit > 0 ? Math.min(limit, DEFAULT_LIMIT) : DEFAULT_LIMIT;
  };
  return { read: limit(0), items: limit(1), history: limit(2), browse: limit(3) };
}

const TOO_MUCH = new Set([
  'BadTooManyOperations',
  'BadEncodingLimitsExceeded',
  'BadRequestTooLarge',
  'BadResponseTooLarge',
  'BadTcpMessageTooLarge',
]);

/** Makes one call per batch of at most `size`; a batch that the server finds too large is halved. Results in order. */
export async function inBatches<T, R>(all: readonly T[], size: number, call: (part: readonly T[]) => Promise<readonly R[]>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += size) results.push(...await halving(all.slice(at, at + size), call));
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
