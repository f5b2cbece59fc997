/** `decode`: frames a second of each driver on one core, beside the least that any program would do with the bytes, and beside another implementation where there is one. */
import { installPeers, peerRequire } from '../peers/packages.ts';
import { result, type BenchResult } from '../result.ts';
import { printBench } from '../rig.ts';
import { frameWork } from './works-frame.ts';
import { jsonWork, sparkplugWork } from './works-mqtt-in.ts';
import { hj212Work, llrpWork, modbusWork, type DecodeWorkload } from './works.ts';

export const DECODE_NOTES = [
  "One thread, frames made beforehand and decoded over and over, turn by turn with the others; the best of five turns each. Ours is the driver's own `decode`, from the frame to values with quality, time and evidence.",
  'bare-loop is the least that any program has to do with such a frame: HJ 212 and described frames their check value alone, LLRP the walk over its parameters, Modbus a read of every register as a float, Sparkplug the walk over its fields, JSON JSON.parse.',
  'LLRP counts tags (reports of 20), Sparkplug metrics and JSON values (messages of 20), the others count frames: HJ 212 of 10 factors, described ones of 10 tags, Modbus of 62 floats. llrpjs 1.0.1 and sparkplug-payload 1.0.3 decode the same bytes to objects of their own.',
];

const TURNS = 5;
const PEERS = { llrpjs: '1.0.1', 'sparkplug-payload': '1.0.3' };
const WORKS = 6;

export async function benchDecode(options: { seconds: number }): Promise<BenchResult[]> {
  installPeers(PEERS);
  const turnMs = Math.min(1000, (options.seconds * 1000) / TURNS / WORKS / 2);
  const results: BenchResult[] = [];
  for (const work of [hj212Work(), llrpWork(peerRequire()), modbusWork(), frameWork(), sparkplugWork(peerRequire()), jsonWork()]) {
    const rates = measured(work, turnMs);
    printBench(`${work.name}: ${[...rates].map(([name, rate]) => `${name} ${Math.round(rate)}/s`).join(', ')}`);
    const { ours, ...others } = Object.fromEntries(rates) as { ours: number } & Record<string, number>;
    results.push(result(`decode-${work.name}`, ours, work.unit, others));
  }
  return results;
}

function measured({ contenders, perCall }: DecodeWorkload, turnMs: number): Map<string, number> {
  const best = new Map<string, number>();
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [name, decode] of Object.entries(contenders)) {
      const startedMs = performance.now();
      let calls = 0;
      let elapsedMs = 0;
      while (elapsedMs < turnMs) {
        for (let at = 0; at < 64; at += 1) decode(calls + at);
        calls += 64;
        elapsedMs = performance.now() - startedMs;
      }
      best.set(name, Math.max(best.get(name) ?? 0, (calls * perCall * 1000) / elapsedMs));
    }
  }
  return best;
}
