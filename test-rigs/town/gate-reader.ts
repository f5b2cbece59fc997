/**
 * A simulated RFID gate: an LLRP reader before whose two antennas a tag passes every few seconds, in or out by the seed.
 *
 *   node gate-reader.ts --port 0 --seed 1      prints {"ready":true,"port":N}; takes `start` on stdin
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../core/world.ts';
import { listeningReader } from '../../drivers/llrp/testing/simulated-reader.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, seed: { type: 'string', default: '1' } } });
const PASS_MS = 4000;
const BETWEEN_MS = 600;
const KEEPALIVE_MS = 2000;
const TAGS = 20;

const random = seededRandom(Number(values.seed));
const reader = await listeningReader();

function pass(): void {
  if (!reader.isReading()) return;
  const epc = `3074257BF7194E40${String(Math.floor(random.next() * TAGS)).padStart(8, '0')}`;
  const [first, second] = random.next() < 0.6 ? [1, 2] : [2, 1];
  const see = (antenna: number) => reader.report([{ epc, antenna, rssi: -45 }, { epc, antenna, rssi: -48 }]);
  see(first);
  setTimeout(() => see(second), BETWEEN_MS);
}

const timers = [setInterval(pass, PASS_MS), setInterval(() => reader.keepalive(), KEEPALIVE_MS)];
async function end(): Promise<void> {
  for (const timer of timers) clearInterval(timer);
  await reader.stop();
  process.exit(0);
}
process.on('SIGTERM', () => { void end(); });
process.on('SIGINT', () => { void end(); });
createInterface({ input: process.stdin }).on('close', () => { void end(); }); // The parent is gone.
process.stdout.write(`${JSON.stringify({ ready: true, port: reader.port })}\n`);
