/** The server that all pollers are measured against: libmodbus, in C, compiled by the bench into the rig's folder. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { freePort } from '../../../core/free-port.ts';
import { portOpen, type Program, type Rig } from '../rig.ts';

/** Compiles `modbus-server` and `modbus-client`. @throws with gcc's words */
export function compileModbus(rig: Rig): void {
  const flags = (spawnSync('pkg-config', ['--cflags', '--libs', 'libmodbus'], { encoding: 'utf8' }).stdout ?? '')
    .trim()
    .split(/\s+/)
    .filter(Boolean);
  for (const name of ['modbus-server', 'modbus-client']) {
    const done = spawnSync('gcc', ['-O2', '-o', join(rig.dir, name), join(import.meta.dirname, `${name}.c`), ...flags, '-lpthread'], {
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`gcc could not make ${name} (apt-get install gcc pkg-config libmodbus-dev)\n${done.stderr}`);
  }
}

/** Starts the compiled server: a port for each device, in a row. */
export async function startModbusServer(rig: Rig, devices: number): Promise<{ firstPort: number; program: Program }> {
  const firstPort = await freePortsFrom(devices);
  const program = await rig.start(`modbus-server-${firstPort}`, [join(rig.dir, 'modbus-server'), String(firstPort), String(devices)], () =>
    portOpen(firstPort + devices - 1),
  );
  return { firstPort, program };
}

/** A run of ports that nobody has, below those that the system gives to outgoing connections. */
async function freePortsFrom(count: number): Promise<number> {
  for (let first = 21_000; first < 32_000; first += count) {
    const taken = await Promise.all(Array.from({ length: count }, async (_, at) => (await freePort(first + at)) !== first + at));
    if (!taken.includes(true)) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}
