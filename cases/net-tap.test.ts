import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { realNet } from '../core/net.ts';
import { NetTap, type NetEvent } from './net-tap.ts';

const HOST = '127.0.0.1';

for (const isInto of [false, true]) {
  test(`both directions of a connection are heard, and its reader misses nothing${isInto ? ', where it reads into a buffer of its own' : ''}`, async (t) => {
    const server = createServer((peer) => { peer.on('data', (bytes) => { peer.write(Uint8Array.from(bytes.toReversed())); }); });
    server.listen(0, HOST);
    await once(server, 'listening');
    t.after(() => server.close());
    const tap = new NetTap(realNet);
    const buffer = Buffer.alloc(64);
    const read: Buffer[] = [];
    let wake = () => {};
    const take = (bytes: Buffer) => {
      read.push(Buffer.from(bytes));
      wake();
    };
    const socket = await tap.net.connect(
      { host: HOST, port: (server.address() as AddressInfo).port },
      AbortSignal.timeout(10_000),
      isInto ? { buffer, take: (length) => take(buffer.subarray(0, length)) } : undefined,
    );
    if (!isInto) socket.on('data', take);
    const events: NetEvent[] = [];
    const answered = async (bytes: number[]) => {
      const came = new Promise<void>((resolve) => { wake = resolve; });
      socket.write(Buffer.from(bytes));
      await came;
    };
    await answered([1, 2]); // nobody listens yet
    const stop = tap.listen((event) => events.push(event));
    await answered([3, 4]);
    await answered([5, 6]);
    stop();
    await answered([7, 8]);
    assert.deepEqual(read.map((bytes) => [...bytes]), [[2, 1], [4, 3], [6, 5], [8, 7]]);
    const heard = events.map((event) => (event.kind === 'bytes' ? [event.conn, event.dir, ...event.bytes] : [event.conn, event.kind]));
    assert.deepEqual(heard, [[1, 'open'], [1, 'out', 3, 4], [1, 'in', 4, 3], [1, 'out', 5, 6], [1, 'in', 6, 5]]);
    socket.destroy();
  });
}
