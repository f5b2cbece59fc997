/** An edge with 100 and with 10,000 devices: what each costs in memory, and what all cost in events a second. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { freePort } from '../../../core/free-port.ts';
import { result, type BenchResult } from '../result.ts';
import { printBench, withRig } from '../rig.ts';

const FEW = 100;
const MANY = 10_000;
const ROUNDS = 2;
const TARGET_BYTES = 8192;
const run = promisify(execFile);

interface Grown {
  perSecond: number;
  heldBytes: number;
}

export async function benchGrowth(seconds: number): Promise<BenchResult[]> {
  const runs = new Map<number, Grown[]>([[FEW, []], [MANY, []]]);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const devices of [FEW, MANY]) {
      const grown = await edgeWith(devices, seconds);
      runs.get(devices)?.push(grown);
      printBench(
        `edge with ${devices} devices: ${Math.round(grown.perSecond)} events/s, ${(grown.heldBytes / 2 ** 20).toFixed(1)} MB held`,
      );
    }
  }
  const best = (devices: number) => Math.max(...(runs.get(devices) as Grown[]).map(({ perSecond }) => perSecond));
  const least = (devices: number) => Math.min(...(runs.get(devices) as Grown[]).map(({ heldBytes }) => heldBytes));
  return [
    result('growth-events', best(MANY), 'events/s with 10,000 devices', { '100 devices': best(FEW) }),
    result('growth-memory', (least(MANY) - least(FEW)) / (MANY - FEW), 'B a device', { target: TARGET_BYTES }),
  ];
}

async function edgeWith(devices: number, seconds: number): Promise<Grown> {
  return withRig(async (rig) => {
    const path = join(rig.dir, 'edge.yaml');
    writeFileSync(
      path,
      stringify({
        edge: 'growth',
        centre: '500112001',
        gateway: { url: `mqtt://127.0.0.1:${await freePort()}`, token: 'none' },
        log: { dir: './log', maxBytes: '256MB' },
        devices: Array.from({ length: devices }, (_, at) => ({
          id: `d${at}`,
          driver: 'growth',
          every: '1h',
          points: [{ id: 'n', indicator: 'BN-GRW-001' }],
        })),
      }),
    );
    const { stdout } = await run(process.execPath, ['--expose-gc', join(import.meta.dirname, 'growth-main.ts'), path, String(seconds)], {
      maxBuffer: 1 << 26,
    });
    const { heard, ...grown } = JSON.parse(stdout.trim().split('\n').at(-1) as string) as Grown & { heard: number };
    if (heard !== devices) throw new Error(`${heard} of ${devices} devices were heard`);
    return grown;
  });
}
