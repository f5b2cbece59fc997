/** The command line against a real gateway and edge: what it prints, and how it ends. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CommandView } from '../../api/commands.ts';
import { CountingDevice, commandEdgeYaml, commandFolder, knownCommand, startCommandEdge, startCommandGateway, TOKEN } from './bench.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

function cityvitals(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env: { ...process.env, CITYVITALS_OPERATOR_TOKEN: TOKEN } }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

test('command read, write and audit verify; a refusal is exit 1, a wrong call 2', { timeout: 120_000 }, async (t) => {
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  const gateway = await startCommandGateway(t, dir);
  const edge = await startCommandEdge(t, dir, commandEdgeYaml(gateway.brokerUrl, device.port));
  await knownCommand(gateway.httpUrl);
  const at = ['--gateway', gateway.httpUrl, '--reason', 'test'];
  const [read, written, refused, unauthorised, wrong] = await Promise.all([
    cityvitals('command', 'read', 'plc', 'guard', ...at, '--json'),
    cityvitals('command', 'write', 'plc', 'level', '2.5', '--unit', 'm', '--if', 'guard=false', ...at, '--json'),
    cityvitals('command', 'write', 'plc', 'level', '9', ...at, '--lang', 'zh-CN'),
    cityvitals('command', 'read', 'plc', ...at, '--token', 'not-this-one-surely', '--json'),
    cityvitals('command', 'write', 'plc', 'level', '1', '--if', 'level>much', ...at),
  ]);
  assert.deepEqual(
    [read.code, (JSON.parse(read.out) as CommandView).values?.map(({ point, value }) => [point, value])],
    [0, [['guard', false]]],
  );
  assert.deepEqual([written.code, (JSON.parse(written.out) as CommandView).readBack, device.registers[2]], [0, 2.5, 250], written.out);
  assert.equal(refused.code, 1);
  assert.match(refused.out, /已拒绝，未执行[\s\S]*CV_COMMAND_VALUE/);
  assert.equal(unauthorised.code, 1);
  assert.match(unauthorised.out, /CV_API_UNAUTHORISED/);
  assert.equal(wrong.code, 2, wrong.err);
  await edge.close();
  const verified = await cityvitals('audit', 'verify', join(dir, 'data/e1/commands'), '--json');
  assert.deepEqual([verified.code, (JSON.parse(verified.out) as { broken: number }).broken], [0, 0]);
  assert.equal((await cityvitals('audit', 'verify', join(dir, 'nowhere'))).code, 2);
});
