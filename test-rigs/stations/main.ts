/**
 * `npm run rig -- stations [--json] [--stations 500] [--seconds 30] [--seed 1]`: HJ 212 data loggers on one port of a
 * real edge before a real gateway. Connections break all the time and the edge is killed (−9) in the middle; whatever
 * was answered to a logger has to be at the gateway, once an upload.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runStations } from './run.ts';

export async function run(argv: string[]): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'cityvitals-stations-'));
  try {
    const result = await runStations({ stations: numberAfter(argv, '--stations') ?? 500, seconds: numberAfter(argv, '--seconds') ?? 30, seed: numberAfter(argv, '--seed') ?? 1, dir });
    const { stations, uploaded, answered, lost, drops, rssMb } = result;
    if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
    else process.stdout.write(`${stations} stations, ${uploaded} uploads, ${answered} answered, ${lost} of them lost; ${drops} broken connections, one killed edge; edge ${rssMb.join(' → ')} MB\n`);
    return answered > 0 && lost === 0 ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function numberAfter(argv: readonly string[], name: string): number | undefined {
  const at = argv.indexOf(name);
  return at < 0 ? undefined : Number(argv[at + 1]);
}
