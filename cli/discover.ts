/** `cityvitals discover`: lists what a device offers, as points for a configuration. */
import { Command } from 'commander';
import { resolve } from 'node:path';
import { checkDocument } from '../core/config/check.ts';
import { unknownName } from '../core/config/issues.ts';
import type { Driver, DiscoveredPoint } from '../core/driver.ts';
import { FaultError, faultOf, FAULTS } from '../core/faults.ts';
import { realWorld } from '../core/world.ts';
import { driverById, driverIds } from '../drivers/index.ts';
import type { DeviceSetup } from '../edge/config/setup.ts';
import { loadEdge } from './load.ts';
import { configText, printProblems } from './service.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';

interface Options {
  config: string;
}

type DiscoveredDevice = Pick<DeviceSetup, 'id' | 'driver' | 'settings'>;

/** Servers with thousands of nodes on a slow link take long. */
const TIMEOUT_MS = 120_000;

export function define(terminal: CommandTerminal): Command {
  const text = terminal.text;
  return new Command()
    .argument(
      '[device]',
      text({
        en: 'this device only; default: all whose driver supports discovery. With an address: the driver',
        zh: '只浏览该设备；默认为所有支持浏览的设备。给出地址时为驱动名',
      }),
    )
    .argument(
      '[address]',
      text({ en: 'address of an unconfigured device, without login or encryption', zh: '尚未写入配置的设备地址；不登录、不加密' }),
    )
    .option('--config <file>', text({ en: 'configuration of an edge', zh: '边缘节点的配置' }), 'edge.yaml')
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals discover --config edge.yaml air-03\n  cityvitals discover --config edge.yaml --json\n  cityvitals discover opcua opc.tcp://192.168.1.30:4840`,
    )
    .action((device: string | undefined, address: string | undefined, options: Options) =>
      (device !== undefined && address !== undefined ? runAtAddress(terminal, device, address) : run(terminal, device, options)).catch(
        (error: unknown) => exitWithFault(terminal, error),
      ),
    );
}

async function runAtAddress(terminal: CommandTerminal, id: string, address: string): Promise<void> {
  const driver = await driverById(id);
  if (!driver) {
    const { code, params } = unknownName('CV_DRIVER_UNKNOWN', { driver: id }, driverIds(), { en: 'cityvitals', zh: 'cityvitals' });
    return exitWithFault(terminal, new FaultError(code, params), EXIT.usage);
  }
  if (!driver.discover || !driver.settingsOfAddress)
    return exitWithFault(terminal, new FaultError('CV_DISCOVER_NOT_OFFERED', { device: `${id} ${address}` }), EXIT.usage);
  const { value, problems } = checkDocument({ path: address, text: JSON.stringify(driver.settingsOfAddress(address)) }, driver.settings, {
    owner: { en: `${id} ${address}`, zh: `${id} ${address}` },
  });
  if (problems.length > 0) {
    printProblems(terminal, problems);
    process.exit(EXIT.usage);
  }
  process.exit(await discoverDevice(terminal, driver, { id: address, driver: id, settings: value }));
}

async function run(terminal: CommandTerminal, wanted: string | undefined, { config }: Options): Promise<void> {
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
  for (const { device, driver } of discovering) exit = (driver && await discoverDevice(terminal, driver, device)) || exit;
  process.exit(exit);
}

/** @returns the exit code that it asks for */
async function discoverDevice(terminal: CommandTerminal, driver: Driver, device: DiscoveredDevice): Promise<number> {
  try {
    printPoints(terminal, device, await driver.discover?.(device.settings, realWorld(() => {}), AbortSignal.timeout(TIMEOUT_MS)) ?? []);
    return EXIT.ok;
  } catch (error) {
    const fault = faultOf(error, 'CV_DRIVER_FAILED', { device: device.id });
    terminal.fault(fault, device.id);
    return FAULTS[fault.code].stage === 'check' ? EXIT.usage : EXIT.found;
  }
}

function printPoints(terminal: CommandTerminal, { id, driver }: DiscoveredDevice, found: readonly DiscoveredPoint[]): void {
  if (terminal.json) {
    for (const { name, type, value, point } of found) terminal.record({ device: id, name, type, value, point });
    return;
  }
  terminal.print(`${id} (${driver}): ${terminal.text({ en: `${found.length} found`, zh: `找到 ${found.length} 个` })}`);
  for (const { name, type, value, point } of found) {
    terminal.print(
      `  ${name.padEnd(32)} ${type.padEnd(10)} ${String(value ?? '–')
        .slice(0, 24)
        .padEnd(24)} ${Object.entries(point)
        .map(([key, one]) => `${key}: ${JSON.stringify(one)}`)
        .join(', ')}`,
    );
  }
}
