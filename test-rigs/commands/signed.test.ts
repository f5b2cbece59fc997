/** Signed commands end to end: real gateway, edge and sockets, over a broker on which somebody records, repeats and forges. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { until } from '../../core/testing/until.ts';
import type { Command } from '../../core/wire/commands.ts';
import { verifyJournal } from '../../log/journal.ts';
import {
  callApi, CountingDevice, commandEdgeYaml, commandFolder, giveCommand, knownCommand, settledCommand, startCommandEdge,
  startCommandGateway, type RunningCommandEdge, type RunningCommandGateway,
} from './bench.ts';
import { openBrokerWithIntruder } from './open-broker.ts';

const LIMIT = { timeout: 120_000 };
const WRITE = { kind: 'write', device: 'plc', point: 'pump', value: true, reason: 'test' };
const KEYS = 'data/g/certificates';

const outcomeOf = ({ status, fault }: { status: string; fault?: { code: string } | null | undefined }) =>
  fault ? `${status} ${fault.code}` : status;

async function station(t: TestContext) {
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  const intruder = await openBrokerWithIntruder(t);
  const yaml = `${commandEdgeYaml(intruder.url, device.port)}commands: { key: ./gateway-key.pem }\n`;
  const startGateway = () => startCommandGateway(t, dir, intruder.url);
  const startEdge = () => startCommandEdge(t, dir, yaml);
  /** What a field engineer carries to the edge. */
  const keyPath = join(dir, 'gateway-key.pem');
  const gateway = await startGateway();
  await copyFile(join(dir, KEYS, 'command-key.pub.pem'), keyPath);
  const edge = await startEdge();
  await knownCommand(gateway.httpUrl);
  return { dir, device, intruder, gateway, edge, keyPath, startGateway, startEdge };
}

const faultsOf = ({ told }: RunningCommandEdge | RunningCommandGateway) =>
  told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));

test('a recorded message is replayed, stripped, changed: nothing reaches the device, through restarts of both sides', LIMIT, async (t) => {
  const { dir, device, intruder, gateway, edge, startGateway, startEdge } = await station(t);
  const done = await giveCommand(gateway.httpUrl, WRITE);
  assert.deepEqual([done.status, device.writes.length], ['done', 1]);
  const recorded = intruder.commands.at(-1) as string;
  const message = JSON.parse(recorded) as Command;
  assert.deepEqual([message.id, typeof message.counter, message.signature?.length], [done.id, 'number', 86]);

  // The same message again is a repeat: answered from memory. As another command it is no message of the gateway's.
  assert.deepEqual(outcomeOf(await intruder.ask(recorded)), 'done');
  const { signature: _signature, counter: _counter, ...bare } = message;
  const forge = (id: string, over: object = {}) => ({ ...message, id, ...over }) as Command;
  assert.equal(outcomeOf(await intruder.ask({ ...bare, id: 'stripped-001' })), 'refused CV_COMMAND_UNSIGNED');
  assert.equal(outcomeOf(await intruder.ask(forge('renamed-0001'))), 'refused CV_COMMAND_SIGNATURE');
  assert.equal(outcomeOf(await intruder.ask(forge('changed-0001', { value: false }))), 'refused CV_COMMAND_SIGNATURE');
  assert.ok(faultsOf(edge).includes('CV_COMMAND_UNSIGNED') && faultsOf(edge).includes('CV_COMMAND_SIGNATURE'), 'told, and so counted');

  await edge.close();
  await gateway.close();
  const { faults, lines } = await verifyJournal(join(dir, 'data/e1/commands'));
  assert.deepEqual(faults, []);
  assert.deepEqual(lines.filter(({ step }) => step === 'refused').map(({ code }) => code), [
    'CV_COMMAND_UNSIGNED', 'CV_COMMAND_SIGNATURE', 'CV_COMMAND_SIGNATURE',
  ]);
  // Both know the counter after a restart.
  const again = await startGateway();
  await startEdge();
  await knownCommand(again.httpUrl);
  const next = await giveCommand(again.httpUrl, { ...WRITE, value: false });
  assert.deepEqual([next.status, device.writes.length], ['done', 2]);
  assert.ok(((JSON.parse(intruder.commands.at(-1) as string) as Command).counter ?? 0) > (message.counter ?? 0));
});

test('killed between the counter and the device: the recorded message is refused, the gateway\'s next one is carried out once', LIMIT, async (t) => {
  const { dir, device, intruder, gateway, edge, startEdge } = await station(t);
  assert.equal((await giveCommand(gateway.httpUrl, WRITE)).status, 'done');
  await edge.close();
  // The edge's record as a kill leaves it behind the counter: nothing begun, nothing answered.
  const path = join(dir, 'data/e1/commands/commands-000001.jsonl');
  const [admitted = ''] = (await readFile(path, 'utf8')).split('\n');
  assert.match(admitted, /"step":"admitted"/);
  await writeFile(path, `${admitted}\n`);
  await startEdge();
  await knownCommand(gateway.httpUrl);
  const recorded = intruder.commands.find((payload) => (JSON.parse(payload) as Command).over === undefined) as string;
  assert.equal(outcomeOf(await intruder.ask(recorded)), 'refused CV_COMMAND_REPLAYED');
  assert.equal(device.writes.length, 1);
  assert.equal((await giveCommand(gateway.httpUrl, { ...WRITE, value: false })).status, 'done');
  assert.equal(device.writes.length, 2);
});

test('a gateway with another key: its commands are not taken; with the first one back they are; a damaged key is kept', LIMIT, async (t) => {
  const { dir, device, gateway, startGateway } = await station(t);
  await gateway.close();
  const path = join(dir, KEYS, 'command-key.pem');
  await rename(path, `${path}.first`);
  const stranger = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  await writeFile(path, stranger);
  const other = await startGateway();
  await knownCommand(other.httpUrl);
  const refused = await callApi(other.httpUrl, '/commands', WRITE);
  assert.deepEqual([refused.status, refused.body.code], [409, 'CV_COMMAND_KEY_OTHER']);
  await other.close();
  await writeFile(path, 'not a key');
  const broken = await startGateway();
  await knownCommand(broken.httpUrl);
  assert.ok(faultsOf(broken).includes('CV_COMMAND_KEY_UNUSABLE'));
  assert.equal((await callApi(broken.httpUrl, '/commands', WRITE)).body.code, 'CV_COMMAND_KEY_UNUSABLE');
  assert.equal(await readFile(path, 'utf8'), 'not a key');
  await broken.close();
  await rename(`${path}.first`, path);
  const first = await startGateway();
  await knownCommand(first.httpUrl);
  assert.equal((await giveCommand(first.httpUrl, WRITE)).status, 'done');
  assert.equal(device.writes.length, 1);
});

test('the key is taken from the edge while it runs: it carries out nothing, and the command says why; put back, it goes through', LIMIT, async (t) => {
  const { device, gateway, keyPath } = await station(t);
  const pem = await readFile(keyPath, 'utf8');
  await rm(keyPath);
  const { id } = (await callApi(gateway.httpUrl, '/commands', { ...WRITE, expiresInMs: 60_000 })).body;
  await until(async () => (await callApi(gateway.httpUrl, `/commands/${id}`)).body.fault?.code === 'CV_COMMAND_KEY_UNREADABLE');
  assert.equal(device.writes.length, 0);
  await writeFile(keyPath, pem);
  assert.equal((await settledCommand(gateway.httpUrl, id)).status, 'done');
  assert.equal(device.writes.length, 1);
});
