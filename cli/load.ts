/** Loads configuration files with the registered drivers and the process environment. */
import { readFileSync } from 'node:fs';
import type { ConfigSource, Secrets } from '../core/config/check.ts';
import type { Driver } from '../core/driver.ts';
import { DRIVERS } from '../drivers/index.ts';
import { checkEdge, type CheckedEdge } from '../edge/config/check.ts';
import type { CheckedGateway } from '../gateway/config/check.ts';

const secrets: Secrets = { env: process.env, readFile: (path) => readFileSync(path, 'utf8') };

/**
 * @param extra drivers outside the registry
 * @param isNeeded see `Secrets`
 */
export function loadEdge(source: ConfigSource, extra: readonly Driver[] = [], isNeeded?: Secrets['isNeeded']): Promise<CheckedEdge> {
  return checkEdge(source, {
    ...secrets,
    ...(isNeeded && { isNeeded }),
    drivers: [...DRIVERS, ...extra.map((driver) => ({ id: driver.id, load: async () => driver }))],
  });
}

export async function loadGateway(source: ConfigSource): Promise<CheckedGateway> {
  // On demand: an edge loads nothing of the gateway.
  const { checkGateway } = await import('../gateway/config/check.ts');
  return checkGateway(source, secrets);
}
