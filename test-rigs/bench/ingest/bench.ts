/** `ingest`: events from MQTT into a store and open to queries, single and in batches of 100; each contender alone on the machine, in turn. */
import { result, type BenchResult } from '../result.ts';
import { benchPauseMs, printBench, withRig } from '../rig.ts';
import { installNodeRed, installPrograms } from '../peers/packages.ts';
import type { Contender, PayloadShape } from './contender.ts';
import { IngestLoad, type IngestMeasurement } from './load.ts';
import { nodeRed } from './node-red.ts';
import { externalBrokerGateway, embeddedBrokerGateway } from './ours.ts';
import { script } from './script.ts';

export const INGEST_NOTES = [
  '3,500 series, numbers only, 35 connections with QoS 1, one event or 100 a message; every contender is given the same series, values and connections, each in the message form that is its own, put together from parts so that the load takes little of the machine. Nobody publishes anything on.',
  "One closed-loop run finds a contender's rate (a fixed number of events on their way, more than it takes in a second); a hold at that rate confirms it: what was sent must be stored within 2.5 seconds of the end (VictoriaMetrics tells its count but once a second), else the rate is taken down by 15 % and held anew. The figure is what was stored a second during the hold; four seconds at the same pace go before each run, uncounted.",
  'Every run begins with empty folders and new processes. At its end the count must be that of what was sent, and 20 series are read back and compared to the last point.',
  'Ours is counted when an event is in the log on disk (fsync) and in the store; VictoriaMetrics acknowledges what is in its memory.',
  'collectd 5.12 is left out: its mqtt plugin takes one value a message, and on from there it has whole seconds (write_graphite) or formats that VictoriaMetrics does not read (write_http: Command, JSON, KairosDB), so milliseconds and batches would be lost.',
];

const CONTENDERS: readonly Contender[] = [nodeRed, script, externalBrokerGateway, embeddedBrokerGateway];
const SHAPES: readonly PayloadShape[] = ['single', 'batch'];
const HOLD_SECONDS = 10;
const CLOSED_SECONDS = 6;
const KEPT_UP_SECONDS = 2.5;
const TRIES = 6;
const STEP_DOWN = 0.85;

export async function benchIngest(options: { seconds: number; only: readonly string[] | null }): Promise<BenchResult[]> {
  installPrograms('bench-ingest');
  const contenders = CONTENDERS.filter(({ name }) => options.only?.includes(name) ?? true);
  if (contenders.includes(nodeRed)) installNodeRed();
  const holdSeconds = Math.min(options.seconds, HOLD_SECONDS);
  const closedSeconds = Math.min(options.seconds, CLOSED_SECONDS);
  const results: BenchResult[] = [];
  for (const shape of SHAPES) {
    const rates = new Map<string, number>();
    for (const contender of contenders) rates.set(contender.name, (await closedLoop(contender, shape, closedSeconds)).perSecond);
    const held = new Map<string, IngestMeasurement>();
    for (const contender of contenders.toReversed())
      held.set(contender.name, await hold(contender, shape, holdSeconds, rates.get(contender.name) as number));
    const found = (name: string, figure: (held: IngestMeasurement) => number): [string, number][] => {
      const one = held.get(name);
      return one ? [[name, figure(one)]] : [];
    };
    const peers = (figure: (held: IngestMeasurement) => number) =>
      Object.fromEntries(['node-red', 'script'].flatMap((name) => found(name, figure)));
    const rate = ({ perSecond }: IngestMeasurement) => perSecond;
    const cpu = ({ cpuMicros }: IngestMeasurement) => cpuMicros;
    for (const [, value] of found('ours', rate)) results.push(result(`ingest-${shape}`, value, 'events/s', peers(rate)));
    for (const [, value] of found('ours-embedded', rate)) results.push(result(`ingest-${shape}-embedded`, value, 'events/s', peers(rate)));
    for (const [, value] of found('ours', cpu)) results.push(result(`ingest-${shape}-cpu`, value, 'µs an event', peers(cpu)));
  }
  return results;
}

/** Half of what ours takes of single events: what the latency bench loads it with. */
export async function singleRate(seconds: number): Promise<number> {
  return (await closedLoop(embeddedBrokerGateway, 'single', Math.min(seconds, CLOSED_SECONDS))).perSecond;
}

export async function closedLoop(contender: Contender, shape: PayloadShape, seconds: number): Promise<IngestMeasurement> {
  const found = await run(contender, shape, (load) => load.closedLoop(seconds, contender.window[shape]));
  if (found.missing > 0) throw new Error(`${contender.name}: ${found.missing} events did not arrive in a closed loop`);
  printBench(
    `${contender.name}, ${shape}: ${Math.round(found.perSecond)} events/s in a closed loop, ${found.cpuMicros.toFixed(1)} µs of processor an event`,
  );
  return found;
}

export async function hold(contender: Contender, shape: PayloadShape, seconds: number, found: number): Promise<IngestMeasurement> {
  let rate = found;
  for (let tries = 1; ; tries += 1) {
    const perSecond = rate;
    const held = await run(contender, shape, (load) => load.hold(seconds, perSecond));
    const keptUp = held.drainSeconds <= KEPT_UP_SECONDS && held.missing === 0;
    printBench(
      `${contender.name}, ${shape}: ${keptUp ? 'held' : 'did not hold'} ${Math.round(rate)} events/s (stored ${Math.round(held.perSecond)}/s, ${held.drainSeconds.toFixed(1)} s behind at the end${held.missing > 0 ? `, ${held.missing} not there at all` : ''})`,
    );
    if (keptUp) return held;
    if (tries === TRIES) throw new Error(`${contender.name} holds no rate near the one that it was found to have`);
    rate *= STEP_DOWN;
  }
}

async function run(
  contender: Contender,
  shape: PayloadShape,
  measure: (load: IngestLoad) => Promise<IngestMeasurement>,
): Promise<IngestMeasurement> {
  return withRig(async (rig) => {
    const running = await contender.start(rig);
    await benchPauseMs(200);
    const load = await IngestLoad.open(running, shape);
    rig.undo(() => load.close());
    const measured = await measure(load);
    // A rate at which something does not arrive is no rate; who looks at the result decides.
    if (measured.missing === 0) await load.check();
    return measured;
  });
}
