/** Damages copies of a log, one after the other, and checks each. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryDir } from '../../core/testing/temp-dir.ts';
import { seededRandom } from '../../core/world.ts';
import { checkDamaged, type DamageCheck } from './check.ts';
import { TRUNCATED, bitFlips, GARBAGE, ZEROED, type FileDamage } from './damage.ts';
import { copyFolder, makeLogFolder, type LogFolderKind, type LogFolder } from './folders.ts';

export interface DamageResult {
  log: LogFolderKind;
  left: 'closed' | 'killed';
  damage: string;
  trials: number;
  wrong: number;
  /** Trials after which something was lost, and groups lost in all, and at most in one trial. */
  withLoss: number;
  lostGroups: number;
  mostGroups: number;
  salvaged: number;
  failures: string[];
}

export interface DamagePlan {
  seed: number;
  /** Trials of each kind of damage. */
  trials: number;
  say(line: string): void;
}

export async function runDamages(plan: DamagePlan): Promise<DamageResult[]> {
  const { dir, remove } = await memoryDir();
  try {
    const results: DamageResult[] = [];
    for (const kind of ['edge', 'gateway'] as const) {
      for (const killed of [false, true]) {
        const folder = await makeLogFolder(dir, kind, killed);
        for (const [damage, trials] of damagesFor(killed, plan.trials)) {
          const result = await runTrials(folder, damage, { ...plan, trials }, join(dir, 'trial'));
          plan.say(damageLine(result));
          results.push(result);
        }
      }
    }
    return results;
  } finally {
    await remove();
  }
}

function damagesFor(killed: boolean, trials: number): [FileDamage, number][] {
  const fewer = Math.ceil(trials / 4);
  return [
    [bitFlips(1, 'file'), trials],
    ...(killed ? [[bitFlips(1, 'write-ahead log'), trials] satisfies [FileDamage, number]] : []),
    [bitFlips(2, 'any'), fewer], [bitFlips(20, 'any'), fewer], [bitFlips(200, 'any'), Math.ceil(fewer / 4)],
    [TRUNCATED, fewer], [ZEROED, fewer], [GARBAGE, fewer],
  ];
}

export async function runTrials(
  folder: LogFolder,
  damage: FileDamage,
  { seed, trials }: { seed: number; trials: number },
  copy: string,
): Promise<DamageResult> {
  const result: DamageResult = {
    log: folder.kind,
    left: folder.killed ? 'killed' : 'closed',
    damage: damage.name,
    trials,
    wrong: 0,
    withLoss: 0,
    lostGroups: 0,
    mostGroups: 0,
    salvaged: 0,
    failures: [],
  };
  for (let trial = 0; trial < trials; trial += 1) {
    await rm(copy, { recursive: true, force: true });
    await mkdir(copy);
    await copyFolder(folder.dir, copy);
    const done = await damage.run(copy, seededRandom(seed * 1_000_003 + trial));
    try {
      add(result, await checkDamaged(folder, copy));
    } catch (error) {
      result.failures.push(`seed ${seed} trial ${trial}: ${done}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  return result;
}

function add(result: DamageResult, { wrong, lostNumbers, lostGroups, salvaged }: DamageCheck): void {
  result.wrong += wrong;
  result.withLoss += lostNumbers > 0 ? 1 : 0;
  result.lostGroups += lostGroups;
  result.mostGroups = Math.max(result.mostGroups, lostGroups);
  result.salvaged += salvaged;
}

function damageLine({ log, left, damage, trials, wrong, withLoss, lostGroups, mostGroups, salvaged, failures }: DamageResult): string {
  return `${log}, ${left}, ${damage}: ${trials} trials, wrong values ${wrong}, ${withLoss} with a loss (${lostGroups} groups, at most ${mostGroups} at once), ${salvaged} files salvaged, ${failures.length} broken promises`;
}
