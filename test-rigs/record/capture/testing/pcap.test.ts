import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPcap, tcpConversations } from './pcap.ts';

interface Sent {
  seq: number;
  text: string;
  fromClient?: boolean;
  syn?: boolean;
}

/** An Ethernet/IPv4/TCP packet without checksums, which the reader does not look at. */
function packet({ seq, text, fromClient = true, syn = false }: Sent): Buffer {
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(fromClient ? 50000 : 502, 0);
  tcp.writeUInt16BE(fromClient ? 502 : 50000, 2);
  tcp.writeUInt32BE(seq, 4);
  tcp.writeUInt8(5 << 4, 12);
  tcp.writeUInt8(syn ? 2 : 16, 13);
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(40 + text.length, 2);
  ip.writeUInt8(6, 9);
  ip.set(fromClient ? [10, 0, 0, 1, 10, 0, 0, 2] : [10, 0, 0, 2, 10, 0, 0, 1], 12);
  const ethernet = Buffer.from([...Buffer.alloc(12), 0x81, 0, 0, 7, 8, 0]);
  return Buffer.concat([ethernet, ip, tcp, Buffer.from(text)]);
}

function pcap(packets: readonly Buffer[], little: boolean, nanoseconds: boolean): Buffer {
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    if (little) bytes.writeUInt32LE(value);
    else bytes.writeUInt32BE(value);
    return bytes;
  };
  const head = [nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 0x00020004, 0, 0, 65535, 1].map(u32);
  return Buffer.concat([
    ...head,
    ...packets.flatMap((bytes, index) => [u32(100), u32(index * (nanoseconds ? 1000 : 1)), u32(bytes.length), u32(bytes.length), bytes]),
  ]);
}

const textOf = (file: Buffer) =>
  tcpConversations(readPcap(file)).map(({ pieces }) =>
    pieces.map((piece) => `${piece.afterGap ? '…' : ''}${piece.bytes.toString()}@${piece.atUs % 1e6}`).join(' '),
  );

test('both byte orders, µs and ns', () => {
  const packets = [packet({ seq: 1, text: 'a' }), packet({ seq: 9, text: 'b', fromClient: false }), packet({ seq: 2, text: 'c' })];
  for (const little of [true, false])
    for (const nanoseconds of [true, false]) assert.deepEqual(textOf(pcap(packets, little, nanoseconds)), ['a@0 b@1 c@2']);
});

test('a stream is put in order: early, twice, overlapping, over the end of the numbers', () => {
  const file = pcap([
    packet({ seq: 0xfffffffd, text: '', syn: true }), packet({ seq: 1, text: 'DEF' }), packet({ seq: 0xfffffffe, text: 'ABC' }),
    packet({ seq: 0xfffffffe, text: 'ABC' }), packet({ seq: 2, text: 'EFG' }),
  ], true, false);
  assert.deepEqual(textOf(file), ['ABC@2 DEF@2 G@4']);
});

test('bytes that are not in the capture are a gap, and what follows says so', () => {
  assert.deepEqual(textOf(pcap([packet({ seq: 1, text: 'AB' }), packet({ seq: 10, text: 'XY' })], true, false)), ['AB@0 …XY@1']);
});

test('a file cut short gives what is whole; another kind of file is refused', () => {
  const file = pcap([packet({ seq: 1, text: 'AB' }), packet({ seq: 3, text: 'CD' })], true, false);
  assert.deepEqual(textOf(file.subarray(0, -1)), ['AB@0']);
  assert.throws(() => readPcap(Buffer.from('not a capture')));
});
