/** Runs in mounts of its own (`mounted.ts`): what logs and an edge do on a disk of 20 MB. Prints the results as JSON. */
import { join } from 'node:path';
import { edgeLogOnFullDisk } from './full-edge-log.ts';
import { gatewayLogOnFullDisk } from './full-gateway-log.ts';
import { DISK_BYTES, mountDisk } from './mounted.ts';
import type { PartResult } from './result.ts';
import { wholeEdgeOnFullDisk } from './full-edge.ts';

const dir = process.argv[2] as string;
const say = (line: string) => process.stderr.write(`${line}\n`);
const results: PartResult[] = [];
for (const [name, part] of [
  ['edge-log', edgeLogOnFullDisk],
  ['gateway-log', gatewayLogOnFullDisk],
  ['edge', wholeEdgeOnFullDisk],
] as const) {
  const at = join(dir, name, 'disk');
  await mountDisk(at, DISK_BYTES);
  const result = await part({ dir: join(dir, name), disk: at, say });
  say(`${result.name}: ${JSON.stringify(result.figures)} ${result.failures.join('; ')}`);
  results.push(result);
}
process.stdout.write(JSON.stringify(results));
