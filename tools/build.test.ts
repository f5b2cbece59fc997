/** The package as it is installed: compiled, below a node_modules, started by its own command. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { tempDir } from '../core/testing/temp-dir.ts';
import { startDevice } from '../test-rigs/processes/device.ts';
import { freePort } from '../core/free-port.ts';

const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  files: string[];
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
};
const temp = await tempDir();
const installed = join(temp.dir, 'node_modules', 'cityvitals');
const command = join(installed, 'bin', 'cityvitals.js');

before(() => {
  mkdirSync(installed, { recursive: true });
  const compiled = spawnSync(
    join(root, 'node_modules', '.bin', 'tsc'),
    ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(installed, 'dist')],
    { encoding: 'utf8' },
  );
  assert.equal(compiled.status, 0, compiled.stdout);
  for (const part of ['package.json', 'bin', 'configs']) cpSync(join(root, part), join(installed, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
});
after(() => temp.remove());

function call(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: temp.dir,
    encoding: 'utf8',
    env: { ...process.env, CITYVITALS_TOKEN: 'token' },
  });
  return { status, stdout, stderr };
}

/** Starts a command of the package; resolves with its first line of JSON and the way to stop it. */
async function start(...args: string[]): Promise<{ said: Record<string, string>; stop(): Promise<number | null> }> {
  const child = spawn(process.execPath, [command, ...args, '--json'], {
    cwd: temp.dir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CITYVITALS_TOKEN: 'token' },
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text; });
  const ended = new Promise<number | null>((resolve) => { child.once('close', resolve); });
  const said = await new Promise<Record<string, string>>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Record<string, string>));
    void ended.then((code) => reject(new Error(`${args[0]} ended with ${code}\n${errors}`)));
  });
  return {
    said,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

test('the package holds the program alone, and asks npm for every package that it uses', () => {
  const files = globSync('**/*', { cwd: join(installed, 'dist') });
  const code = files.filter((path) => path.endsWith('.js'));
  assert.ok(code.length > 150);
  const wrong = files.filter(
    (path) =>
      /\.(?:test\.js|ts|map)$/.test(path) || /^(?:core|edge|gateway|cli)\/(?:.*\/)?testing\//.test(path) || path.endsWith('contract.js'),
  );
  assert.deepEqual(wrong, []);
  const missing = new Set<string>();
  for (const path of code) {
    const text = readFileSync(join(installed, 'dist', path), 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:\bfrom |\bimport |import\(|import\.meta\.url\)\()'([^'.][^']*)'/g)) {
      const owner = name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/');
      if (!isBuiltin(name) && !(owner in { ...manifest.dependencies, ...manifest.optionalDependencies })) missing.add(`${path}: ${owner}`);
    }
  }
  assert.deepEqual([...missing], []);
});

test('what the pages for users point to is there, and in the package', () => {
  for (const page of [
    'README.md',
    'README.zh-CN.md',
    'docs/quick-start.md',
    'docs/quick-start.zh-CN.md',
    'docs/operator.md',
    'docs/operator.zh-CN.md',
    'docs/events.md',
    'docs/events.zh-CN.md',
  ]) {
    for (const [, link = ''] of readFileSync(join(root, page), 'utf8').matchAll(/(?<!!)\[[^\]]*\]\(([^)#\s:]+)(?:#[^)]*)?\)/g)) {
      const target = normalize(join(dirname(page), link));
      assert.ok(existsSync(join(root, target)), `${page}: ${link}`);
      // A folder is in it when its README is.
      const inside =
        manifest.files.some((entry) => target.startsWith(entry) || `${target}/`.startsWith(entry.replace(/\*.*/, ''))) ||
        /^(?:README|LICENSE)/.test(target);
      assert.ok(inside, `${page}: ${target} is not in the package`);
    }
  }
});

test('the command answers from where npm puts it', () => {
  const help = call('--help', '--lang', 'en');
  assert.match(help.stdout, /demo.*edge.*gateway.*check/s);
  assert.equal(help.status, 0);
  assert.match(call('drivers').stdout, /modbus.*opcua.*camera/s);
  const checked = call('check', '--offline', '--config', join(installed, 'configs', 'pump-station', 'edge.yaml'));
  assert.deepEqual([checked.status, checked.stderr], [0, '']);
});

test('compiled device, gateway and edge carry a value to the API', { timeout: 120_000 }, async (t) => {
  const pump = await startDevice('pump', join(installed, 'dist', 'test-rigs', 'town', 'pump-station.js'), ['--seed', '1']);
  t.after(() => pump.stop());
  const brokerPort = await freePort();
  writeFileSync(
    join(temp.dir, 'gateway.yaml'),
    `gateway: g\ncentre: "500112001"\nbroker: { embedded: { port: ${brokerPort}, edges: [{ id: pump-07, token: token }] } }\nhttp: { port: 0 }\n`,
  );
  const edge = readFileSync(join(installed, 'configs', 'pump-station', 'edge.yaml'), 'utf8')
    .replace(':1883', `:${brokerPort}`)
    .replace('port: 5020', `port: ${pump.port}`);
  writeFileSync(join(temp.dir, 'edge.yaml'), edge);
  const gateway = await start('gateway', '--config', 'gateway.yaml');
  t.after(() => gateway.stop());
  const live = await fetch(`${gateway.said.http}/api/v1/live`);
  const box = await start('edge', '--config', 'edge.yaml');
  t.after(() => box.stop());
  let heard = '';
  for await (const chunk of live.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    heard += chunk;
    if (/"point":"level"/.test(heard)) break;
  }
  assert.match(heard, /"point":"level"/);
  assert.deepEqual([await box.stop(), await gateway.stop()], [0, 0]);
});
