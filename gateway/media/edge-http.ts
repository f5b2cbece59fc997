/** Where an edge's own HTTP may be asked. What an edge states of its address is not believed: its origin counts, and only on the host it speaks from, or where the configuration puts it. */
import { isIPv6 } from 'node:net';
import { isLoopback } from '../../core/net.ts';

export interface EdgeHttpKnown {
  /** Address that the edge is connected from; null where an external broker stands between. */
  peer: string | null;
  /** Its origin by the configuration. */
  configured: string | null;
}

/** `0.0.0.0` is this machine to whoever connects to it. */
const THIS_MACHINE = new Set(['0.0.0.0', '[::]', '[::1]', 'localhost']);

/** @returns the origin to ask, or null: the edge may not send anybody there */
export function edgeOrigin(stated: string, { peer, configured }: EdgeHttpKnown): string | null {
  if (configured !== null) return originOf(configured);
  const origin = originOf(stated);
  if (origin === null || peer === null) return null;
  const { hostname } = new URL(origin);
  const isOwn = isLoopback(peer) ? THIS_MACHINE.has(hostname) || isLoopback(hostname) : hostname === hostnameOf(peer);
  return isOwn ? origin : null;
}

/** Scheme, host and port alone; null for what is more than that. */
export function originOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, username, password, pathname, search, hash, origin } = new URL(text);
  const isOrigin =
    (protocol === 'http:' || protocol === 'https:') &&
    username === '' &&
    password === '' &&
    pathname === '/' &&
    search === '' &&
    hash === '';
  return isOrigin ? origin : null;
}

/** As it stands in a URL; IPv4 in IPv6 is IPv4. */
function hostnameOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
  return isIPv6(plain) ? new URL(`http://[${plain}]`).hostname : plain;
}

/** Headers by which an edge knows its gateway. */
export const bearer = (key: string | null): Record<string, string> => (key === null ? {} : { authorization: `Bearer ${key}` });

/** The body of an answer, or null when it is larger than it may be. */
export async function readBounded({ body }: Response, maxBytes: number): Promise<string | null> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body ?? []) {
    bytes += piece.length;
    if (bytes > maxBytes) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
