/** Data units that dial in: told apart, replaced, refused; what they put between the bytes never becomes a value. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { FaultError, type FaultParams } from '../../../core/faults.ts';
import { until } from '../../../core/testing/until.ts';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import { realWorld } from '../../../core/world.ts';
import { freePort } from '../../../core/free-port.ts';
import { open } from '../link.ts';
import type { ModbusRequest } from '../requests.ts';
import { settings } from '../settings.ts';
import { requestsFor, ADDRESS_VALUED_DEVICE, failsWith, NEVER_ABORTED, exchangeValues } from '../testing/requests.ts';
import { simulatedDtu, type SimulatedDtu, type SimulatedDtuOptions } from '../testing/simulated-dtu.ts';
import type { SimulatedModbusDevice } from '../testing/simulated-device.ts';

const TWO = requestsFor(['holding:10', 'holding:11'])[0] as ModbusRequest;
const BEAT = Buffer.from('fe00fe', 'hex');
/** Whose values say who it is. */
const saying = (value: number): SimulatedModbusDevice => ({
  read: (_unit, _fc, _start, count) => Array.from({ length: count }, () => value),
});

async function port(context: TestContext, given?: ReturnType<typeof testWorld>) {
  const number = await freePort();
  const told: { code: string; params: FaultParams }[] = [];
  const world = given ?? realWorld((event) => { if (event.kind === 'fault') told.push(event.fault); });
  const links: { close(): Promise<void> }[] = [];
  const units: SimulatedDtu[] = [];
  context.after(async () => {
    await Promise.all(units.map((unit) => unit.stop()));
    await Promise.all(links.map((link) => link.close()));
    await given?.clock.advanceMs(1000); // the port is kept for a moment
  });
  return {
    told,
    unit(options: Omit<SimulatedDtuOptions, 'port'>): SimulatedDtu {
      const unit = simulatedDtu({ port: number, ...options });
      units.push(unit);
      return unit;
    },
    async link(more: Record<string, unknown>, signal: AbortSignal = NEVER_ABORTED) {
      const link = await open(
        settings.parse({ transport: 'dtu', listen: `127.0.0.1:${number}`, heartbeat: { hex: BEAT.toString('hex') }, ...more }),
        [],
        world,
        signal,
      );
      links.push(link);
      return link;
    },
    dial: () => connect({ host: '127.0.0.1', port: number }),
  };
}

test('units of one port are told apart by text, bytes and IMEI, and asked side by side', async (context) => {
  const at = await port(context);
  at.unit({ registration: Buffer.from('DTU-1'), device: saying(1) });
  at.unit({ registration: Buffer.from('DTU-10'), device: saying(10) });
  at.unit({ registration: Buffer.from('aa0001', 'hex'), device: saying(2) });
  at.unit({ registration: Buffer.from('IMEI=861234567890123;'), device: saying(3) });
  const links = await Promise.all(
    [{ ascii: 'DTU-1' }, { ascii: 'DTU-10' }, { hex: 'AA0001' }, { imei: '861234567890123' }].map((registration) =>
      at.link({ registration }),
    ),
  );
  const values = await Promise.all(links.map((link) => exchangeValues(link, TWO)));
  assert.deepEqual(values, [[1, 1], [10, 10], [2, 2], [3, 3]]);
});

test('heartbeats and a registration sent again, between the bytes of an answer, are taken out; by RTU and by TCP', async (context) => {
  for (const framing of ['rtu', 'tcp'] as const) {
    const at = await port(context);
    const packet = Buffer.from('DTU-7');
    const places = Array.from({ length: 10 }, (_, place) => place);
    at.unit({
      registration: packet, heartbeat: BEAT, device: ADDRESS_VALUED_DEVICE, envelope: framing,
      pieces: (answer) => {
        const place = places.shift() ?? 0;
        return [
          answer.subarray(0, place),
          BEAT.subarray(0, 2),
          BEAT.subarray(2),
          answer.subarray(place, place + 1),
          packet,
          answer.subarray(place + 1),
          BEAT,
        ];
      },
    });
    const link = await at.link({ registration: { ascii: 'DTU-7' }, framing });
    for (let turn = 0; turn < 10; turn += 1) assert.deepEqual(await exchangeValues(link, TWO), [10, 11], `${framing} ${turn}`);
  }
});

test('a second connection of the same id takes the place of a half-open one, with its first dial', async (context) => {
  const at = await port(context);
  const unit = at.unit({ registration: Buffer.from('DTU-7'), device: ADDRESS_VALUED_DEVICE });
  const link = await at.link({ registration: { ascii: 'DTU-7' } });
  assert.deepEqual(await exchangeValues(link, TWO), [10, 11]);
  unit.vanish();
  const lost = assert.rejects(
    link.exchange(TWO, NEVER_ABORTED),
    failsWith('CV_LINK_CLOSED'),
    'an exchange under way ends when it is replaced',
  );
  await lost;
  assert.equal(unit.dials(), 2);
  assert.deepEqual(await exchangeValues(link, TWO), [10, 11], 'the same link goes on over the new connection');
  unit.drop();
  await until(() => unit.dials() === 3);
  assert.deepEqual(at.told, []);
});

test('one that nobody names is told with what it said, once, and let go', async (context) => {
  const world = testWorld();
  const codes = () => world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault] : []));
  const passing = async (holds: () => boolean) => {
    // Sockets keep their own time: between two looks the clock goes on a little.
    await until(() => world.clock.advanceMs(100), holds);
  };
  const at = await port(context, world);
  const unit = at.unit({ registration: Buffer.from('DTU-7'), device: ADDRESS_VALUED_DEVICE });
  let link: unknown = null;
  const opening = at.link({ registration: { ascii: 'DTU-7' } }).then((opened) => { link = opened; });
  await until(() => unit.isConnected());
  await passing(() => link !== null);
  await opening;
  for (const [turn, said] of ['DTU-8\r\n', 'DTU-8\r\n', '\x01\x02\x03'].entries()) {
    let isClosed = false;
    const stranger = at.dial();
    stranger.on('error', () => { stranger.destroy(); });
    stranger.on('close', () => { isClosed = true; });
    stranger.write(said);
    await passing(() => isClosed);
    assert.deepEqual(
      codes().map(({ code, params }) => [code, params.said]),
      [
        ['CV_MODBUS_DTU_UNKNOWN', '"DTU-8"'],
        ['CV_MODBUS_DTU_UNKNOWN', '0x010203'],
      ].slice(0, turn < 2 ? 1 : 2),
    );
  }
  const heard = world.told.filter((event) => event.kind === 'unknown_device');
  assert.deepEqual(
    heard.map(({ id, said }) => [id, said.hex]),
    [
      ['DTU-8', '4454552d380d0a'],
      ['DTU-8', '4454552d380d0a'],
      ['010203', '010203'],
    ],
  );
  assert.match(heard[0]?.yaml ?? '', /transport: dtu\n {4}listen: .*\n {4}registration:\n {6}ascii: DTU-8\n/);
  assert.ok(world.told.some((event) => event.kind === 'unknown_device_known' && event.id === 'DTU-7'));
});

test('one that does not dial in is absent; opened again, it is waited for anew', async (context) => {
  const world = testWorld();
  const at = await port(context, world);
  const waiting = assert.rejects(
    at.link({ registration: { ascii: 'DTU-7' } }),
    (error) => error instanceof FaultError && error.fault.code === 'CV_MODBUS_DTU_ABSENT' && error.fault.params.unit === 'DTU-7',
  );
  await world.clock.advanceMs(10_000);
  await waiting;
});

test('one that says nothing is known by who answers behind it; two units behind one share it', async (context) => {
  const at = await port(context);
  at.unit({ registration: null, device: { units: [5, 6], read: (unit, _fc, _start, count) => Array.from({ length: count }, () => unit) } });
  at.unit({ registration: null, device: { units: [9], read: (unit, _fc, _start, count) => Array.from({ length: count }, () => unit) } });
  const [five, nine] = await Promise.all([at.link({ unit: 5 }), at.link({ unit: 9 })]);
  const of = (unit: number) => requestsFor(['holding:1'], unit)[0] as ModbusRequest;
  assert.deepEqual(await Promise.all([exchangeValues(five, of(5)), exchangeValues(nine, of(9))]), [[5], [9]]);
  assert.deepEqual(await exchangeValues(five, of(6)), [6]);
});

test('a link that is opened again finds its unit still there; one that has gone silent is dropped', async (context) => {
  const at = await port(context);
  let isSilent = false;
  const unit = at.unit({
    registration: Buffer.from('DTU-7'),
    device: ADDRESS_VALUED_DEVICE,
    override: (answer) => (isSilent ? null : answer),
  });
  const first = await at.link({ registration: { ascii: 'DTU-7' } });
  assert.deepEqual(await exchangeValues(first, TWO), [10, 11]);
  await first.close();
  const second = await at.link({ registration: { ascii: 'DTU-7' } });
  assert.deepEqual(await exchangeValues(second, TWO), [10, 11]);
  assert.equal(unit.dials(), 1);
  isSilent = true;
  await assert.rejects(second.exchange(TWO, AbortSignal.timeout(30)));
  await second.close();
  await until(() => unit.dials() === 2 || !unit.isConnected());
});

test('two devices of one port: one that is closed twice leaves the other its unit and the port', async (context) => {
  const world = testWorld();
  const at = await port(context, world);
  const units = ['DTU-7', 'DTU-8'].map((name) => at.unit({ registration: Buffer.from(name), device: ADDRESS_VALUED_DEVICE }));
  // Sockets keep their own time: between two looks the clock goes on a little.
  async function passing<T>(doing: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => { isOver = true; };
    doing.then(over, over);
    await until(() => world.clock.advanceMs(10), () => isOver);
    return doing;
  }
  const [first, second] = await passing(Promise.all(['DTU-7', 'DTU-8'].map((ascii) => at.link({ registration: { ascii } }))));
  assert.ok(first && second);
  await first.close();
  await first.close();
  await world.clock.advanceMs(10_000);
  assert.deepEqual(await passing(exchangeValues(second, TWO)), [10, 11]);
  assert.deepEqual(units.map((unit) => [unit.isConnected(), unit.dials()]), [[true, 1], [true, 1]]);
  const late = at.dial();
  await passing(once(late, 'connect'));
  late.destroy();
});

test('a port that is taken is told', async (context) => {
  const at = await port(context);
  at.unit({ registration: Buffer.from('DTU-7'), device: ADDRESS_VALUED_DEVICE });
  await at.link({ registration: { ascii: 'DTU-7' } });
  await assert.rejects(
    open(
      settings.parse({ transport: 'dtu', listen: '192.0.2.1:6000', registration: { ascii: 'x' } }),
      [],
      realWorld(() => {}),
    ),
    failsWith('CV_MODBUS_LISTEN'),
  );
});
