/** `cityvitals discover`: what a device of a configuration offers, as points that could be written into it. */
import { Command } from 'commander';
import { resolve } from 'node:path';
import type { Found } from '../core/driver.ts';
import { FaultError, faultOf, FAULTS } from '../core/faults.ts';
import { realWorld } from '../core/world.ts';
import { driverById } from '../drivers/index.ts';
import type { DeviceSetup } from '../edge/config/setup.ts';
import { loadEdge } from './load.ts';
import { configText, printProblems } from './service.ts';
import { EXIT, fail, type Terminal } from './terminal.ts';

interface Options {
  config: string;
}

/** A server of thousands of nodes over a slow line takes a while; one that never ends is left. */
const LONGEST_MS = 120_000;

export function define(terminal: Terminal): Command {
  const text = terminal.text;
  return new Command()
    .argument('[device]', text({ en: 'this device alone; default: all whose driver can', zh: '只浏览该设备；默认为所有支持浏览的设备' }))
    .option('--config <file>', text({ en: 'configuration of an edge', zh: '边缘节点的配置' }), 'edge.yaml')
    .addHelpText('after', `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals discover --config edge.yaml air-03\n  cityvitals discover --config edge.yaml --json`)
    .action((device: string | undefined, options: Options) => run(terminal, device, options).catch((error: unknown) => fail(terminal, error)));
}

async function run(terminal: Terminal, wanted: string | undefined, { config }: Options): Promise<void> {
  const path = resolve(config);
  const { setup, problems } = await loadEdge({ path, text: configText(terminal, path) });
  if (!setup) {
    printProblems(terminal, problems);
    process.exit(EXIT.usage);
  }
  const devices = setup.devices.filter(({ id }) => wanted === undefined || id === wanted);
  const able = await Promise.all(devices.map(async (device) => ({ device, driver: await driverById(device.driver) })));
  const discovering = able.filter(({ driver }) => driver?.discover);
  if (discovering.length === 0) throw new FaultError('CV_DISCOVER_NOT_OFFERED', { device: wanted ?? path });
  let exit: number = EXIT.ok;
  for (const { device, driver } of discovering) {
    try {
      tell(terminal, device, await driver?.discover?.(device.settings, realWorld(() => {}), AbortSignal.timeout(LONGEST_MS)) ?? []);
    } catch (error) {
      const fault = faultOf(error, 'CV_DRIVER_FAILED', { device: device.id });
      terminal.fault(fault, device.id);
      exit = FAULTS[fault.code].stage === 'check' ? EXIT.usage : EXIT.found;
    }
  }
  process.exit(exit);
}

function tell(terminal: Terminal, { id, driver }: DeviceSetup, found: readonly Found[]): void {
  if (terminal.json) {
    for (const { name, type, value, point } of found) terminal.record({ device: id, name, type, value, point });
    return;
  }
  terminal.print(`${id} (${driver}): ${terminal.text({ en: `${found.length} found`, zh: `找到 ${found.length} 个` })}`);
  for (const { name, type, value, point } of found) {
    terminal.print(`  ${name.padEnd(32)} ${type.padEnd(10)} ${String(value ?? '–').slice(0, 24).padEnd(24)} ${Object.entries(point).map(([key, one]) => `${key}: ${JSON.stringify(one)}`).join(', ')}`);
  }
}
