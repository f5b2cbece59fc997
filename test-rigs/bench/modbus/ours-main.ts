/** Our driver as a poller, through the real host: every device has its link, and is asked again as soon as it has answered. `ours-main.ts FIRST_PORT DEVICES SECONDS`, one line of JSON. */
import { realWorld } from '../../../core/world.ts';
import type { DeviceSetup } from '../../../edge/config/setup.ts';
import { read } from '../../../edge/read/read.ts';
import driver from '../../../drivers/modbus/driver.ts';

const BLOCKS = 10;
const VALUES_A_BLOCK = 62;
/** A read holds 62 values, as every contender's does. */
const REGISTERS = VALUES_A_BLOCK * 2;
const [firstPort = 0, devices = 1, seconds = 1] = process.argv.slice(2).map(Number);

const own = Array.from({ length: BLOCKS * VALUES_A_BLOCK }, (_, at) =>
  Object.assign(driver.point?.parse({ address: `holding:${at * 2}`, type: 'float32', unit: 'm' }) as object, { id: `p${at}` }),
);
const points = own.map((one, at) => ({
  id: `p${at}`,
  indicator: 'BN-MOD-001',
  unit: 'm',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind: 'measurement' as const,
  own: one,
}));
const setups = Array.from({ length: devices }, (_, at): DeviceSetup => ({
  id: `d${at}`,
  driver: 'modbus',
  subject: `d${at}`,
  settings: driver.settings.parse({ host: '127.0.0.1', port: firstPort + at, unit: 1, maxRead: REGISTERS }),
  // Asked again as soon as it has answered, but for one device alone: no more than 1,000 rounds of ten reads a second.
  everyMs: 1, timeoutMs: 2000, points,
}));

const WARM_MS = 1000;
let values = 0;
const faults = new Map<string, number>();
const host = read(
  setups.map((setup) => ({ setup, driver })),
  realWorld((event) => {
    if (event.kind === 'fault') faults.set(event.fault.code, (faults.get(event.fault.code) ?? 0) + 1);
  }),
);
await host.open?.((items) => {
  values += items.length;
});
// Until the compiler has seen it all, as the other runtimes that compile as they go are given too.
await new Promise((resolve) => { setTimeout(resolve, WARM_MS); });
const cpuBefore = process.cpuUsage();
values = 0;
await new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
const reads = values / VALUES_A_BLOCK;
const { user, system } = process.cpuUsage(cpuBefore);
await host.close?.();
process.stdout.write(`${JSON.stringify({ reads, cpuMs: (user + system) / 1000, faults: Object.fromEntries(faults) })}\n`);
process.exit(0);
