/**
 * `npm run chaos`: edge, gateway and broker as processes, numbers through the real line, −9 at random; then every
 * number that the edge acknowledged is looked for at the gateway, in its events and in its store.
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDurationMs } from '../../core/quantity.ts';
import { runChaos, type ChaosOptions } from './run.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '5000' },
    kills: { type: 'string', default: '6' },
    freezes: { type: 'string', default: '0' },
    broker: { type: 'string', default: 'embedded' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string' },
    compaction: { type: 'boolean', default: false },
    fsync: { type: 'string' },
    tls: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) usage(0);
const events = whole(values.events, 'events');
const options: ChaosOptions = {
  events,
  kills: whole(values.kills, 'kills'),
  freezes: whole(values.freezes, 'freezes'),
  broker:
    values.broker === 'mosquitto' || values.broker === 'embedded'
      ? values.broker
      : usage(2, `--broker ${values.broker}: embedded or mosquitto`),
  seed: whole(values.seed, 'seed'),
  // About a minute of numbers for large runs, and never more than a device clock allows (1 per ms and device).
  perSecond: values.rate === undefined ? Math.min(4000, Math.max(800, Math.round(events / 50))) : whole(values.rate, 'rate'),
  compaction: values.compaction,
  tls: values.tls,
  fsyncMs: values.fsync === undefined ? 0 : (parseDurationMs(values.fsync) ?? usage(2, `--fsync ${values.fsync}: a duration such as 20ms`)),
  dir: await mkdtemp(join(tmpdir(), 'cityvitals-chaos-')),
  say: (line) => { process.stderr.write(`${line}\n`); },
};

const outcome = await runChaos(options).catch((error: unknown) => {
  process.stderr.write(`chaos: ${error instanceof Error ? error.stack : String(error)}\n  → logs: ${options.dir}\n`);
  process.exit(1);
});
const good =
  outcome.missing === 0 &&
  outcome.duplicates === 0 &&
  outcome.disordered === 0 &&
  outcome.stored === outcome.witnessed &&
  outcome.witnessed >= options.events;
if (values.keep || !good) process.stderr.write(`logs and data: ${options.dir}\n`);
else rmSync(options.dir, { recursive: true, force: true });
if (!values.json) process.stdout.write(`${good ? 'nothing lost, nothing twice' : 'NOT as it should be'}\n`);
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit(good ? 0 : 1);

function whole(text: string, name: string): number {
  const number = Number(text);
  return Number.isSafeInteger(number) && number >= (name === 'events' || name === 'rate' ? 1 : 0)
    ? number
    : usage(2, `--${name} ${text}: a whole number`);
}

function usage(code: number, problem = ''): never {
  process.stderr.write(
    `${problem ? `chaos: ${problem}\n` : ''}usage: npm run chaos -- [--events 5000] [--kills 6] [--freezes 0] [--broker embedded|mosquitto] [--seed 1] [--rate PER_SECOND] [--compaction] [--fsync 20ms] [--tls] [--json] [--keep]\n`,
  );
  process.exit(code);
}
