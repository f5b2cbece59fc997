/** Sparkplug payloads field by field: each type in its width, quality, what is no value, and the bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytesField,
  doubleField,
  floatField,
  sparkplugMetric,
  numberField,
  sparkplugPayload,
  type MetricFields,
} from '../testing/sparkplug.ts';
import { parseSparkplugPayload, rebirthCommand, metricValue } from './payload.ts';
import { MalformedProtobuf, ProtobufReader, encodeVarint } from './protobuf.ts';

const read = (fields: MetricFields) => {
  const [one] = parseSparkplugPayload(sparkplugPayload({ metrics: [sparkplugMetric(fields)] }))?.metrics ?? [];
  assert.ok(one);
  return one;
};
const worth = (datatype: number, more: number[]) => metricValue(read({ name: 'x', datatype, more }), datatype);

test('a payload has its time, its number, and its metrics in order; other fields are passed over', () => {
  const one = parseSparkplugPayload(
    Uint8Array.from([
      ...numberField(1, 5),
      ...bytesField(4, 'uuid'),
      ...sparkplugMetric({ name: 'a' }),
      ...floatField(9, 1),
      ...doubleField(9, 1),
      ...numberField(3, 7),
      ...sparkplugMetric({ alias: 3 }),
      ...bytesField(5, [1, 2]),
    ]),
  );
  assert.deepEqual(
    [one?.at, one?.seq, one?.metrics.map(({ name, alias }) => [name, alias])],
    [
      5,
      7,
      [
        ['a', null],
        [null, '3'],
      ],
    ],
  );
  assert.deepEqual(parseSparkplugPayload(new Uint8Array()), { at: null, seq: null, metrics: [] });
});

test('a metric has its name, alias, time, type and marks', () => {
  assert.deepEqual(
    read({
      name: 'x',
      alias: 2 ** 40,
      at: 6,
      datatype: 10,
      more: [...numberField(5, 1), ...numberField(7, 1), ...numberField(6, 1), ...bytesField(8, 'meta')],
    }),
    { name: 'x', alias: '1099511627776', at: 6, datatype: 10, isHistorical: true, isNull: true, raw: { is: 'none' }, quality: null },
  );
  assert.deepEqual(read({ more: [...numberField(5, 0), ...numberField(7, 0)] }), {
    name: null,
    alias: null,
    at: null,
    datatype: 0,
    isHistorical: false,
    isNull: false,
    raw: { is: 'none' },
    quality: null,
  });
  assert.equal(read({ more: numberField(2, 2n ** 64n - 1n) }).alias, '18446744073709551615');
});

test('each type of number in its width, signed and unsigned', () => {
  for (const [datatype, bits] of [[1, 8], [2, 16], [3, 32]] as const) {
    const half = 2 ** (bits - 1);
    for (const field of [10, 11]) {
      assert.deepEqual(
        [0, half - 1, half, 2 ** bits - 1].map((value) => worth(datatype, numberField(field, value))),
        [{ value: 0 }, { value: half - 1 }, { value: -half }, { value: -1 }],
        `${bits} bits`,
      );
      assert.deepEqual(worth(datatype, numberField(field, 2n ** 64n - 5n)), { value: -5 }, 'some write 64 bits');
    }
  }
  assert.deepEqual(worth(4, numberField(11, 2n ** 64n - 7n)), { value: -7 });
  assert.deepEqual(worth(4, numberField(11, 2n ** 63n)), { what: 'a number beyond 2^53 (9223372036854775808)' });
  for (const [datatype, bits] of [[5, 8], [6, 16], [7, 32]] as const) {
    const most = 2 ** bits;
    assert.deepEqual(
      [0, most / 2, most - 1, most, most + 1].map((value) => worth(datatype, numberField(10, value))),
      [0, most / 2, most - 1, 0, 1].map((value) => ({ value })),
      `${bits} bits`,
    );
  }
  for (const datatype of [8, 13, 0, 99])
    assert.deepEqual(
      [2 ** 53 - 1, 2n ** 53n].map((value) => worth(datatype, numberField(11, value))),
      [{ value: 2 ** 53 - 1 }, { what: 'a number beyond 2^53 (9007199254740992)' }],
    );
});

test('booleans, reals and texts', () => {
  assert.deepEqual(
    [worth(11, numberField(14, 1)), worth(11, numberField(14, 0)), worth(11, numberField(10, 1)), worth(11, numberField(10, 0))],
    [{ value: true }, { value: false }, { value: true }, { value: false }],
  );
  assert.deepEqual(
    [worth(9, floatField(12, 1.5)), worth(10, doubleField(13, -2.25)), worth(12, bytesField(15, '低温'))],
    [{ value: 1.5 }, { value: -2.25 }, { value: '低温' }],
  );
  assert.deepEqual(worth(12, bytesField(15, 'x'.repeat(5000))), { value: 'x'.repeat(4096) });
});

test('what is no value says what it is; null is a value that the node says it does not have', () => {
  for (const [field, what] of [
    [16, 'bytes'],
    [17, 'DataSet'],
    [18, 'Template'],
    [19, 'extension'],
  ] as const)
    assert.deepEqual(worth(17, bytesField(field, [8, 1])), { what });
  assert.deepEqual(worth(10, []), { what: 'nothing' });
  assert.deepEqual(worth(10, [...numberField(7, 1), ...doubleField(13, 5)]), { value: null });
});

test('the quality is found among the properties by its name, in whatever place and type', () => {
  const property = (...value: number[]) => bytesField(2, value);
  const quality = (...set: number[]) => read({ name: 'x', more: [...bytesField(9, set), ...doubleField(13, 1)] }).quality;
  assert.equal(quality(...bytesField(1, 'Quality'), ...property(...numberField(1, 3), ...numberField(3, 192))), 192);
  assert.equal(quality(...bytesField(1, 'quality'), ...property(...numberField(4, 500))), 500);
  assert.equal(
    quality(
      ...bytesField(1, 'engUnit'),
      ...bytesField(1, 'Quality'),
      ...property(...bytesField(8, 'bar')),
      ...property(...numberField(3, 0)),
    ),
    0,
  );
  assert.equal(quality(...bytesField(1, 'Quality'), ...property(...bytesField(8, 'good'))), null);
  assert.equal(quality(...bytesField(1, 'other'), ...property(...numberField(3, 1))), null);
  assert.equal(quality(...bytesField(1, 'Quality'), ...numberField(5, 1)), null);
  assert.deepEqual(
    worth(10, [...bytesField(9, [...bytesField(1, 'Quality'), ...property(...numberField(3, 192))]), ...doubleField(13, 1)]),
    { value: 1 },
    'what follows the properties is read',
  );
});

test('a payload that ends early, or has no end, is none', () => {
  const whole = sparkplugPayload({
    at: 1_767_225_600_000,
    seq: 1,
    metrics: [sparkplugMetric({ name: 'x', datatype: 10, more: doubleField(13, 1) })],
  });
  assert.ok(parseSparkplugPayload(whole));
  for (const end of [1, 3, 8, 9, 12, whole.length - 3, whole.length - 1])
    assert.equal(parseSparkplugPayload(whole.subarray(0, end)), null, `${end} bytes`);
  for (const bad of [[0, 1], [8, ...Array<number>(10).fill(0x80), 1], [0x13], [0x1e, 1], [0x1c], [0x12, 5, 8]])
    assert.equal(parseSparkplugPayload(Uint8Array.from(bad)), null, bad.join(' '));
  const many = (count: number) =>
    parseSparkplugPayload(sparkplugPayload({ metrics: Array.from({ length: count }, () => sparkplugMetric({})) }));
  assert.equal(many(20_000)?.metrics.length, 20_000);
  assert.equal(many(20_001), null);
});

test('a varint has up to ten bytes; each kind of field has its length', () => {
  for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 32, 2 ** 53 - 1])
    assert.equal(new ProtobufReader(Uint8Array.from(encodeVarint(value))).number(), value);
  assert.equal(new ProtobufReader(Uint8Array.from(encodeVarint(2 ** 53 - 1))).integer(), 2 ** 53 - 1);
  assert.equal(new ProtobufReader(Uint8Array.from([...Array<number>(9).fill(0xff), 1])).integer(), 2n ** 64n - 1n);
  for (const [wire, length] of [[0, 1], [1, 8], [5, 4]] as const) {
    const reader = new ProtobufReader(new Uint8Array(length + 1));
    reader.skipField(wire);
    assert.equal(reader.isDone, false, `wire type ${wire}`);
    reader.skipField(0);
    assert.equal(reader.isDone, true, `wire type ${wire}`);
    assert.throws(() => new ProtobufReader(new Uint8Array(length - 1)).skipField(wire), MalformedProtobuf);
  }
  for (const wire of [3, 4, 6, 7]) assert.throws(() => new ProtobufReader(new Uint8Array(9)).skipField(wire), MalformedProtobuf);
  assert.equal(new ProtobufReader(Uint8Array.from([8])).key(), 8);
  assert.throws(() => new ProtobufReader(Uint8Array.from([7])).key(), MalformedProtobuf);
});

test('the command for a birth is one metric, dated', () => {
  const at = 1_767_225_600_000;
  assert.deepEqual(
    rebirthCommand(at),
    sparkplugPayload({ at, metrics: [sparkplugMetric({ name: 'Node Control/Rebirth', at, datatype: 11, more: numberField(14, 1) })] }),
  );
});
