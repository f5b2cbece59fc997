import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { tempDir } from '../core/testing/temp-dir.ts';
import { testWorld } from '../core/testing/virtual-clock.ts';
import { openLocalHttp } from '../edge/http/server.ts';

const YAML = 'gateway: g\ncentre: "500112001"\nbroker: { embedded: { port: 0 } }\n';

async function told(t: TestContext, yaml: string, command: string[], lang: string): Promise<string> {
  const { dir: folder, remove } = await tempDir();
  t.after(remove);
  await writeFile(join(folder, 'gateway.yaml'), yaml);
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'main.ts'), ...command, '--config', join(folder, 'gateway.yaml'), '--lang', lang],
    { env: { ...process.env, HOME: folder } },
  );
  return stdout + stderr;
}

for (const command of [['check'], ['gateway', '--check']]) {
  test(`${command.join(' ')} warns where HTTP is reached from other machines, of who reads and of who cannot`, async (t) => {
    assert.doesNotMatch(await told(t, YAML, command, 'en'), /WARNING/);
    assert.match(
      await told(t, `${YAML}http: { host: 0.0.0.0 }\n`, command, 'en'),
      /WARNING: HTTP is reachable from other machines \(0\.0\.0\.0:8080\).*none is configured: add http\.readers/,
    );
    assert.match(
      await told(t, `${YAML}http: { host: 0.0.0.0, readers: [{ name: duty-room, token: reads-and-nothing-else }] }\n`, command, 'en'),
      /WARNING: HTTP is reachable from other machines .* can read everything\n/,
    );
    assert.match(
      await told(t, `${YAML}http: { host: 0.0.0.0, readers: [{ name: duty-room, token: reads-and-nothing-else }] }\ntls: { plaintextUntil: forever }\n`, command, 'en'),
      /can read everything; while plaintext is let in .* in clear text/,
    );
    assert.match(
      await told(t, `${YAML}http: { trustProxy: [127.0.0.1] }\n`, command, 'zh-CN'),
      /警告：HTTP 经反向代理对外开放.*请添加 http\.readers/,
    );
  });
}

test('check of an edge warns as well', async (t) => {
  const edge =
    'edge: e\ncentre: "500112001"\ngateway: { url: mqtt://127.0.0.1:9 }\ndevices: [{ id: plc, driver: modbus, settings: { transport: tcp, host: 127.0.0.1, port: 9, unit: 1 }, points: [{ id: level, address: "holding:100", type: uint16, unit: m, indicator: YJ-FLD-001 }] }]\n';
  assert.doesNotMatch(await told(t, edge, ['check', '--offline'], 'en'), /WARNING/);
  assert.match(
    await told(t, `${edge}http: { host: 0.0.0.0, port: 8090 }\n`, ['check', '--offline'], 'en'),
    /WARNING: HTTP is reachable from other machines \(0\.0\.0\.0:8090\).*only the gateway can read/,
  );
  assert.match(
    await told(t, `${edge}http: { host: 0.0.0.0, token: a-token-for-people }\n`, ['check', '--offline'], 'zh-CN'),
    /警告：HTTP 不只监听本机.*http\.token/,
  );
});

test('check names loggers that dial in without a password', async (t) => {
  const edge = (password: string) =>
    `edge: e\ncentre: "500112001"\ngateway: { url: mqtt://127.0.0.1:9 }\ndevices: [{ id: logger, driver: hj212, settings: { listen: 0.0.0.0:8212, mn: MN-1${password} }, points: [{ id: pm25, factor: a34004 }] }]\n`;
  assert.match(await told(t, edge(''), ['check', '--offline'], 'en'), /WARNING: logger: without a password .*: add password/);
  assert.match(await told(t, edge(''), ['check', '--offline'], 'zh-CN'), /警告：logger：未设置密码/);
  assert.doesNotMatch(await told(t, edge(', password: "736211"'), ['check', '--offline'], 'en'), /WARNING: logger/);
});

test('status says which token it lacks, and takes one from the environment', async (t) => {
  const health = {
    ok: true,
    edge: 'pump',
    centre: '500112001',
    version: '1',
    now: 0,
    log: { writing: true, depth: 0, bytes: 0, byStream: {} },
    uplink: { online: true, address: 'here', clockOffsetMs: 0 },
    devices: [],
  };
  const http = await openLocalHttp(
    { host: '0.0.0.0', port: 0, token: 'a-token-for-people' },
    { health: () => health as never, picture: () => Promise.resolve(null), live: () => Promise.reject(new Error('none')) },
    testWorld().clock,
  );
  t.after(() => http.close());
  const status = (env: Record<string, string>) =>
    new Promise<string>((resolve) => {
      execFile(
        process.execPath,
        [join(import.meta.dirname, 'main.ts'), 'status', '--url', http.url.replace('0.0.0.0', '127.0.0.1'), '--lang', 'en'],
        { env: { ...process.env, ...env } },
        (_error, out, err) => resolve(out + err),
      );
    });
  assert.match(await status({}), /CV_EDGE_READ_TOKEN: .*\n.*http\.token/);
  assert.match(await status({ CITYVITALS_READ_TOKEN: 'a-token-for-people' }), /edge pump/);
});
