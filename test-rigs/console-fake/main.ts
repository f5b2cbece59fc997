/** `npm run rig -- console-fake [--port N] [--cameras N]`: the real API and console over a made-up town, for those who work on the console. */
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { realWorld } from '../../core/world.ts';
import { serveApi } from '../../gateway/http/server.ts';
import { fakeTown } from './town.ts';

const TURN_MS = 500;
export const CONSOLE_DIR = join(import.meta.dirname, '..', '..', 'gateway', 'console-dist');

export async function run(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: { port: { type: 'string', default: '8080' }, cameras: { type: 'string', default: '1' } },
  });
  const world = realWorld(() => {});
  const town = fakeTown(world.clock, Number(values.cameras));
  await town.turn();
  const api = await serveApi(town.gateway.sources, { port: Number(values.port), version: '0.0.0', consoleDir: CONSOLE_DIR }, world);
  process.stdout.write(`${api.url}\nlive page: CITYVITALS_GATEWAY=${api.url} npx vite console\n`);
  const timer = setInterval(() => void town.turn(), TURN_MS);
  await new Promise<void>((resolve) => { for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve()); });
  clearInterval(timer);
  await api.close();
  return 0;
}
