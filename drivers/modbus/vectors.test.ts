/** The golden frames of domain/vectors.json through `frameReader` and `decode`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goldenFrames, sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { crc16Modbus } from './crc16.ts';
import { readRtuAdu, readTcpAdu, tcpAduLength } from './adu.ts';
import { decode } from './decode.ts';
import { frameReader } from './frame-reader.ts';
import { point } from './settings.ts';

interface Vector {
  protocol: string;
  name: string;
  hex: string;
  expect: {
    unit: number;
    fc: number;
    tid?: number;
    tids?: number[];
    start?: number;
    count?: number;
    valid?: boolean;
    exception?: number;
    registers?: number[];
    coils?: number[];
    decode?: { type: string; order?: string; value: number; scale?: number; tolerance?: number };
  };
}

const vectors = goldenFrames<Vector>('modbus');

test('there are golden frames to try', { skip: skipWithout(sharedFolder('domain'), 'domain folder') }, () =>
  assert.ok(vectors.length >= 10),
);

/** A request that the vector's answer can be the answer to. */
function requestFor({ protocol, hex, expect }: Vector, count: number): Uint8Array {
  const pdu = [expect.fc, 0, 0, 0, count];
  if (protocol === 'modbus-tcp') return Buffer.from([...Buffer.from(hex, 'hex').subarray(0, 4), 0, 6, expect.unit, ...pdu]);
  const body = Buffer.from([expect.unit, ...pdu]);
  const crc = crc16Modbus(body);
  return Buffer.concat([body, Buffer.from([crc & 0xff, crc >>> 8])]);
}

const ORDERS: Readonly<Record<string, [string, string]>> = {
  ABCD: ['big', 'big'],
  CDAB: ['little', 'big'],
  BADC: ['big', 'little'],
  DCBA: ['little', 'little'],
};

for (const vector of vectors) {
  test(`${vector.protocol}: ${vector.name}`, () => {
    const { expect } = vector;
    const bytes = Buffer.from(vector.hex, 'hex');
    if (expect.tids) {
      const first = tcpAduLength(bytes) as number;
      assert.deepEqual([bytes.subarray(0, first), bytes.subarray(first)].map((adu) => readTcpAdu(adu)?.transaction), expect.tids);
    } else if (expect.valid === false) {
      assert.equal(readRtuAdu(bytes), 'checksum');
    } else if (expect.start !== undefined) {
      const adu = vector.protocol === 'modbus-tcp' ? readTcpAdu(bytes) : readRtuAdu(bytes);
      assert.ok(adu !== null && typeof adu === 'object');
      assert.deepEqual([adu.unit, adu.pdu[0], adu.pdu[2]], [expect.unit, expect.fc, expect.start]);
    } else {
      answers(vector, bytes);
    }
  });
}

function answers(vector: Vector, bytes: Buffer): void {
  const { expect } = vector;
  const count = expect.registers?.length ?? expect.coils?.length ?? (expect.decode?.type === 'int16' ? 1 : 2);
  const [wordOrder, byteOrder] = ORDERS[expect.decode?.order ?? 'ABCD'] as [string, string];
  const area = expect.fc === 4 ? 'input' : 'holding';
  const points = expect.decode
    ? [{ id: 'p', ...point.parse({ address: `${area}:0`, type: expect.decode.type, wordOrder, byteOrder }) }]
    : [];
  const [read] = frameReader.read([requestFor(vector, count), bytes], points);
  assert.ok(read && !read.fault, JSON.stringify(read));
  const decoded = decode(read.frame, read.request);
  if (expect.exception !== undefined) {
    assert.ok(!decoded.ok);
    assert.equal(decoded.fault.params.exception, expect.exception);
    return;
  }
  assert.ok(decoded.ok);
  const values = (decoded.values ?? []).map((one) => Number(one.value));
  if (expect.decode)
    assert.ok(Math.abs((values[0] as number) * (expect.decode.scale ?? 1) - expect.decode.value) <= (expect.decode.tolerance ?? 1e-9));
  else assert.deepEqual(values, expect.registers ?? expect.coils);
}
