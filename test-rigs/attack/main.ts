/**
 * `npm run rig -- attack [NAME] [--json]`: attacks a gateway and an edge of its own, on this machine alone, one attack after the
 * other, each within a bounded time. Last line with --json: {"attacks":N,"held":N,"failed":[names]}; exit code 1 when one did not hold.
 *
 * `npm run rig -- attack --hostile 2m [--json]`: an edge with a valid token abuses what it may for so long; prints the ack p99 of the
 * others against that before, what of others changed, and the gateway's memory.
 */
import { ATTACKS } from './attacks.ts';
import { hostileEdge } from './hostile.ts';
import { AttackRig, type AttackOutcome } from './rig.ts';

const WITHIN_MS = 60_000;

export async function run(argv: string[]): Promise<number> {
  const json = argv.includes('--json');
  const say = (line: string) => { process.stdout.write(`${line}\n`); };
  const [, forText] = argv.splice(argv.includes('--hostile') ? argv.indexOf('--hostile') : argv.length, 2);
  if (forText !== undefined) return hostileEdge(durationMs(forText), json, say);
  const only = argv.find((word) => !word.startsWith('-'));
  const failed: string[] = [];
  const chosen = ATTACKS.filter(({ name }) => only === undefined || name.includes(only));
  let rig = await new AttackRig().open();
  try {
    for (const attack of chosen) {
      const outcome = await within(attack.run(rig));
      const after: AttackOutcome = await within(rig.alive());
      const held = outcome.held && after.held;
      const detail = outcome.held && !after.held ? `${outcome.detail}; afterwards: ${after.detail}` : outcome.detail;
      if (!held) failed.push(attack.name);
      if (json) say(JSON.stringify({ attack: attack.name, clause: attack.clause, held, detail }));
      else say(`${held ? '✔' : '✖'} ${attack.clause.padEnd(5)} ${attack.name}: ${detail}`);
      if (after.held) continue;
      // What one attack broke is not counted for the next one.
      await rig.close();
      rig = await new AttackRig().open();
    }
  } finally {
    await rig.close();
  }
  say(JSON.stringify({ attacks: chosen.length, held: chosen.length - failed.length, failed }));
  return failed.length === 0 ? 0 : 1;
}

/** What throws, or does not end, did not hold. */
async function within(outcome: Promise<AttackOutcome>): Promise<AttackOutcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<AttackOutcome>((resolve) => {
    timer = setTimeout(() => resolve({ held: false, detail: `not over after ${WITHIN_MS / 1000} s` }), WITHIN_MS);
  });
  try {
    return await Promise.race([outcome.catch((error: Error) => ({ held: false, detail: error.message })), late]);
  } finally {
    clearTimeout(timer);
  }
}

function durationMs(text: string): number {
  const [, count, unit] = /^(\d+)(s|m)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`--hostile takes a duration like 90s or 2m, not ${text}`);
  return Number(count) * (unit === 'm' ? 60_000 : 1000);
}
