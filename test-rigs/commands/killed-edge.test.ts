/** An edge that is killed at any moment of a write: no write is ever made twice, and no answer is untrue. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../core/testing/until.ts';
import { seededRandom } from '../../core/world.ts';
import { startChild, type ChildProcessHandle } from '../processes/child.ts';
import { callApi, CountingDevice, commandEdgeYaml, commandFolder, knownCommand, settledCommand, startCommandGateway } from './bench.ts';

test('killed while the device has the write and has not confirmed it: unknown, and never again', { timeout: 120_000 }, async (t) => {
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  const { httpUrl, brokerUrl } = await startCommandGateway(t, dir);
  writeFileSync(join(dir, 'edge.yaml'), commandEdgeYaml(brokerUrl, device.port));
  let edge = await start(dir);
  t.after(() => edge.kill());
  await knownCommand(httpUrl);
  // The device does what it is told and its confirmation does not come.
  device.twist = (answer, request) => (request[7] === 5 ? null : answer);
  const id = await reached(httpUrl, device);
  await edge.kill();
  device.twist = (answer) => answer;
  const silent = await settledCommand(httpUrl, id);
  assert.deepEqual([silent.status, silent.fault?.code, silent.answeredAt], ['unknown', 'CV_COMMAND_NO_ANSWER', null]);
  edge = await start(dir);
  const answered = async () => (await callApi(httpUrl, `/commands/${id}`)).body;
  await until(async () => (await answered()).answeredAt !== null);
  const view = await answered();
  assert.deepEqual([view.status, view.fault?.code, device.writes.length], ['unknown', 'CV_COMMAND_INTERRUPTED', 1]);
});

test('killed at random: what is done was written once, what is refused never, the rest at most once', { timeout: 120_000 }, async (t) => {
  const random = seededRandom(20_261_124);
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  const { httpUrl, brokerUrl } = await startCommandGateway(t, dir);
  // Signed, so that a kill falls between counter and write as well.
  const key = join(dir, 'data/g/certificates/command-key.pub.pem');
  writeFileSync(join(dir, 'edge.yaml'), `${commandEdgeYaml(brokerUrl, device.port)}commands: { key: "${key}" }\n`);
  let edge = await start(dir);
  t.after(() => edge.kill());
  await knownCommand(httpUrl);
  // A slow device: most of the time some write is on its way.
  device.twist = (answer, request, socket) => {
    if (request[7] !== 6) return answer;
    setTimeout(() => { if (!socket.destroyed) socket.write(answer); }, 30);
    return null;
  };
  const ids: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    // Counted before they are given: some may be written by the time that the last of them is.
    const some = device.writes.length + Math.floor(random.next() * 6);
    for (let n = 0; n < 6; n += 1) {
      const value = (ids.length + 1) / 100;
      ids.push(
        (await callApi(httpUrl, '/commands', { kind: 'write', device: 'plc', point: 'level', value, reason: 'test', expiresInMs: 600_000 }))
          .body.id,
      );
    }
    await until(() => device.writes.length >= some);
    await edge.kill();
    edge = await start(dir);
  }
  const counts = { done: 0, unknown: 0 };
  for (const [index, id] of ids.entries()) {
    const { status, fault } = await settledCommand(httpUrl, id);
    const times = device.writes.filter(({ cells }) => cells[0] === index + 1).length;
    assert.ok(status === 'done' || status === 'unknown', `${status} ${fault?.code}`);
    counts[status] += 1;
    assert.ok(status === 'done' ? times === 1 : times <= 1, `${id} ${status}: written ${times} times`);
  }
  assert.ok(counts.done > 0);
  t.diagnostic(JSON.stringify(counts));
});

/** Gives a short-lived command until one reaches the device before it expires. @returns its id */
async function reached(httpUrl: string, device: CountingDevice): Promise<string> {
  for (;;) {
    const { id } = (
      await callApi(httpUrl, '/commands', { kind: 'write', device: 'plc', point: 'pump', value: true, reason: 'test', expiresInMs: 1500 })
    ).body;
    const isOver = async () => (await callApi(httpUrl, `/commands/${id}`)).body.status !== 'pending';
    await until(async () => device.writes.length > 0 || await isOver());
    if (device.writes.length > 0) return id;
  }
}

function start(dir: string): Promise<ChildProcessHandle> {
  return startChild({
    name: 'edge',
    module: join(import.meta.dirname, 'edge-main.ts'),
    args: [join(dir, 'edge.yaml')],
    logFile: join(dir, 'edge.log'),
  });
}
