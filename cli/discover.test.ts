import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TEST_NAMESPACE, startOpcuaTestServer, type OpcuaTestServer } from '../drivers/opcua/testing/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'cityvitals-discover-'));
let rig: OpcuaTestServer;
before(async () => { rig = await startOpcuaTestServer(); });
after(async () => {
  await rig.stop();
  rmSync(folder, { recursive: true });
});

/** Not spawnSync: the server lives in this process. */
function cityvitals(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], {
    env: { ...process.env, LC_ALL: 'C', CITYVITALS_LANG: 'en' },
  });
  const out = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => { out[name] += text; });
  return new Promise((resolve) => { child.once('close', (code) => resolve({ code, ...out })); });
}

const device = (id: string, port: number) =>
  `  - { id: ${id}, driver: opcua, settings: { endpoint: "opc.tcp://127.0.0.1:${port}", security: none }, points: [{ id: level, node: i=2267, unit: "1", indicator: SS-DRN-011 }] }\n`;
const write = (devices: string) => {
  const path = join(folder, 'edge.yaml');
  writeFileSync(path, `edge: e1\ncentre: "500112001"\ngateway: { url: mqtt://127.0.0.1:1883 }\ndevices:\n${devices}`);
  return path;
};

test('discover lists the nodes of a server as points; a server that is not there is a fault', async () => {
  const path = write(device('plc', rig.port) + device('gone', 1));
  const { code, stdout } = await cityvitals('discover', '--config', path, '--json');
  const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(code, 1);
  assert.deepEqual(
    lines.find(({ name }) => name === 'Level'),
    { device: 'plc', name: 'Level', type: 'Double', value: 0, point: { node: `${TEST_NAMESPACE}s=Level` } },
  );
  assert.deepEqual(
    lines.flatMap(({ fault }) => fault ?? []),
    ['CV_LINK_REFUSED'],
  );
});

test('a device that cannot look for points says so', async () => {
  const { code, stderr } = await cityvitals('discover', 'nobody', '--config', write(device('plc', rig.port)));
  assert.equal(code, 1);
  assert.match(stderr, /CV_DISCOVER_NOT_OFFERED/);
});

test('a server is looked at by its address alone, without a file', async () => {
  for (const address of [`opc.tcp://127.0.0.1:${rig.port}`, `127.0.0.1:${rig.port}`]) {
    const { code, stdout } = await cityvitals('discover', 'opcua', address, '--json');
    const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(code, 0);
    assert.deepEqual(lines.find(({ name }) => name === 'Level')?.point, { node: `${TEST_NAMESPACE}s=Level` });
  }
});

test('an invalid address, a driver without addresses and one that is not there are told, exit 2', async () => {
  for (const [driver, address, fault] of [
    ['opcua', 'http://x', 'CV_SETTING_INVALID'],
    ['modbus', '127.0.0.1:502', 'CV_DISCOVER_NOT_OFFERED'],
    ['opcu', '127.0.0.1:4840', 'CV_DRIVER_UNKNOWN'],
  ] as const) {
    const { code, stdout } = await cityvitals('discover', driver, address, '--json');
    assert.deepEqual([code, (JSON.parse(stdout) as { fault: string }).fault], [2, fault]);
  }
});
