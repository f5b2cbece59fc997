/** A mosquitto that lets a user of the bench do everything; the same for every contender that uses one. */
import { join } from 'node:path';
import { mosquittoFiles } from '../../../gateway/broker/mosquitto.ts';
import { freePort } from '../../../core/free-port.ts';
import { startMosquitto } from '../../processes/mosquitto.ts';
import type { Rig } from '../rig.ts';

export const BENCH_USER = 'bench';
export const BENCH_PASSWORD = 'bench-password';

export interface OpenMosquitto {
  readonly port: number;
  readonly pid: number;
}

export async function startOpenMosquitto(rig: Rig): Promise<OpenMosquitto> {
  const { passwords } = await mosquittoFiles({ edges: [], gateway: { user: BENCH_USER, password: BENCH_PASSWORD }, consumers: [] });
  const port = await freePort();
  const mosquitto = await startMosquitto(join(rig.dir, `mosquitto-${port}`), port, {
    acl: `user ${BENCH_USER}\ntopic readwrite #\n`,
    passwords,
  });
  rig.undo(() => mosquitto.stop());
  return mosquitto;
}
