/** The sender between a log in memory and a gateway that says what a test wants. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { FaultCode } from '../../core/faults.ts';
import { testDrafts } from '../../core/testing/drafts.ts';
import { openMemoryEdgeLog } from '../../log/testing/memory-log.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import type { Lane } from '../../core/wire/topics.ts';
import { BatchSender } from './batch-sender.ts';

async function withSender() {
  const world = testWorld();
  const log = await openMemoryEdgeLog({ edge: 'pump', centre: '500112001' }, world);
  const sent: { lane: Lane; payload: Uint8Array; seqs: number[] }[] = [];
  const link = { isReady: true };
  const sender = new BatchSender(log, {
    isReady: () => link.isReady,
    send: (lane, payload) => { sent.push({ lane, payload, seqs: decodeBatch(payload).events.map(({ seq }) => seq) }); },
  }, world);
  log.onCommitted((group) => sender.groupKept(group));
  const append = async (from: number, count = 2) => { await log.append(testDrafts(from, count)); await settle(); };
  const ack = async (upTo: number, have: [number, number][] = [], refused: { from: number; to: number; code: string }[] = []) => {
    sender.ack({ v: 1, gateway: 'g', stream: 'measurement', epoch: log.epoch, upTo, have, refused, at: 1 });
    await settle();
  };
  const refuse = async (of: { payload: Uint8Array } | undefined, error: FaultCode) => {
    sender.refusal({ v: 1, error, sha256: createHash('sha256').update(of?.payload ?? '').digest('hex') });
    await settle();
  };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1000) {
      await world.clock.advanceMs(Math.min(left, 1000));
      sender.tick();
    }
    await settle();
  };
  const told = (kind: string) => world.told.filter((event) => event.kind === kind);
  return { world, log, sender, sent, link, append, ack, refuse, pass, told, seqs: () => sent.map(({ seqs }) => seqs) };
}

test('what lies there when the connection comes is backlog, what comes after is live; nothing goes before', async () => {
  const { sender, append, sent, ack, told, log } = await withSender();
  await append(0);
  assert.deepEqual([sent.length, sender.isQuiet], [0, false]);
  sender.connected();
  await settle();
  assert.equal(sender.isQuiet, true, 'backlog alone is no live event');
  await append(2);
  assert.deepEqual([sent.map(({ lane, seqs }) => [lane, seqs]), sender.isQuiet], [[['late', [1, 2]], ['up', [3, 4]]], false]);
  await ack(4);
  assert.deepEqual(
    [log.unsettled('measurement'), sender.isQuiet, told('events_settled')],
    [[], true, [{ kind: 'events_settled', count: 4, stream: 'measurement' }]],
  );
  await ack(4);
  assert.equal(told('events_settled').length, 1, 'an ack that says nothing new is not told');
  assert.deepEqual(told('batch_sent').map((event) => 'count' in event && event.count), [2, 2]);
});

test('what the gateway put in quarantine is settled, and counted as lost', async () => {
  const { sender, append, ack, told } = await withSender();
  sender.connected();
  await append(0, 4);
  await ack(4, [], [{ from: 2, to: 3, code: 'CV_X' }]);
  assert.deepEqual(
    [told('samples_lost'), told('events_settled')],
    [
      [{ kind: 'samples_lost', count: 2, reason: 'quarantined', intended: false, stream: 'measurement' }],
      [{ kind: 'events_settled', count: 4, stream: 'measurement' }],
    ],
  );
});

test('what is not answered goes again when its time is over; any word after that lets what is old go at once', async () => {
  const { sender, append, pass, seqs } = await withSender();
  sender.connected();
  await append(0);
  await pass(4999);
  assert.deepEqual(seqs(), [[1, 2]]);
  sender.gatewayAnswered();
  await settle();
  assert.deepEqual(seqs(), [[1, 2]], 'nothing was late');
  await pass(1000);
  assert.deepEqual(seqs(), [[1, 2], [1, 2]]);
  await pass(6000);
  assert.equal(seqs().length, 2, 'it waits twice as long now');
  sender.gatewayAnswered();
  await settle();
  assert.deepEqual(seqs(), [[1, 2], [1, 2], [1, 2]]);
});

test('a link that is behind holds everything back until something has left', async () => {
  const { sender, append, link, seqs } = await withSender();
  sender.connected();
  link.isReady = false;
  await append(0);
  assert.deepEqual(seqs(), []);
  link.isReady = true;
  sender.drained();
  await settle();
  assert.deepEqual(seqs(), [[1, 2]]);
});

test('a lost connection forgets what was under way; the next one sends it as backlog', async () => {
  const { sender, append, sent } = await withSender();
  sender.connected();
  await append(0);
  sender.disconnected();
  await append(2);
  assert.deepEqual([sent.length, sender.isQuiet], [1, false]);
  sender.connected();
  await settle();
  assert.deepEqual(sent.slice(1).map(({ lane }) => lane), ['late']);
  assert.deepEqual(sent.slice(1).flatMap(({ seqs }) => seqs)[0], 1);
});

test('a batch that cannot be read is halved down to the event to blame, which is set aside after three', async () => {
  const { sender, append, sent, refuse, log, told, ack } = await withSender();
  sender.connected();
  await append(0, 2);
  await refuse(sent[0], 'CV_WIRE_SHAPE');
  assert.deepEqual(sent.slice(1).map(({ seqs }) => seqs), [[1], [2]]);
  await ack(0, [[1, 1]]);
  for (let turn = 0; turn < 3; turn += 1) await refuse(sent.at(-1), 'CV_WIRE_SHAPE');
  // Word of what was set aside goes as an event of its own.
  assert.deepEqual(
    [sent.map(({ seqs }) => seqs), log.unsettled('measurement')],
    [[[1, 2], [1], [2], [2], [2], [3]], [{ epoch: log.epoch, from: 3, to: 3 }]],
  );
  assert.deepEqual(
    told('fault').map((event) => event.kind === 'fault' && [event.fault.code, event.fault.params.code, event.fault.params.events]),
    [2, 1, 1, 1].map((events) => ['CV_FORWARD_REFUSED', 'CV_WIRE_SHAPE', events]),
  );
  await refuse({ payload: Uint8Array.of(1) }, 'CV_WIRE_SHAPE');
  assert.equal(told('fault').length, 4, 'a refusal of nothing that was sent is nothing');
});

test('a refusal that somebody must mend holds everything, longer each time, and an ack ends it', async () => {
  const { sender, append, sent, refuse, pass, ack } = await withSender();
  sender.connected();
  await append(0);
  await refuse(sent[0], 'CV_WIRE_VERSION');
  await pass(9999);
  assert.equal(sent.length, 1);
  await pass(1);
  assert.equal(sent.length, 2, 'the same again, whole');
  await refuse(sent[1], 'CV_WIRE_VERSION');
  await pass(19_999);
  assert.equal(sent.length, 2);
  await pass(1);
  assert.deepEqual(sent.map(({ seqs }) => seqs), [[1, 2], [1, 2], [1, 2]]);
  await ack(2);
  await append(2);
  await refuse(sent[3], 'CV_WIRE_VERSION');
  await pass(10_000);
  assert.equal(sent.length, 5, 'it begins with ten seconds again');
});

test('a log that fails to read is told, and the next tick tries again', async () => {
  const { sender, append, log, told, seqs, pass } = await withSender();
  await append(0);
  const { read } = log;
  log.read = () => Promise.reject(new Error('disk'));
  sender.connected();
  await settle();
  assert.deepEqual(told('fault').map((event) => event.kind === 'fault' && event.fault.code), ['CV_FORWARD_FAILED']);
  log.read = read;
  await pass(1000);
  assert.deepEqual(seqs(), [[1, 2]]);
});

test('numbers that the log does not give are asked for again after ten seconds', async () => {
  const { sender, append, log, seqs, pass } = await withSender();
  await append(0);
  const { read } = log;
  log.read = () => Promise.resolve([]);
  sender.connected();
  await settle();
  log.read = read;
  await pass(9999);
  assert.deepEqual(seqs(), []);
  await pass(1001);
  assert.deepEqual(seqs(), [[1, 2]]);
});
