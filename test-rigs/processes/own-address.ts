/** An address of this machine that is not loopback: what is sent there does not leave it, and counts as from beyond it. */
import { networkInterfaces } from 'node:os';

export function ownAddress(): string | null {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? null;
}
