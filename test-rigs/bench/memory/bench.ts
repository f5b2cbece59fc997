/** `memory`: the compiled edge and gateway at 1,000 points a second, beside Node-RED with the same devices; then an edge that grows. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startBenchGateway } from '../gateway.ts';
import { compileModbus, startModbusServer } from '../modbus/server.ts';
import { installNodeRed, installPrograms } from '../peers/packages.ts';
import { result, type BenchResult } from '../result.ts';
import { benchPauseMs, portOpen, printBench, withRig, type Rig } from '../rig.ts';
import { residentBytesOf, steadyCpuMsOf } from '../usage.ts';
import { freePort } from '../../../core/free-port.ts';
import { MEMORY_DEVICES, REGISTERS, startFlowOfBlocks, startFlowOfKeptValues, startFlowOfValues, type ReadingFlow } from './flow.ts';
import { benchGrowth } from './growth.ts';

export const MEMORY_NOTES = [
  "Ten Modbus TCP devices of a libmodbus server, 100 registers each, read once a second: 1,000 points a second, each one sent on. The edge (compiled, as deployed) qualifies them, has each on disk, forced, before it is sent, and sends them to a gateway. node-red does as much of that as its nodes can: it reads them (node-red-contrib-modbus), marks them good or bad, writes each as a line of a file (its file node: not forced to disk, and never let go), then publishes it with QoS 1. Flows that do less are printed beside: node-red-unkept is the same without the file, so what the broker does not take is gone; node-red-blocks writes a device's 100 values to VictoriaMetrics at once, the least that a flow can do.",
  "Resident memory and processor time are those of the edge and of Node-RED alone, without gateway, broker and VictoriaMetrics, from /proc after a minute for getting warm (at this rate compilers of both sides take as long); the gateway's own are printed beside. The edge runs with the settings of configs/systemd/cityvitals-edge.service.",
  'Growth: each time after as long again for getting warm, one edge with 100 and one with 10,000 devices that give as much as its log takes, from the sources, its gateway away. Memory is what is held after a collection (heap and buffers), the difference over the number of devices.',
];

const ROOT = join(import.meta.dirname, '..', '..', '..');
const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const EDGE = 'bench-edge';
const CENTRE = '500112001';
const WARM_SECONDS = 60;
/** Whole collections come every 20 to 40 seconds: shorter, and they are in it or not by chance. */
const LEAST_SECONDS = 40;
const MOST_SECONDS = 60;
const GROWTH_SECONDS = 5;
const POINTS_PER_SECOND = MEMORY_DEVICES * REGISTERS;

interface Held {
  bytes: number;
  /** Share of one processor. */
  cpu: number;
}

export async function benchMemory(options: { seconds: number }): Promise<BenchResult[]> {
  installPrograms('bench-memory');
  installNodeRed();
  build();
  const seconds = Math.max(LEAST_SECONDS, Math.min(options.seconds, MOST_SECONDS));
  const values = await withRig((rig) => measureFlow(rig, 'Node-RED, a message a value', startFlowOfValues, seconds));
  const blocks = await withRig((rig) => measureFlow(rig, 'Node-RED, a write a device', startFlowOfBlocks, seconds));
  const kept = await withRig((rig) => measureFlow(rig, 'Node-RED, a message a value, kept in a file', startFlowOfKeptValues, seconds));
  const { edge, gateway } = await withRig((rig) => measureOurs(rig, seconds));
  const against = (pick: (held: Held) => number) => ({
    'node-red': pick(kept),
    'node-red-unkept': pick(values),
    'node-red-blocks': pick(blocks),
  });
  const megabytes = ({ bytes }: Held) => bytes / 2 ** 20;
  const percent = ({ cpu }: Held) => cpu * 100;
  return [
    result('memory-edge', megabytes(edge), 'MB resident', against(megabytes)),
    result('cpu-edge', percent(edge), '% of a processor', against(percent)),
    result('memory-gateway', megabytes(gateway), 'MB resident', against(megabytes)),
    result('cpu-gateway', percent(gateway), '% of a processor', against(percent)),
    ...(await benchGrowth(Math.min(options.seconds, GROWTH_SECONDS))),
  ];
}

function build(): void {
  printBench('building the compiled program …');
  const done = spawnSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 2, 2] });
  if (done.status !== 0 || !existsSync(MAIN)) throw new Error('npm run build failed; see above');
}

async function measureFlow(
  rig: Rig,
  name: string,
  start: (rig: Rig, firstPort: number) => Promise<ReadingFlow>,
  seconds: number,
): Promise<Held> {
  compileModbus(rig);
  const { firstPort } = await startModbusServer(rig, MEMORY_DEVICES);
  const { program, arrived } = await start(rig, firstPort);
  return measure(name, [program.pid], arrived, seconds);
}

async function measureOurs(rig: Rig, seconds: number): Promise<{ edge: Held; gateway: Held }> {
  compileModbus(rig);
  const { firstPort } = await startModbusServer(rig, MEMORY_DEVICES);
  const gateway = await startBenchGateway(rig, {
    broker: 'embedded',
    centre: CENTRE,
    edges: [EDGE],
    command: [process.execPath, MAIN, 'gateway', '--config'],
  });
  const httpPort = await freePort();
  const path = join(rig.dir, 'edge', 'edge.yaml');
  mkdirSync(join(rig.dir, 'edge'));
  writeFileSync(
    path,
    stringify({
      edge: EDGE,
      centre: CENTRE,
      gateway: { url: `mqtt://127.0.0.1:${gateway.brokerPort}`, token: gateway.token },
      log: { dir: './log' },
      http: { port: httpPort },
      devices: Array.from({ length: MEMORY_DEVICES }, (_, at) => ({
        id: `d${at}`,
        driver: 'modbus',
        every: '1s',
        settings: { host: '127.0.0.1', port: firstPort + at, unit: 1 },
        points: Array.from({ length: REGISTERS }, (__, place) => ({
          id: `p${place}`,
          address: `holding:${place}`,
          type: 'uint16',
          unit: '1',
          indicator: 'BN-MEM-001',
        })),
      })),
    }),
  );
  const edge = await rig.start('edge', [process.execPath, MAIN, 'edge', '--config', path], () => portOpen(httpPort), serviceEnvironment());
  const stored = () => gateway.metric('cityvitals_points_stored_total');
  // Both at once: they are one way, and its rate is checked at its end.
  const gatewayHeld = measureLater([gateway.program.pid], seconds);
  return { edge: await measure('the edge', [edge.pid], stored, seconds), gateway: await gatewayHeld };
}

/** What the unit file that we ship sets. */
function serviceEnvironment(): Record<string, string> {
  const unit = readFileSync(join(ROOT, 'configs', 'systemd', 'cityvitals-edge.service'), 'utf8');
  const settings = (/^Environment=(.+)$/m.exec(unit)?.[1] ?? '').split(' ').filter(Boolean);
  return Object.fromEntries(
    settings.map((setting): [string, string] => [setting.slice(0, setting.indexOf('=')), setting.slice(setting.indexOf('=') + 1)]),
  );
}

async function measureLater(pids: readonly number[], seconds: number): Promise<Held> {
  await benchPauseMs(WARM_SECONDS * 1000);
  const before = { cpuMs: steadyCpuMsOf(pids), ms: performance.now() };
  await benchPauseMs(seconds * 1000);
  return { bytes: residentBytesOf(pids), cpu: (steadyCpuMsOf(pids) - before.cpuMs) / (performance.now() - before.ms) };
}

/** @throws when it did not do its 1,000 points a second */
async function measure(name: string, pids: readonly number[], stored: () => Promise<number>, seconds: number): Promise<Held> {
  const held = measureLater(pids, seconds);
  await benchPauseMs(WARM_SECONDS * 1000);
  const before = { stored: await stored(), ms: performance.now() };
  const found = await held;
  const perSecond = (((await stored()) - before.stored) * 1000) / (performance.now() - before.ms);
  printBench(
    `${name}: ${(found.bytes / 2 ** 20).toFixed(0)} MB, ${(found.cpu * 100).toFixed(1)} % of a processor, ${Math.round(perSecond)} points/s stored`,
  );
  if (Math.abs(perSecond - POINTS_PER_SECOND) > POINTS_PER_SECOND * 0.25)
    throw new Error(`${name} stored ${Math.round(perSecond)} points/s, not ${POINTS_PER_SECOND}`);
  return found;
}
