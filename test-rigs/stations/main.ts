/**
 * `npm run rig -- stations [--json] [--stations 500] [--seconds 60] [--fault cut@20s] [--seed 1]`: `cityvitals replay
 * CASE --serve` stands as so many HJ 212 stations on one port of a real edge before a real gateway. Each is cut once,
 * the network breaks every 12 s, the edge is killed (−9) in the middle; whatever was answered to a station has to be at
 * the gateway as it was sent.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runStations } from './run.ts';

export async function run(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      json: { type: 'boolean', default: false },
      stations: { type: 'string', default: '500' },
      seconds: { type: 'string', default: '60' },
      fault: { type: 'string', default: 'cut@20s' },
      seed: { type: 'string', default: '1' },
    },
  });
  const dir = mkdtempSync(join(tmpdir(), 'cityvitals-stations-'));
  try {
    const result = await runStations({
      stations: Number(values.stations),
      seconds: Number(values.seconds),
      fault: values.fault,
      seed: Number(values.seed),
      dir,
    });
    const { stations, answeredStations, said, answered, lost, values: count, edgeMb, standInsMb } = result;
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else
      process.stdout.write(
        `${answeredStations} of ${stations} stations, ${said} uploads, ${answered} answered; ${lost} of their ${count} values lost; edge ${edgeMb.join(' → ')} MB, stand-ins ${standInsMb.join(' → ')} MB\n`,
      );
    return answeredStations === stations && lost === 0 ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
