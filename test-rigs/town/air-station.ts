/**
 * A simulated air station: an OPC UA server of its own process. Values walk at random by the seed; from `start` on it
 * rains, and the dust goes down.
 *
 *   node air-station.ts --port 0 --seed 1      prints {"ready":true,"port":N}; takes `start` on stdin
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { freePort } from '../../core/free-port.ts';
import { airAt, type AirValues } from './air-model.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, seed: { type: 'string', default: '1' } } });
const PERIOD_MS = 500;
export const NAMESPACE = 'urn:cityvitals:rig:air-station';

// The server library keeps certificates below HOME even where none are used.
const home = mkdtempSync(join(tmpdir(), 'cityvitals-air-'));
process.env.HOME = home;
process.env.XDG_CONFIG_HOME = home;
let startedAtMs: number | null = null;
let stop: (() => Promise<void>) | null = null;
let ending = false;
// From here on, so that a station that is told to end while it starts leaves no folder.
process.on('SIGTERM', () => { void end(); });
process.on('SIGINT', () => { void end(); });
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.trim() === 'start') startedAtMs = Date.now();
}).on('close', () => { void end(); }); // The parent is gone.

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await stop?.();
  rmSync(home, { recursive: true, force: true });
  process.exit(0);
}

const { OPCUAServer } = await import('node-opcua-server');
const { DataType, MessageSecurityMode, SecurityPolicy, StatusCodes } = await import('node-opcua-client');

const port = await freePort(Number(values.port));
const server = new OPCUAServer({
  port, hostname: '127.0.0.1', securityModes: [MessageSecurityMode.None], securityPolicies: [SecurityPolicy.None], disableDiscovery: true,
  buildInfo: { productName: 'air station rig', manufacturerName: 'cityvitals', softwareVersion: '1' },
});
await server.initialize();
const space = server.engine.addressSpace;
if (!space) throw new Error('the server has no address space');
const names: Record<keyof AirValues, string> = { pm25: 'PM25', pm10: 'PM10', ozone: 'O3', tempCelsius: 'Temperature' };
const namespace = space.registerNamespace(NAMESPACE);
const variables = Object.entries(names).map(([key, name]) => ({
  key: key as keyof AirValues,
  variable: namespace.addVariable({
    organizedBy: space.rootFolder.objects,
    nodeId: `s=Air.${name}`,
    browseName: name,
    dataType: 'Double',
    minimumSamplingInterval: 100,
  }),
}));

const seed = Number(values.seed);
function measure(): void {
  const now = new Date();
  const air = airAt(seed, startedAtMs === null ? 0 : (now.getTime() - startedAtMs) / 1000, now.getTime() / 1000);
  for (const { key, variable } of variables)
    variable.setValueFromSource({ dataType: DataType.Double, value: air[key] }, StatusCodes.Good, now);
}
measure();
await server.start();
const timer = setInterval(measure, PERIOD_MS);
stop = async () => {
  clearInterval(timer);
  await server.shutdown(100);
};
process.stdout.write(`${JSON.stringify({ ready: true, port })}\n`);
