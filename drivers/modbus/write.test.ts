/** Writes: the right function, confirmed word for word, read back; what does not fit is refused before anything is sent. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { FaultError } from '../../core/faults.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { decode } from './decode.ts';
import { open } from './link.ts';
import type { ModbusRequest } from './requests.ts';
import { point, settings } from './settings.ts';
import { failsWith, NEVER_ABORTED, exchangeValues } from './testing/requests.ts';
import type { ModbusEnvelope } from './testing/simulated-device.ts';
import { serveSimulatedModbus, type AnswerOverride } from './testing/server.ts';
import { readValue, encodeValue, type ValueFormat, type ByteOrder, type ValueType } from './values.ts';
import { write } from './write.ts';

const parsed = (address: string, more: Record<string, unknown> = {}) => ({ id: 'p', ...point.parse({ address, ...more }) });
const SETTINGS = settings.parse({ host: 'x' });

async function writable(context: TestContext, envelope: ModbusEnvelope, twist?: AnswerOverride) {
  const cells = new Map<string, number>();
  const functions: number[] = [];
  const server = await serveSimulatedModbus(
    {
      read: (_unit, fcRead, start, count) => Array.from({ length: count }, (_, at) => cells.get(`${fcRead > 2}/${start + at}`) ?? 0),
      write(_unit, fcWrite, start, written) {
        functions.push(fcWrite);
        if (start === 500) return 2;
        written.forEach((cell, at) => cells.set(`${fcWrite === 6 || fcWrite === 16}/${start + at}`, cell));
        return null;
      },
    },
    { envelope, ...(twist ? { override: twist } : {}) },
  );
  const link = await open(
    settings.parse({ transport: envelope === 'tcp' ? 'tcp' : 'rtu-tcp', host: '127.0.0.1', port: server.port }),
    [],
    testWorld(),
  );
  context.after(async () => {
    await link.close();
    await server.close();
  });
  return { link, functions };
}

for (const envelope of ['tcp', 'rtu'] as const) {
  test(`functions 5, 6, 15 and 16 by ${envelope}: written, confirmed, read back`, async (context) => {
    const { link, functions } = await writable(context, envelope);
    const many = { ...SETTINGS, writeMany: true };
    const cases: [ReturnType<typeof parsed>, number | boolean | string, typeof SETTINGS, number][] = [
      [parsed('coil:3'), true, SETTINGS, 5],
      [parsed('holding:7'), 65_535, SETTINGS, 6],
      [parsed('coil:4'), true, many, 15],
      [parsed('holding:8'), 12, many, 16],
      [parsed('holding:20', { type: 'float32', wordOrder: 'little' }), -12.5, SETTINGS, 16],
      [parsed('holding:30', { type: 'string', length: 6 }), 'PS-7', SETTINGS, 16],
    ];
    for (const [onto, value, how, fcWanted] of cases) {
      const [order, readBack] = write(onto, value, how) as [ModbusRequest, ModbusRequest];
      assert.deepEqual([order.fc, order.points, readBack.points], [fcWanted, [], ['p']]);
      assert.deepEqual(await exchangeValues(link, order), []);
      assert.deepEqual(await exchangeValues(link, readBack), [value]);
    }
    assert.deepEqual(
      functions,
      cases.map(([, , , fcWanted]) => fcWanted),
      'each was sent once',
    );
    const [refused] = write(parsed('holding:500'), 1, SETTINGS) as [ModbusRequest];
    assert.equal(await exchangeValues(link, refused), 'CV_MODBUS_ILLEGAL_ADDRESS');
  });
}

test('an answer that confirms something else is a mismatch', async (context) => {
  const { link } = await writable(context, 'tcp', (answer) => {
    const lie = Buffer.from(answer);
    lie[lie.length - 1] = 9;
    return lie;
  });
  const [order] = write(parsed('holding:7'), 5, SETTINGS) as [ModbusRequest];
  await assert.rejects(link.exchange(order, NEVER_ABORTED), failsWith('CV_MODBUS_ANSWER_MISMATCH'));
  const decoded = decode(Uint8Array.of(6, 0, 7, 0, 6), order);
  assert.ok(!decoded.ok && decoded.fault.code === 'CV_MODBUS_ANSWER_MISMATCH');
});

test('what cannot be written is refused', () => {
  for (const onto of [parsed('input:3'), parsed('discrete:3'), parsed('holding:3.4')])
    assert.throws(() => write(onto, 1, SETTINGS), failsWith('CV_MODBUS_READ_ONLY'));
  assert.throws(() => write(parsed('holding:3'), 1, { ...SETTINGS, unit: 0 }), failsWith('CV_MODBUS_READ_ONLY'), 'never a broadcast');
  const unfit: [ReturnType<typeof parsed>, number | boolean | string][] = [
    [parsed('coil:1'), 2],
    [parsed('coil:1'), 'on'],
    [parsed('holding:1'), -1],
    [parsed('holding:1'), 65_536],
    [parsed('holding:1'), 1.5],
    [parsed('holding:1'), true],
    [parsed('holding:1'), Number.NaN],
    [parsed('holding:1', { type: 'int16' }), 32_768],
    [parsed('holding:1', { type: 'bcd16' }), 10_000],
    [parsed('holding:1', { type: 'float32' }), 1e39],
    [parsed('holding:1', { type: 'uint64' }), 2 ** 60],
    [parsed('holding:1', { type: 'string', length: 4 }), 'longer'],
    [parsed('holding:1', { type: 'string', length: 4 }), 7],
  ];
  for (const [onto, value] of unfit)
    assert.throws(
      () => write(onto, value, SETTINGS),
      (error) => error instanceof FaultError && error.fault.code === 'CV_MODBUS_WRITE_VALUE',
      `${onto.type} ${String(value)}`,
    );
});

const viewOf = ({ buffer, byteOffset, length }: Uint8Array) => new DataView(buffer, byteOffset, length);

test('what is written is what would be read, in every type and order', () => {
  const numbers: Partial<Record<ValueType, fc.Arbitrary<number>>> = {
    int16: fc.integer({ min: -32_768, max: 32_767 }),
    uint16: fc.nat(65_535),
    int32: fc.integer(),
    uint32: fc.nat(2 ** 31 - 1).map((half) => half * 2 + 1),
    int64: fc.maxSafeInteger(),
    uint64: fc.maxSafeNat(),
    bcd16: fc.nat(9999),
    bcd32: fc.nat(99_999_999),
    float64: fc.double({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 53), max: 2 ** 53 }),
    float32: fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 50), max: 2 ** 50 }).map((value) => Number(value.toPrecision(6))),
  };
  for (const [type, values] of Object.entries(numbers) as [ValueType, fc.Arbitrary<number>][]) {
    fc.assert(
      fc.property(
        values,
        fc.constantFrom<ByteOrder>('big', 'little'),
        fc.constantFrom<ByteOrder>('big', 'little'),
        (value, wordOrder, byteOrder) => {
          const form: ValueFormat = { point: 'p', type, wordOrder, byteOrder };
          const words = encodeValue(value, form);
          assert.ok(words);
          const wire = Buffer.alloc(words.length * 2);
          words.forEach((word, at) => wire.writeUInt16BE(word, at * 2));
          const read = readValue(viewOf(wire), form);
          assert.equal(read === 0 ? 0 : read, value === 0 ? 0 : value); // -0 may come as 0
        },
      ),
      { numRuns: 50 },
    );
  }
});
