import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';

const YAML = 'gateway: g\ncentre: "500112001"\nbroker: { embedded: { port: 0 } }\n';

async function told(t: TestContext, yaml: string, command: string[], lang: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cv-http-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'gateway.yaml'), yaml);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), ...command, '--config', join(folder, 'gateway.yaml'), '--lang', lang], { env: { ...process.env, HOME: folder } });
  return stdout + stderr;
}

for (const command of [['check'], ['gateway', '--check']]) {
  test(`${command.join(' ')} warns where HTTP is reached from other machines, of who reads and of who cannot`, async (t) => {
    assert.doesNotMatch(await told(t, YAML, command, 'en'), /WARNING/);
    assert.match(await told(t, `${YAML}http: { host: 0.0.0.0 }\n`, command, 'en'), /WARNING: HTTP listens beyond this machine \(0\.0\.0\.0:8080\).*nobody has one: add http\.readers/);
    assert.match(await told(t, `${YAML}http: { host: 0.0.0.0, readers: [{ name: duty-room, token: reads-and-nothing-else }] }\n`, command, 'en'), /WARNING: HTTP listens beyond this machine .* in clear/);
    assert.match(await told(t, `${YAML}http: { trustProxy: [127.0.0.1] }\n`, command, 'zh-CN'), /警告：HTTP 经反向代理对外开放.*请添加 http\.readers/);
  });
}
