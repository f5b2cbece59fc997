/**
 * An edge that is shut in like its service, as far as that goes without systemd: another user, no capability and no way to
 * get one, all but its data read-only. It reads a serial line, and what it keeps is its own.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';
import { until } from '../core/testing/until.ts';
import { ADDRESS_VALUED_DEVICE } from '../drivers/modbus/testing/requests.ts';
import { NO_SOCAT, openPseudoTerminal } from '../drivers/modbus/testing/pseudo-terminal.ts';
import { serveSimulatedModbus } from '../drivers/modbus/testing/server.ts';
import { FakeGateway } from '../edge/testing/fake-gateway.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
/** Not root, and in no file of this machine. */
const USER = 64_123;
/** Owner of serial lines: here by number, so that no name has to be there. */
const DIALOUT = 64_124;

const RESTRICTIONS = [
  'setpriv', `--reuid=${USER}`, `--regid=${USER}`, `--groups=${DIALOUT}`, '--no-new-privs',
  '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all',
];
/** Only the data folder stays writable, as with ProtectSystem=strict. */
const READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && umask 077 && exec "$@"';
const readOnly = (dir: string) => ['unshare', '--mount', '--ipc', 'sh', '-c', READ_ONLY, dir];

function whyNot(): string | false {
  if (NO_SOCAT) return NO_SOCAT;
  if (process.getuid?.() !== 0) return 'only root can take rights away in this way';
  const read = ['-e', 'require("node:fs").readFileSync(process.argv[1])', MAIN];
  const [program = '', ...args] = [...readOnly(tmpdir()), ...RESTRICTIONS, process.execPath, ...read];
  return spawnSync(program, args).status === 0 ? false : 'another user cannot read this checkout, or unshare and setpriv are not to be had';
}

test('reads a serial line without any right beyond its group', { skip: whyNot(), timeout: 60_000 }, async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const server = await serveSimulatedModbus(ADDRESS_VALUED_DEVICE, { envelope: 'rtu' });
  t.after(() => server.close());
  const line = await openPseudoTerminal(server.port);
  t.after(() => line.close());
  // As udev gives it: root's, and of the group that may use it.
  chmodSync(dirname(line.path), 0o711);
  chownSync(realpathSync(line.path), 0, DIALOUT);
  chmodSync(realpathSync(line.path), 0o660);
  const gateway = await FakeGateway.open();
  t.after(() => gateway.close());
  chmodSync(dir, 0o711);
  const data = join(dir, 'data');
  mkdirSync(data);
  chownSync(data, USER, USER);
  const path = join(dir, 'edge.yaml');
  writeFileSync(path, `edge: pump-07
centre: "500112001"
gateway: { url: "${gateway.url}" }
log: { dir: ./data/log, maxBytes: 64MB }
clock: { trust: system }
devices:
  - id: plc
    driver: modbus
    settings: { transport: rtu, port: ${line.path}, baudRate: 19200 }
    points: [{ id: level, address: "holding:10", type: uint16, unit: m, indicator: YJ-FLD-001 }]
`);
  const [program = '', ...args] = [...readOnly(data), ...RESTRICTIONS, process.execPath, MAIN, 'edge', '--config', path, '--json'];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, HOME: data } });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  for await (const text of createInterface({ input: child.stdout })) if (text.includes('"running"')) break;
  assert.equal(child.exitCode, null, said);
  await until(() => [...gateway.events.values()].some(({ point, value }) => point === 'level' && value === 10));

  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim();
  assert.deepEqual(
    [field('Uid')?.split(/\s+/)[0], field('Groups'), field('CapEff'), field('CapBnd'), field('NoNewPrivs'), field('Umask')],
    [String(USER), String(DIALOUT), '0'.repeat(16), '0'.repeat(16), '1', '0077'],
  );
  const kept = readdirSync(data, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(data, name)));
  assert.ok(kept.length > 3);
  assert.ok(kept.every(({ uid, mode }) => uid === USER && (mode & 0o077) === 0));
  const ended = new Promise((resolve) => { child.once('close', resolve); });
  child.kill('SIGTERM');
  assert.equal(await ended, 0, said);
});
