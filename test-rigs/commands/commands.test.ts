/** Commands end to end: real gateway, real edge, real sockets; the device counts what is written to it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import type { Event } from '../../core/event.ts';
import { freePort } from '../../core/free-port.ts';
import { verifyJournal } from '../../log/journal.ts';
import { until } from '../../core/testing/until.ts';
import type { Answer, Command } from '../../core/wire/commands.ts';
import {
  callApi,
  COMMAND_CENTRE,
  CountingDevice,
  commandEdgeYaml,
  commandFolder,
  giveCommand,
  knownCommand,
  settledCommand,
  startCommandEdge,
  startCommandGateway,
} from './bench.ts';

const LIMIT = { timeout: 120_000 };

test('read, write and read back; interlock, range, rights and refusals; the record on both sides', LIMIT, async (t) => {
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  const gateway = await startCommandGateway(t, dir);
  const edge = await startCommandEdge(t, dir, commandEdgeYaml(gateway.brokerUrl, device.port));
  const { httpUrl } = gateway;
  await knownCommand(httpUrl);

  const read = await giveCommand(httpUrl, { kind: 'read', device: 'plc', points: ['pump', 'level'] });
  assert.deepEqual(
    [read.status, read.values?.map(({ point, value, unit }) => [point, value, unit])],
    [
      'done',
      [
        ['pump', false, ''],
        ['level', 0, 'm'],
      ],
    ],
  );

  const on = await giveCommand(httpUrl, {
    kind: 'write',
    device: 'plc',
    point: 'pump',
    value: true,
    ifState: { point: 'level', below: 3 },
  });
  assert.deepEqual([on.status, on.readBack, on.by, device.coils[3]], ['done', true, 'duty-1', 1]);
  const level = await giveCommand(httpUrl, { kind: 'write', device: 'plc', point: 'level', value: 1.23, unit: 'm' });
  assert.deepEqual([level.status, level.readBack, device.registers[2]], ['done', 1.23, 123]);
  assert.deepEqual(device.writes, [{ fc: 5, start: 3, cells: [1] }, { fc: 6, start: 2, cells: [123] }]);

  const outcome = async (command: object) => {
    const { status, fault } = await giveCommand(httpUrl, { kind: 'write', device: 'plc', ...command });
    return [status, fault?.code];
  };
  assert.deepEqual(await outcome({ point: 'level', value: 5.01 }), ['refused', 'CV_COMMAND_VALUE']);
  assert.deepEqual(await outcome({ point: 'level', value: true }), ['refused', 'CV_COMMAND_VALUE']);
  assert.deepEqual(await outcome({ point: 'level', value: 1.234 }), ['refused', 'CV_MODBUS_WRITE_VALUE']);
  assert.deepEqual(await outcome({ point: 'level', value: 1, unit: 'cm' }), ['refused', 'CV_COMMAND_VALUE']);
  assert.deepEqual(await outcome({ point: 'guard', value: true }), ['refused', 'CV_COMMAND_NOT_ALLOWED']);
  assert.deepEqual(await outcome({ point: 'nothing', value: true }), ['refused', 'CV_COMMAND_POINT']);
  assert.deepEqual(await outcome({ point: 'pump', value: false, ifState: { point: 'level', above: 3 } }), [
    'refused',
    'CV_COMMAND_CONDITION',
  ]);
  device.coils[4] = 1;
  assert.deepEqual(await outcome({ point: 'pump', value: false }), ['refused', 'CV_COMMAND_CONDITION']);
  assert.equal(device.writes.length, 2, 'what is refused never reaches the device');
  assert.deepEqual(await outcome({ point: 'stubborn', value: true }), ['failed', 'CV_COMMAND_READ_BACK']);
  assert.deepEqual((await outcome({ point: 'refusing', value: true }))[0], 'failed');
  assert.deepEqual([(await giveCommand(httpUrl, { kind: 'snapshot', device: 'plc' })).fault?.code], ['CV_COMMAND_NOT_OFFERED']);

  const events = async () =>
    ((await (await fetch(`${httpUrl}/api/v1/events?limit=1000`)).json()) as { items: Event[] }).items.filter(
      ({ kind }) => kind === 'occurrence',
    );
  await until(async () => (await events()).length >= 5);
  assert.deepEqual(
    (await events()).map(({ stream, point }) => [stream, point]),
    [
      ['state', 'command'],
      ['state', 'pump'],
      ['state', 'level'],
      ['state', 'stubborn'],
      ['state', 'refusing'],
    ],
  );
  assert.match(String((await events())[1]?.value), /write pump = true: done · duty-1/);

  await edge.close();
  await gateway.close();
  for (const side of [join(dir, 'data/e1/commands'), join(dir, 'data/g/log/commands')]) {
    const { faults, lines } = await verifyJournal(side);
    assert.deepEqual(faults, []);
    const written = lines.find(({ command }) => (command as Command | undefined)?.id === on.id)?.command as Command;
    assert.deepEqual([written.by, written.reason, written.issuedAt], ['duty-1', 'test', on.issuedAt]);
    const answer = lines.find(({ step, id }) => step === 'answered' && id === on.id)?.answer as Answer | undefined;
    assert.equal(answer?.status, 'done');
  }
});

test('who may: no token, a wrong one, an id of another command; malformed ones; the same id twice is one command', LIMIT, async (t) => {
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  const { httpUrl, brokerUrl } = await startCommandGateway(t, dir);
  await startCommandEdge(t, dir, commandEdgeYaml(brokerUrl, device.port));
  await knownCommand(httpUrl);
  const command = { kind: 'write', device: 'plc', point: 'pump', value: true, reason: 'test', id: 'my-own-id-1' };
  const code = async (body: object, token?: string) => {
    const answer = await callApi(httpUrl, '/commands', body, token);
    return [answer.status, answer.body.code];
  };
  assert.deepEqual(await code(command, 'wrong'), [401, 'CV_API_UNAUTHORISED']);
  assert.equal((await fetch(`${httpUrl}/api/v1/commands`)).status, 401);
  for (const bad of [
    {},
    { ...command, kind: 'reboot' },
    { ...command, value: null },
    { ...command, reason: '' },
    { ...command, more: 1 },
    { ...command, id: 'x' },
    { ...command, expiresInMs: 1e9 },
    { ...command, ifState: { point: 'level' } },
  ]) {
    assert.deepEqual(await code(bad), [400, 'CV_API_QUERY_INVALID'], JSON.stringify(bad));
  }
  assert.deepEqual(await code({ ...command, device: 'nobody' }), [404, 'CV_API_UNKNOWN_ID']);
  assert.equal(device.writes.length, 0);
  const [first, second] = [await callApi(httpUrl, '/commands', command), await callApi(httpUrl, '/commands', command)];
  assert.deepEqual([first.status, second.status, second.body.issuedAt], [202, 202, first.body.issuedAt]);
  assert.deepEqual(await code({ ...command, value: false }), [409, 'CV_COMMAND_ID_TAKEN']);
  assert.equal((await settledCommand(httpUrl, command.id)).status, 'done');
  assert.equal(device.writes.length, 1);
  const list = await callApi(httpUrl, '/commands?kind=write&status=done');
  assert.deepEqual(list.body.items?.map(({ id }) => id), [command.id]);
});

test('on the wire: repeated, malformed, expired and far commands; an edge reads and answers its own alone', LIMIT, async (t) => {
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  // A broker of our own, so that anything at all can be said to the edge.
  const { FakeGateway } = await import('../../edge/testing/fake-gateway.ts');
  const gateway = await FakeGateway.open({ clockAheadMs: 3_600_000 });
  t.after(() => gateway.close());
  await startCommandEdge(t, dir, commandEdgeYaml(gateway.url, device.port));
  const centre = await mqtt.connectAsync(gateway.url, { protocolVersion: 4, clientId: 'centre' });
  t.after(() => centre.end(true));
  const answers: Answer[] = [];
  centre.on('message', (_topic, payload) => { answers.push(JSON.parse(payload.toString()) as Answer); });
  await centre.subscribeAsync(`cv/v1/in/${COMMAND_CENTRE}/e1/rsp`, { qos: 1 });
  const say = (body: object | string) =>
    centre.publishAsync(`cv/v1/in/${COMMAND_CENTRE}/e1/cmd`, typeof body === 'string' ? body : JSON.stringify(body), { qos: 1 });
  // The gateway's clock is an hour ahead: expiry goes by it.
  const nowMs = () => Date.now() + 3_600_000;
  const command = (id: string, over: object = {}) => ({
    v: 1,
    id,
    kind: 'write',
    device: 'plc',
    point: 'pump',
    value: true,
    by: 'duty-1',
    reason: 'test',
    issuedAt: nowMs(),
    expiresAt: nowMs() + 20_000,
    ...over,
  });
  const heard = async (id: string) => {
    await until(() => answers.some((answer) => answer.id === id));
    return answers.find((answer) => answer.id === id) as Answer;
  };

  const once = command('only-once-1');
  const sentBefore = setInterval(() => void say(once), 50);
  assert.equal((await heard(once.id)).status, 'done');
  clearInterval(sentBefore);
  await Promise.all(Array.from({ length: 10 }, () => say(once)));
  const repeated = Array.from({ length: 10 }, () => command('burst-000001'));
  await Promise.all(repeated.map(say));
  await until(() => answers.filter(({ id }) => id === once.id).length >= 10 && answers.some(({ id }) => id === 'burst-000001'));
  assert.equal(device.writes.length, 2, 'each id was carried out once');
  assert.ok(answers.every(({ status }) => status === 'done'));

  for (const garbage of [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"v":1}',
    'x'.repeat(40_000),
    JSON.stringify(command('no-such-kind', { kind: 'reboot' })),
    JSON.stringify(command('version-two', { v: 2 })),
  ])
    await say(garbage);
  assert.equal((await heard('no-such-kind')).fault?.code, 'CV_COMMAND_SHAPE');
  await say(command('too-late-001', { issuedAt: nowMs() - 90_000, expiresAt: nowMs() - 60_000 }));
  assert.deepEqual([(await heard('too-late-001')).status, (await heard('too-late-001')).fault?.code], ['expired', 'CV_COMMAND_EXPIRED']);
  await say(command('by-our-clock', { issuedAt: Date.now(), expiresAt: Date.now() + 20_000 }));
  assert.equal((await heard('by-our-clock')).status, 'expired');
  await say(command('lives-too-long', { expiresAt: nowMs() + 3_600_000 * 2 }));
  assert.deepEqual([(await heard('lives-too-long')).status, (await heard('lives-too-long')).fault?.code], ['refused', 'CV_COMMAND_LIFE']);
  await say(command('not-my-device', { device: 'plc-of-another' }));
  assert.equal((await heard('not-my-device')).fault?.code, 'CV_COMMAND_DEVICE');
  await centre.publishAsync(`cv/v1/in/${COMMAND_CENTRE}/e2/cmd`, JSON.stringify(command('for-another-1')), { qos: 1 });
  await say(command('last-of-all-1'));
  await heard('last-of-all-1');
  assert.equal(answers.some(({ id }) => id === 'for-another-1'), false);
  assert.equal(device.writes.length, 3);
});

test('the broker: an edge neither gives commands, nor reads or answers those of another', LIMIT, async (t) => {
  const dir = commandFolder(t);
  const { brokerUrl, told } = await startCommandGateway(t, dir);
  const denied = () => told.filter((event) => event.kind === 'fault' && event.fault.code === 'CV_TOPIC_DENIED').length;
  const connect = () =>
    mqtt.connectAsync(brokerUrl, { clientId: 'cv-e2', username: 'e2', password: 't2', protocolVersion: 4, reconnectPeriod: 0 });
  for (const [index, topic] of [
    `cv/v1/in/${COMMAND_CENTRE}/e1/cmd`,
    `cv/v1/in/${COMMAND_CENTRE}/e2/cmd`,
    `cv/v1/in/${COMMAND_CENTRE}/e1/rsp`,
  ].entries()) {
    const client = await connect();
    const closed = new Promise<void>((resolve) => { client.once('close', () => resolve()); });
    client.on('error', () => {});
    client.publish(topic, '{}', { qos: 1 }, () => {});
    await closed;
    assert.equal(denied(), index + 1, topic);
    client.end(true);
  }
  const client = await connect();
  t.after(() => client.end(true));
  await assert.rejects(client.subscribeAsync(`cv/v1/in/${COMMAND_CENTRE}/e1/cmd`, { qos: 1 }));
  await client.subscribeAsync(`cv/v1/in/${COMMAND_CENTRE}/e2/cmd`, { qos: 1 });
});

test('a broker that keeps commands from an edge costs the commands alone', LIMIT, async (t) => {
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  const { FakeGateway } = await import('../../edge/testing/fake-gateway.ts');
  const gateway = await FakeGateway.open({ clockAheadMs: 0 });
  t.after(() => gateway.close());
  gateway.broker.authorizeSubscribe = (_client, subscription, done) => {
    done(null, subscription.topic.endsWith('/cmd') ? null : subscription);
  };
  const edge = await startCommandEdge(t, dir, commandEdgeYaml(gateway.url, device.port));
  await until(() => gateway.events.size > 10 && edge.told.some(({ kind }) => kind === 'events_settled'));
  const codes = edge.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));
  assert.deepEqual([codes.filter((code) => code.startsWith('CV_UPLINK')), edge.uplink().online], [['CV_UPLINK_COMMANDS'], true]);
});

test('an edge that is away: pending, then expired; a gateway that is killed goes on asking', LIMIT, async (t) => {
  const dir = commandFolder(t);
  const device = await new CountingDevice().open(t);
  const port = await freePort();
  const gateway = await startCommandGateway(t, dir, port);
  const yaml = commandEdgeYaml(gateway.brokerUrl, device.port);
  const edge = await startCommandEdge(t, dir, yaml);
  await knownCommand(gateway.httpUrl);
  await edge.close();
  const write = { kind: 'write', device: 'plc', point: 'pump', value: true, reason: 'test' };
  const short = await callApi(gateway.httpUrl, '/commands', { ...write, expiresInMs: 1000 });
  const long = await callApi(gateway.httpUrl, '/commands', { ...write, expiresInMs: 600_000 });
  assert.equal(short.body.status, 'pending');
  const expired = await settledCommand(gateway.httpUrl, short.body.id);
  assert.deepEqual([expired.status, expired.fault?.code, expired.sentAt], ['expired', 'CV_COMMAND_UNDELIVERED', null]);
  await gateway.close();
  const again = await startCommandGateway(t, dir, port);
  assert.equal((await callApi(again.httpUrl, `/commands/${long.body.id}`)).body.status, 'pending');
  assert.equal((await callApi(again.httpUrl, `/commands/${short.body.id}`)).body.status, 'expired');
  await startCommandEdge(t, dir, yaml);
  assert.equal((await settledCommand(again.httpUrl, long.body.id)).status, 'done');
  assert.equal(device.writes.length, 1);
});
