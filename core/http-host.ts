/**
 * Which names an HTTP server answers to. A page of the Internet can have its own name point at this machine (DNS
 * rebinding), and a browser then takes our answers for that page's; only the Host header tells them apart.
 */
import { isIP } from 'node:net';
import { isLoopback } from './net.ts';

/** Whether an address to listen on is reached from this machine alone. */
export const isLocalHost = (host: string): boolean => host === 'localhost' || isLoopback(host);

/** The name in a Host header, in small letters, without port and brackets; null where it is none. */
export function nameOfHost(header: string): string | null {
  const name = /^(?:\[([\da-f:.]{2,45})\]|([^\s:[\]/@?#]{1,253}))(?::\d{1,5})?$/i.exec(header);
  return name ? (name[1] ?? name[2] ?? '').toLowerCase().replace(/\.$/, '') : null;
}

/**
 * @param listened the address that is listened on, as configured
 * @param hosts further names, as configured
 * @param header the Host header; only HTTP/1.0 has none, and no browser speaks that
 */
export function isHostAllowed(listened: string, hosts: readonly string[], header: string | undefined): boolean {
  if (header === undefined) return true;
  const name = nameOfHost(header);
  if (name === null) return false;
  // An address cannot be made to point elsewhere: only names can. Behind a port that is forwarded, the address is not even ours.
  return (
    isIP(name) > 0
    || name === 'localhost'
    || name.endsWith('.localhost')
    || [listened, ...hosts].some((one) => one.toLowerCase().replace(/\.$/, '') === name)
  );
}
