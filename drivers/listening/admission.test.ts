import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { ConnectionAdmission, type AdmittedConnection } from './admission.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';

function port(maxConnections: number) {
  const { clock, told, tell } = testWorld();
  const admission = new ConnectionAdmission({ clock, tell }, '0.0.0.0:8212', maxConnections);
  const dropped: string[] = [];
  const dial = (name: string, remoteAddress = name) => {
    const socket = Object.assign(new EventEmitter(), { remoteAddress });
    const connection = admission.admit(socket as unknown as Socket, () => { dropped.push(name); });
    return { connection: connection as AdmittedConnection, socket };
  };
  return { clock, told, dropped, dial };
}

test('when the port is full the oldest new connection is dropped; configured ones stay, and a new one is refused only when they fill it', () => {
  const { dial, dropped } = port(3);
  const [logger] = [dial('logger'), dial('idle-1'), dial('idle-2')];
  logger.connection.setConfigured(true);
  dial('idle-3');
  assert.deepEqual(dropped, ['idle-1']);
  const other = dial('other');
  other.connection.setConfigured(true);
  assert.deepEqual(dropped, ['idle-1', 'idle-2']);
  const third = dial('third');
  third.connection.setConfigured(true);
  assert.equal(dial('late').connection, null);
  logger.connection.setConfigured(false);
  dial('later');
  assert.deepEqual(
    dropped,
    ['idle-1', 'idle-2', 'idle-3', 'logger'],
    'a device that moved to another connection leaves its old one new again',
  );
  third.socket.emit('close');
  dial('last');
  assert.equal(dropped.length, 4);
});

test('new connections of one address displace each other first', () => {
  const { dial, dropped } = port(4096);
  dial('logger', '10.0.0.9');
  for (let turn = 0; turn < 300; turn += 1) dial(`idle-${turn}`, '10.0.0.66');
  assert.deepEqual(dropped, Array.from({ length: 44 }, (_, turn) => `idle-${turn}`));
});

test('an IPv6 network counts as one address', () => {
  const { dial, dropped } = port(4096);
  dial('logger', '2001:db8:0:2::9');
  for (let turn = 0; turn < 300; turn += 1) dial(`idle-${turn}`, `2001:db8:0:1::${turn.toString(16)}`);
  assert.equal(dropped.length, 44);
  assert.ok(!dropped.includes('logger'));
});

test('a connection that sends nothing is dropped; one that sent is not', async () => {
  const { clock, dial, dropped } = port(10);
  dial('idle');
  dial('speaks').socket.emit('data');
  dial('gone').socket.emit('close');
  await clock.advanceMs(119_000);
  assert.deepEqual(dropped, []);
  await clock.advanceMs(2000);
  assert.deepEqual(dropped, ['idle']);
});

test('dropped and refused connections are reported at once, then once a minute with their count', async () => {
  const { clock, told, dial } = port(2);
  const crowded = (count: number, peer: string, limit = 2) => ({
    kind: 'fault',
    fault: { code: 'CV_PORT_CROWDED', params: { listen: '0.0.0.0:8212', count, peer, limit } },
  });
  dial('10.0.0.1');
  dial('10.0.0.2');
  assert.deepEqual(told, []);
  dial('10.0.0.3');
  assert.deepEqual(told.splice(0), [crowded(1, '10.0.0.1')]);
  dial('10.0.0.4');
  await clock.advanceMs(59_999);
  dial('10.0.0.5');
  assert.deepEqual(told, []);
  await clock.advanceMs(1);
  const [last, other] = [dial('10.0.0.6'), dial('10.0.0.7')];
  assert.deepEqual(told.splice(0), [crowded(3, '10.0.0.4')]);
  for (const { connection } of [last, other]) connection.setConfigured(true);
  await clock.advanceMs(60_000);
  assert.equal(dial('10.0.0.8').connection, null);
  assert.deepEqual(told, [crowded(2, '10.0.0.8')]);
});

test('new connections of one address are reported with the limit per address', () => {
  const { told, dial } = port(4096);
  for (let turn = 0; turn < 257; turn += 1) dial(`idle-${turn}`, '10.0.0.66');
  assert.deepEqual(told, [
    { kind: 'fault', fault: { code: 'CV_PORT_CROWDED', params: { listen: '0.0.0.0:8212', count: 1, peer: '10.0.0.66', limit: 256 } } },
  ]);
});
