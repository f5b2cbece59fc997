/** `modbus`: registers a second and processor time of four pollers against one server in C, with 1, 10 and 100 devices. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installNodeRed, installPrograms } from '../peers/packages.ts';
import { result, type BenchResult } from '../result.ts';
import { benchPauseMs, printBench, withRig, type Rig } from '../rig.ts';
import { cpuMsOf } from '../usage.ts';
import { startModbusFlow } from './flow.ts';
import { compileModbus, startModbusServer } from './server.ts';

export const MODBUS_NOTES = [
  'Every device is a port of one libmodbus server. Each contender keeps one connection a device, reads 10 blocks of 124 holding registers in turn, one request at a time on each connection and all connections at once, and makes 62 float32 of each answer.',
  "libmodbus: a C program, a thread a device. pymodbus: its asyncio client, a task a device. Node-RED: modbus-flex-getter, a client a device, its command delay at the least it takes (1 ms). Ours: the driver through the edge's host, with its deadlines, fault handling, staleness and a sample for each value.",
  "Closed loop; the figure is registers a second. Processor time is the poller's own, without the server's. Contenders run in turn, twice; the better run of each counts. Node-RED and ours, which compile as they go, have a second to get warm; ours asks each device for at most 1,000 rounds of ten reads a second, which only a single device feels.",
  "modbus-floor: Node's sockets alone, the same bytes on ten connections and nothing made of them: what no poller on one thread of Node can pass.",
];

interface Polled {
  registersPerSecond: number;
  /** Processor time, µs a thousand registers. */
  cpuMicros: number;
}

const REGISTERS = 124;
const DEVICE_COUNTS = [1, 10, 100];
const ROUNDS = 2;
const MOST_SECONDS = 5;
const run = promisify(execFile);
const CONTENDERS = ['libmodbus', 'pymodbus', 'node-red', 'ours', 'floor'] as const;
type Name = (typeof CONTENDERS)[number];

export async function benchModbus(options: { seconds: number }): Promise<BenchResult[]> {
  installPrograms('bench-modbus');
  installNodeRed();
  const seconds = Math.min(options.seconds, MOST_SECONDS);
  return withRig(async (rig) => {
    compileModbus(rig);
    const results: BenchResult[] = [];
    for (const devices of DEVICE_COUNTS) {
      const best = new Map<Name, Polled>();
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const name of CONTENDERS) {
          const polled = await pollWith(rig, name, devices, seconds);
          printBench(
            `${name}, ${devices} devices: ${Math.round(polled.registersPerSecond / 1000)} k registers/s, ${polled.cpuMicros.toFixed(1)} µs of processor a thousand`,
          );
          if (polled.registersPerSecond > (best.get(name)?.registersPerSecond ?? 0)) best.set(name, polled);
        }
      }
      results.push(...resultsOf(devices, best));
    }
    return results;
  });
}

function resultsOf(devices: number, best: ReadonlyMap<Name, Polled>): BenchResult[] {
  const of = (name: Name) => best.get(name) as Polled;
  const peers = (pick: (polled: Polled) => number) => ({
    pymodbus: pick(of('pymodbus')),
    libmodbus: pick(of('libmodbus')),
    'node-red': pick(of('node-red')),
  });
  // Ten devices are the case that has a target, so they have the short name.
  const suffix = devices === 10 ? '' : `-${devices}`;
  return [
    result(
      `modbus${suffix}`,
      of('ours').registersPerSecond,
      'registers/s',
      peers((polled) => polled.registersPerSecond),
    ),
    result(
      `modbus-cpu${suffix}`,
      of('ours').cpuMicros,
      'µs a thousand registers',
      peers((polled) => polled.cpuMicros),
    ),
    ...(suffix
      ? []
      : [result('modbus-floor', of('floor').registersPerSecond, 'registers/s', { libmodbus: of('libmodbus').registersPerSecond })]),
  ];
}

async function pollWith(rig: Rig, name: Name, devices: number, seconds: number): Promise<Polled> {
  const { firstPort, program: server } = await startModbusServer(rig, devices);
  try {
    if (name === 'node-red') return await pollWithFlow(rig, firstPort, devices, seconds);
    const args = [String(firstPort), String(devices), String(seconds)];
    const [file, ...before] = {
      libmodbus: [join(rig.dir, 'modbus-client')],
      pymodbus: ['/usr/bin/python3', join(import.meta.dirname, 'pymodbus-client.py')],
      ours: [process.execPath, join(import.meta.dirname, 'ours-main.ts')],
      floor: [process.execPath, join(import.meta.dirname, 'floor-main.ts')],
    }[name] as [string, ...string[]];
    const { stdout } = await run(file, [...before, ...args]);
    const { reads, cpuMs, faults = {} } = JSON.parse(stdout) as { reads: number; cpuMs: number; faults?: Record<string, number> };
    if (Object.keys(faults).length > 0) throw new Error(`${name}: ${JSON.stringify(faults)}`);
    return polledOf(reads, cpuMs, seconds);
  } finally {
    await server.stop();
  }
}

async function pollWithFlow(rig: Rig, firstPort: number, devices: number, seconds: number): Promise<Polled> {
  const flow = await startModbusFlow(rig, firstPort, devices);
  try {
    // Its clients connect after the flow has started.
    for (const untilMs = Date.now() + 20_000; (await flow.reads()) < devices * 20 && Date.now() < untilMs;) await benchPauseMs(100);
    const before = { reads: await flow.reads(), cpuMs: cpuMsOf([flow.program.pid]), ms: performance.now() };
    await benchPauseMs(seconds * 1000);
    const reads = (await flow.reads()) - before.reads;
    if (reads === 0) throw new Error('node-red-contrib-modbus read nothing');
    return polledOf(reads, cpuMsOf([flow.program.pid]) - before.cpuMs, (performance.now() - before.ms) / 1000);
  } finally {
    await flow.program.stop();
  }
}

function polledOf(reads: number, cpuMs: number, seconds: number): Polled {
  const registers = reads * REGISTERS;
  return { registersPerSecond: registers / seconds, cpuMicros: (cpuMs * 1e6) / registers };
}
