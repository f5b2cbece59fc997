/** The link against devices that lie, fall silent and hang up: nothing but the asked-for answer becomes a frame. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { FaultError, type FaultCode } from '../../core/faults.ts';
import { tcpPeer } from '../testing/driver-double.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { seededRandom } from '../../core/world.ts';
import { decode } from './decode.ts';
import { open } from './link.ts';
import type { ModbusLink } from './session.ts';
import { readBlock, requests, type ModbusRequest } from './requests.ts';
import { point, settings } from './settings.ts';
import { serveSimulatedModbus, type SimulatedModbusDevice, type AnswerOverride } from './testing/server.ts';

const COUNTING: SimulatedModbusDevice = { read: (_unit, _fc, start, count) => Array.from({ length: count }, (_, at) => start + at) };
const NEVER = new AbortController().signal;

function ask(addresses: readonly string[], more: Record<string, unknown> = {}): ModbusRequest[] {
  return requests(addresses.map((address, at) => ({ id: `p${at}`, ...point.parse({ address }) })), settings.parse({ host: 'x', ...more }));
}

const TWO = ask(['holding:10', 'holding:11'])[0] as ModbusRequest;

async function linkTo(context: TestContext, served: SimulatedModbusDevice, twist?: AnswerOverride) {
  const server = await serveSimulatedModbus(served, twist ? { override: twist } : {});
  const world = testWorld();
  const link = await open(settings.parse({ host: '127.0.0.1', port: server.port }), [], world);
  context.after(async () => {
    await link.close();
    await server.close();
  });
  return { link, server, world };
}

async function valuesOf(link: ModbusLink, request: ModbusRequest, signal = NEVER) {
  const decoded = decode(await link.exchange(request, signal), request);
  return decoded.ok ? decoded.values?.map((one) => one.value) : decoded.fault.code;
}

const failsWith = (code: FaultCode) => (error: unknown) => error instanceof FaultError && error.fault.code === code;

const edited = (edit: (answer: Buffer, request: Buffer) => void): AnswerOverride => (answer, request) => {
  const lie = Buffer.from(answer);
  edit(lie, request);
  return lie;
};

test('an honest device gives its values', async (context) => {
  const { link } = await linkTo(context, COUNTING);
  assert.deepEqual(await valuesOf(link, TWO), [10, 11]);
});

const LIES: [string, AnswerOverride][] = [
  ['another unit', edited((answer) => { answer[6] = 9; })],
  ['another function', edited((answer) => { answer[7] = 4; })],
  ['a byte count that is not true', edited((answer) => { answer[8] = 2; })],
  ['one register too many', (answer) => { const lie = Buffer.concat([answer, Buffer.from([0, 1])]); lie[5] = 9; lie[8] = 6; return lie; }],
  ['one register too few', (answer) => { const lie = Buffer.from(answer.subarray(0, -2)); lie[5] = 5; lie[8] = 2; return lie; }],
  ['an exception of another unit', (answer) => Buffer.from([answer[0] as number, answer[1] as number, 0, 0, 0, 3, 9, 0x83, 2])],
  ['an exception to another function', (answer) => Buffer.from([answer[0] as number, answer[1] as number, 0, 0, 0, 3, 1, 0x84, 2])],
  ['an exception with more behind it', (answer) => Buffer.from([answer[0] as number, answer[1] as number, 0, 0, 0, 5, 1, 0x83, 2, 0, 0])],
];
for (const [what, twist] of LIES) {
  test(`${what} is a mismatch, never a value, and the next exchange is well`, async (context) => {
    let lies = true;
    const { link } = await linkTo(context, COUNTING, (answer, request, socket) => (lies ? twist(answer, request, socket) : answer));
    await assert.rejects(link.exchange(TWO, NEVER), failsWith('CV_MODBUS_ANSWER_MISMATCH'));
    lies = false;
    assert.deepEqual(await valuesOf(link, TWO), [10, 11]);
  });
}

test('another transaction is told and passed over; the right answer behind it counts', async (context) => {
  const { link, world } = await linkTo(context, COUNTING, (answer) => {
    const lie = Buffer.from(answer);
    lie.writeUInt16BE(answer.readUInt16BE(0) + 1, 0);
    lie.writeUInt16BE(999, 9);
    return Buffer.concat([lie, answer]);
  });
  assert.deepEqual(await valuesOf(link, TWO), [10, 11]);
  assert.ok(world.told.some((event) => event.kind === 'fault' && event.fault.code === 'CV_MODBUS_ANSWER_STRAY'));
});

test('the late answer to an aborted exchange is not taken for the next one', async (context) => {
  const held: Buffer[] = [];
  const asked = Promise.withResolvers<void>();
  const { link } = await linkTo(context, COUNTING, (answer) => {
    held.push(answer);
    if (held.length === 1) {
      asked.resolve();
      return null;
    }
    return Buffer.concat(held); // the late one first, both for the same registers
  });
  const stop = new AbortController();
  const late = link.exchange(TWO, stop.signal);
  await asked.promise;
  (held[0] as Buffer).writeUInt16BE(4711, 9);
  stop.abort(new FaultError('CV_LINK_TIMEOUT', { address: 'x', timeoutMs: 1 }));
  await assert.rejects(late, failsWith('CV_LINK_TIMEOUT'));
  assert.deepEqual(await valuesOf(link, TWO), [10, 11]);
});

test('an answer cut at every byte is put together', async () => {
  for (let cut = 1; cut < 13; cut += 1) {
    let rest: Buffer | null = null;
    const peer = await tcpPeer((host, port) => ({ settings: { host, port } }), (socket) => {
      socket.on('data', (request) => {
        if (rest) return;
        const answer = Buffer.from([...request.subarray(0, 4), 0, 7, 1, 3, 4, 0, 10, 0, 11]);
        rest = answer.subarray(cut);
        socket.write(answer.subarray(0, cut), () => setImmediate(() => socket.write(rest as Buffer)));
      });
    });
    const link = await open(settings.parse(peer.settings), [], testWorld());
    assert.deepEqual(await valuesOf(link, TWO), [10, 11]);
    await link.close();
    await peer.stop();
  }
});

test('bytes that are no Modbus end the link with a fault, at once', async (context) => {
  const { link } = await linkTo(context, COUNTING, () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await assert.rejects(link.exchange(TWO, NEVER), failsWith('CV_FRAME_INVALID'));
  await assert.rejects(link.exchange(TWO, NEVER), failsWith('CV_LINK_CLOSED'));
});

test('an answer with any byte of its envelope changed never becomes a value', async (context) => {
  const random = seededRandom(11);
  for (let turn = 0; turn < 120; turn += 1) {
    const at = turn % 9; // transaction, protocol, length, unit, function, byte count
    const flip = 1 + Math.floor(random.next() * 255);
    const { link } = await linkTo(context, COUNTING, edited((answer) => { answer[at] = (answer[at] as number) ^ flip; }));
    const got = await valuesOf(link, TWO, AbortSignal.timeout(20)).catch((error: unknown) => error);
    assert.ok(got instanceof Error || typeof got === 'string', `byte ${at} xor ${flip} gave ${String(got)}`);
  }
});

test('a device that only ever sends strangers\' answers is given up', async (context) => {
  const { link } = await linkTo(context, COUNTING, (answer) => {
    const stray = Buffer.from(answer);
    stray.writeUInt16BE(40_000, 0);
    return Buffer.concat(Array.from({ length: 40 }, () => stray));
  });
  await assert.rejects(link.exchange(TWO, NEVER), failsWith('CV_FRAME_INVALID'));
});

test('exceptions come as frames and become faults of their own', async (context) => {
  const codes: [number, FaultCode][] = [
    [1, 'CV_MODBUS_ILLEGAL_FUNCTION'],
    [2, 'CV_MODBUS_ILLEGAL_ADDRESS'],
    [3, 'CV_MODBUS_ILLEGAL_VALUE'],
    [4, 'CV_MODBUS_DEVICE_FAILURE'],
    [5, 'CV_MODBUS_ACKNOWLEDGED'],
    [6, 'CV_MODBUS_BUSY'],
    [8, 'CV_MODBUS_PARITY'],
    [10, 'CV_MODBUS_GATEWAY_PATH'],
    [11, 'CV_MODBUS_GATEWAY_TARGET'],
    [77, 'CV_MODBUS_EXCEPTION'],
  ];
  let exception = 0;
  const { link } = await linkTo(context, { read: () => ({ exception }) });
  const [one] = ask(['holding:10']) as [ModbusRequest];
  for (const [number, code] of codes) {
    exception = number;
    assert.equal(await valuesOf(link, one), code);
  }
});

test('an exception to function 0, as pymodbus sends for a unit it does not have, is an exception to what was asked', async (context) => {
  const { link } = await linkTo(context, COUNTING, (answer) => Buffer.from([...answer.subarray(0, 4), 0, 3, 1, 0x80, 11]));
  assert.equal(await valuesOf(link, TWO), 'CV_MODBUS_GATEWAY_TARGET');
});

test('a hole in a joined block costs only its own point, and is asked for once a session', async (context) => {
  const asked: string[] = [];
  const { link } = await linkTo(context, {
    read(_unit, _fc, start, count) {
      asked.push(`${start}+${count}`);
      return start <= 30 && start + count > 30 ? { exception: 2 } : Array.from({ length: count }, (_, at) => start + at);
    },
  });
  const [joined] = ask(['holding:28', 'holding:29', 'holding:32', 'holding:33']) as [ModbusRequest];
  assert.deepEqual([joined.start, joined.count], [28, 6]);
  assert.deepEqual(await valuesOf(link, joined), [28, 29, 32, 33]);
  assert.deepEqual(asked, ['28+6', '28+2', '32+2']);
  assert.deepEqual(await valuesOf(link, joined), [28, 29, 32, 33]);
  assert.deepEqual(asked.slice(3), ['28+2', '32+2']);
});

test('a point that is not there is bad with its fault; its neighbours are read', async (context) => {
  const { link } = await linkTo(context, {
    read: (_unit, _fc, start, count) => (start <= 5 && start + count > 5 ? { exception: 2 } : Array.from({ length: count }, () => 1)),
  });
  const [joined] = ask(['input:3', 'input:4', 'input:5', 'input:6', 'input:7', 'input:8', 'input:9']) as [ModbusRequest];
  const decoded = decode(await link.exchange(joined, NEVER), joined);
  assert.ok(decoded.ok && decoded.values);
  assert.deepEqual(
    decoded.values.filter((one) => one.value === null).map((one) => [one.point, one.quality, one.flags, one.fault?.params.place]),
    [['p2', 'bad', ['config'], 'input:5']],
  );
  assert.equal(decoded.values.length, 7);
});

test('units behind one address share a link', async (context) => {
  const { link } = await linkTo(context, { read: (unit, _fc, _start, count) => Array.from({ length: count }, () => unit) });
  for (const unit of [1, 7, 247]) assert.deepEqual(await valuesOf(link, readBlock(unit, 3, TWO.items)), [unit, unit]);
});

test('a refused connection names the address', async () => {
  const server = await serveSimulatedModbus(COUNTING);
  await server.close();
  await assert.rejects(open(settings.parse({ host: '127.0.0.1', port: server.port }), [], testWorld()), failsWith('CV_LINK_REFUSED'));
});

test('identification: texts where offered, null where not; an answer that breaks the library is a fault, not a crash', async (context) => {
  const named = await linkTo(context, { ...COUNTING, identity: () => ['Maker', 'P-7', 'v2'] });
  assert.deepEqual(await named.link.identify(1, NEVER), new Map([[0, 'Maker'], [1, 'P-7'], [2, 'v2']]));
  const unnamed = await linkTo(context, COUNTING);
  assert.equal(await unnamed.link.identify(1, NEVER), null);
  let first = true;
  // "More follows", and then an exception: modbus-serial 8.0.25 throws out of its receiver on this.
  const evil = await linkTo(context, COUNTING, (answer) => {
    if (!first) return answer;
    first = false;
    const pdu = [43, 14, 1, 1, 255, 1, 1, 0, 1, 65];
    return Buffer.from([...answer.subarray(0, 4), 0, pdu.length + 1, 1, ...pdu]);
  });
  await assert.rejects(evil.link.identify(1, NEVER), FaultError);
  assert.deepEqual(await valuesOf(evil.link, TWO), [10, 11]);
});
