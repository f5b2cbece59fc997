/** Edge and gateway as their users start them, by the command line with the usual umask: what they keep is for their own user alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { ATTACK_CENTRE, tokenOf, type Attack } from '../rig.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'cli', 'main.ts');
const DEVICE = {
  id: 'plc',
  driver: 'modbus',
  settings: { transport: 'tcp', host: '127.0.0.1', port: 9, unit: 1 },
  points: [{ id: 'level', address: 'holding:1', type: 'uint16', unit: 'm', indicator: 'YJ-FLD-001' }],
};

export default {
  name: 'data that every user of the machine may read', clause: '1.11',
  async run(rig) {
    const dir = join(rig.dir, 'by-hand');
    mkdirSync(dir);
    const kept = ['log', 'store', 'edge-log'].map((name) => join(dir, name));
    const configs = {
      gateway: {
        gateway: 'by-hand',
        centre: ATTACK_CENTRE,
        broker: { embedded: { port: 0, edges: [{ id: 'hostile', token: tokenOf('hostile') }] } },
        log: { dir: './log', maxBytes: '64MB' },
        store: { dir: './store' },
        http: { port: 0 },
      },
      edge: {
        edge: 'hostile',
        centre: ATTACK_CENTRE,
        gateway: { url: rig.brokerUrl, token: tokenOf('hostile') },
        log: { dir: './edge-log', maxBytes: '64MB' },
        http: { host: '127.0.0.1', port: 0 },
        devices: [DEVICE],
      },
    };
    for (const [name, config] of Object.entries(configs)) {
      const path = join(dir, `${name}.yaml`);
      writeFileSync(path, stringify(config));
      await runForAMoment([name, '--config', path]);
    }
    const paths = kept.flatMap((folder) => [
      folder,
      ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    ]);
    const open = paths.filter((path) => (statSync(path).mode & 0o077) !== 0);
    return {
      held: open.length === 0,
      detail:
        open.length === 0 ? `none of ${paths.length}` : `${open.length} of ${paths.length}, such as ${open[0]?.slice(dir.length + 1)}`,
    };
  },
} satisfies Attack;

/** Until it says that it runs; then it is told to end. */
async function runForAMoment(args: string[]): Promise<void> {
  const umask = process.umask(0o022);
  const child = spawn(process.execPath, [MAIN, ...args, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] });
  process.umask(umask);
  const ended = once(child, 'exit');
  let isRunning = false;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.includes('"running"')) continue;
      isRunning = true;
      break;
    }
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
  if (!isRunning) throw new Error(`${args[0]} did not start`);
}
