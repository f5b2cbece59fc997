/**
 * `npm run rig -- dtu [--json] [--units 200] [--seconds 30] [--seed 1]`: data units on one port, dropped, half open and
 * redialling, with heartbeats in the middle of answers. No value may be wrong, and a half-open connection has to be
 * replaced within one dial.
 */
import { runFleet } from './fleet.ts';

export async function run(argv: string[]): Promise<number> {
  const options = {
    units: numberAfter(argv, '--units') ?? 200,
    seconds: numberAfter(argv, '--seconds') ?? 30,
    seed: numberAfter(argv, '--seed') ?? 1,
  };
  const result = await runFleet({ ...options, mishapMs: 40 });
  const { wrong, replacedLate, missing, good } = result;
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    process.stdout.write(`${result.units} units, ${good} good values, ${wrong} wrong, ${result.bad} bad\n`);
    process.stdout.write(
      `${result.drops} drops, ${result.halfOpen} half open (${replacedLate} not replaced by one dial), ${result.heartbeatsInside} heartbeats inside answers\n`,
    );
    process.stdout.write(`slowest return ${result.backMs} ms, ${missing} units missing at the end\n`);
  }
  return good > 0 && wrong === 0 && replacedLate === 0 && missing === 0 ? 0 : 1;
}

function numberAfter(argv: readonly string[], name: string): number | undefined {
  const at = argv.indexOf(name);
  return at < 0 ? undefined : Number(argv[at + 1]);
}
