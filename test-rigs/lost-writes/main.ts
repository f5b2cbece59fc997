/**
 * `npm run rig -- lost-writes [--events 20000] [--kills 10] [--broker embedded|mosquitto|both] [--seed 1] [--without-force[=TEXT]] [--json] [--keep]`:
 * as chaos, on a disk that loses what was not forced: after each kill of edge or gateway its folder is what it forced, bytes
 * and names. Beside the numbers, commands are given, devices bound, warnings raised, events followed; in the end both are
 * killed once more, and all that was acknowledged or shown is looked for, and the logs and journals are read back.
 * With --without-force forced writes count as nothing, of files whose path has TEXT in it (`edge/`, `gateway-log`, `-wal`):
 * then it must find something. Needs gcc.
 * The last line is {"runs":[{"broker","witnessed","stored","missing",…,"lost":{"names","files","pages"},"problems":[]}]}.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { verifyJournal } from '../../log/journal.ts';
import { STREAMS } from '../../core/event.ts';
import { verifyLog } from '../../log/verify.ts';
import { runChaos, type ChaosExtras, type ChaosOptions, type ChaosOutcome } from '../chaos/run.ts';
import { WriteActions, type LostWriteFindings } from './acts.ts';
import { ForcedFolder, type LostWrite } from './forced.ts';

const MAX_PROBLEMS = 20;

type Who = 'edge' | 'gateway';
type Broker = ChaosOptions['broker'];
export type LostWritesOutcome = ChaosOutcome & LostWriteFindings & { broker: Broker; lost: LostWrite };

export async function run(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv.map((word) => (word === '--without-force' ? '--without-force=' : word)),
    options: {
      events: { type: 'string', default: '20000' },
      kills: { type: 'string', default: '10' },
      broker: { type: 'string', default: 'both' },
      seed: { type: 'string', default: '1' },
      'without-force': { type: 'string' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const [events, kills, seed] = [values.events, values.kills, values.seed].map(Number) as [number, number, number];
  const brokers = ({ embedded: ['embedded'], mosquitto: ['mosquitto'], both: ['embedded', 'mosquitto'] } as Record<string, Broker[]>)[
    values.broker
  ];
  if (!brokers || !(events >= 100) || !(kills >= 0) || !Number.isSafeInteger(seed)) {
    process.stderr.write('lost-writes: --events 20000 --kills 10 --broker embedded|mosquitto|both --seed 1\n');
    return 2;
  }
  const runs: LostWritesOutcome[] = [];
  for (const broker of brokers) {
    const dir = await mkdtemp(join(tmpdir(), 'cityvitals-lost-writes-'));
    const outcome = await runLostWrites({
      events,
      kills,
      broker,
      seed,
      dir,
      not: values['without-force'],
      say: (line) => {
        process.stderr.write(`${line}\n`);
      },
    });
    runs.push(outcome);
    if (values.keep || outcome.problems.length > 0) process.stderr.write(`logs and data: ${dir}\n`);
    else rmSync(dir, { recursive: true, force: true });
    if (!values.json)
      process.stdout.write(
        `${broker}: ${outcome.problems.length === 0 ? 'nothing acknowledged is missing' : outcome.problems.slice(0, 10).join('\n  ')}\n`,
      );
  }
  process.stdout.write(`${JSON.stringify({ runs })}\n`);
  return runs.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

export interface LostWritesOptions extends Pick<ChaosOptions, 'events' | 'kills' | 'broker' | 'seed' | 'dir' | 'say'> {
  /** Forced writes of files whose path has this text in it count as nothing. */
  not?: string | undefined;
}

/** What stops a run, such as a process that does not start any more, is a problem as well. */
export async function runLostWrites({ not, ...options }: LostWritesOptions): Promise<LostWritesOutcome> {
  const { dir, events, broker } = options;
  const acts = new WriteActions(events);
  const folders = new Map<Who, ForcedFolder>();
  const lost: LostWrite = { names: 0, files: 0, pages: 0 };
  const beside: ChaosExtras = {
    gateway: { ...acts.gateway, log: { dir: './gateway-log', maxBytes: '32MB' } },
    // Small files, so that they are begun and sealed often.
    edge: { log: { dir: './edge-log', maxBytes: '32MB' } },
    get devices() { return acts.devices; },
    async env(who, root) {
      if (who === 'gateway') {
        mkdirSync(join(root, 'rules'));
        for (const [name, text] of Object.entries(acts.rules)) writeFileSync(join(root, 'rules', name), text);
      }
      const folder = new ForcedFolder(root, join(dir, `forced-${who}`), not);
      folders.set(who, folder);
      return folder.env();
    },
    killed(who) {
      const now = folders.get(who)?.lose() ?? { names: 0, files: 0, pages: 0 };
      for (const key of ['names', 'files', 'pages'] as const) lost[key] += now[key];
      options.say(`${who} lost ${now.names} names and ${now.pages} pages of ${now.files} files`);
    },
    started: (url) => acts.start(url),
    settle: () => acts.settle(),
    looked: async () => { findings = await acts.verify(); },
  };
  let findings: LostWriteFindings = { commands: 0, bindings: 0, warnings: 0, shown: 0, problems: [] };
  let outcome: ChaosOutcome = {
    witnessed: 0,
    stored: 0,
    missing: 0,
    duplicates: 0,
    disordered: 0,
    kills: 0,
    killsBy: { edge: 0, gateway: 0, broker: 0 },
    killsInFlight: 0,
    killsInCompaction: 0,
    seed: options.seed,
    seconds: 0,
  };
  const problems: string[] = [];
  try {
    await acts.open();
    // About 40 seconds of numbers for large runs.
    outcome = await runChaos({ ...options, perSecond: Math.min(4000, Math.max(400, Math.round(events / 40))), beside });
    const { missing, duplicates, disordered, stored, witnessed } = outcome;
    if (missing + duplicates + disordered > 0 || stored !== witnessed || witnessed < events)
      problems.push(
        `of ${witnessed} numbers ${missing} are missing, ${duplicates} are there twice, ${disordered} are out of order, ${stored} are stored`,
      );
    problems.push(...(await readBack(dir)));
  } catch (error) {
    problems.push((error as Error).message);
  } finally {
    await acts.close();
  }
  const all = [...problems, ...findings.problems];
  return {
    ...outcome,
    ...findings,
    broker,
    lost,
    problems: all.length > MAX_PROBLEMS ? [...all.slice(0, MAX_PROBLEMS), `and ${all.length - MAX_PROBLEMS} more`] : all,
  };
}

/** Logs and journals as they lie there when everything has ended. */
async function readBack(dir: string): Promise<string[]> {
  const found: string[] = [];
  for (const [name, form] of [
    ['edge/edge-log', { chains: STREAMS, origins: false }],
    ['gateway/gateway-log', { chains: ['log'], origins: true }],
  ] as const) {
    const check = verifyLog(join(dir, name), form, false);
    let step = check.next();
    while (!step.done) step = check.next();
    found.push(...step.value.faults.map(({ code, params }) => `${name}: ${code} ${JSON.stringify(params)}`));
  }
  for (const name of ['edge/edge-log/commands', 'gateway/gateway-log/commands', 'gateway/gateway-log/bindings']) {
    const { faults } = await verifyJournal(join(dir, name));
    found.push(...faults.map(({ code, params }) => `${name}: ${code} ${JSON.stringify(params)}`));
  }
  return found;
}
