/** The mqtt.js script against VictoriaMetrics. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BENCH_PASSWORD, BENCH_USER, startOpenMosquitto } from '../peers/mosquitto.ts';
import { startVictoria } from '../peers/victoria.ts';
import type { Contender } from './contender.ts';
import { PEER_FILTER, peerRunning } from './peer-running.ts';

export const script: Contender = {
  name: 'script',
  method:
    'mosquitto → mqtt.js (QoS 1) → VictoriaMetrics over 64 kept connections; a write for each message; nothing is on disk when it counts',
  window: { single: 40_000, batch: 1_200_000 },
  async start(rig) {
    const mosquitto = await startOpenMosquitto(rig);
    const victoria = await startVictoria(rig);
    const program = await rig.start(
      'script',
      [
        process.execPath,
        join(import.meta.dirname, 'script-main.ts'),
        `mqtt://127.0.0.1:${mosquitto.port}`,
        BENCH_USER,
        BENCH_PASSWORD,
        PEER_FILTER,
        victoria.writeUrl,
      ],
      async () => readFileSync(join(rig.dir, 'script.log'), 'utf8').includes('ready'),
    );
    return peerRunning(mosquitto, victoria, program);
  },
};
