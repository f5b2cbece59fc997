/** What a write comes to, by what the device says of it and by what it reads as afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoded, Driver, Request, WritableValue } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import '../../drivers/faults.ts';
import { fakeDriver } from '../testing/fake-device.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import type { DeviceSetup } from '../config/setup.ts';
import { HostDevice } from './host-device.ts';
import type { ExchangeResult } from './run-exchange.ts';
import { writePoint, type WriteResult } from './write.ts';

const SET: Request = { points: [] };
const GET: Request = { points: ['level'] };
const lost: ExchangeResult = { fault: { code: 'CV_LINK_TIMEOUT', params: { address: 'a', timeoutMs: 500 } } };
const says = (decoded: Decoded): ExchangeResult => ({ decoded });
const reads = (value: WritableValue) => says({ ok: true, values: [{ point: 'level', value }] });
const done = says({ ok: true, values: [] });

interface Case {
  value?: WritableValue;
  requests?: Request[];
  answers: ExchangeResult[];
}

async function write(
  { value = 5, requests = [SET, GET], answers }: Case,
  of: { point?: string; driver?: Partial<Driver> } = {},
): Promise<{ written: WriteResult; asked: Request[] }> {
  const world = testWorld();
  const { driver } = fakeDriver(world);
  const setup: DeviceSetup = {
    id: 'plc',
    driver: 'fake',
    subject: 'plc',
    settings: {},
    everyMs: 1000,
    timeoutMs: 500,
    points: [
      {
        id: 'level',
        indicator: 'T',
        unit: 'm',
        scale: 1,
        offset: 0,
        faultCodes: [],
        limits: [],
        kind: 'measurement',
        own: { id: 'level' },
      },
    ],
  };
  const device = new HostDevice({ setup, driver: { ...driver, write: () => requests, ...of.driver } }, world, () => {});
  const asked: Request[] = [];
  const turn = {
    poll: () => Promise.resolve(null),
    exchange: (request: Request) => {
      asked.push(request);
      return Promise.resolve(answers[asked.length - 1] as ExchangeResult);
    },
  };
  return {
    written: await writePoint(
      device,
      of.point ?? 'level',
      value,
      (work) => work(turn),
      () => Promise.resolve(),
    ),
    asked,
  };
}
const outcome = async (given: Case) => {
  const { written } = await write(given);
  return [written.outcome, 'fault' in written ? written.fault.code : null];
};

test('it is done when it reads as written: within what a float keeps, and a switch that is set with a number', async () => {
  for (const [value, read] of [
    [5, 5],
    [0.1, Math.fround(0.1)],
    [1_000_000, 1_000_001],
    [1_000_000, 999_999],
    [-2, -2],
    [1, true],
    [7, true],
    [0, false],
    ['on', 'on'],
    [true, true],
  ] as const) {
    assert.deepEqual(await outcome({ value, answers: [done, reads(read)] }), ['done', null], `${value} as ${read}`);
  }
  for (const [value, read] of [
    [5, 5.001],
    [1_000_000, 1_000_002],
    [2, -2],
    [1, false],
    [0, true],
    ['on', 'off'],
    [true, false],
    [true, 1],
  ] as const) {
    assert.deepEqual(await outcome({ value, answers: [done, reads(read)] }), ['failed', 'CV_COMMAND_READ_BACK'], `${value} as ${read}`);
  }
  const { written } = await write({ answers: [done, reads(6)] });
  assert.deepEqual(written, {
    outcome: 'failed',
    readBack: 6,
    fault: { code: 'CV_COMMAND_READ_BACK', params: { point: 'level', want: '5', got: '6' } },
  });
});

test('a device that says no has failed it, and nothing more is asked of it', async () => {
  const fault = { code: 'CV_MODBUS_ILLEGAL_ADDRESS', params: {} } as const;
  const { written, asked } = await write({ requests: [SET, SET, GET], answers: [says({ ok: false, fault })] });
  assert.deepEqual([written, asked.length], [{ outcome: 'failed', fault }, 1]);
});

test('without a confirmation the read back tells; what follows in the same write is not sent', async () => {
  assert.deepEqual(await outcome({ answers: [lost, reads(5)] }), ['done', null]);
  assert.deepEqual(await outcome({ answers: [lost, reads(4)] }), ['unknown', 'CV_COMMAND_UNCONFIRMED']);
  const { asked } = await write({ requests: [SET, SET, GET], answers: [lost, reads(5)] });
  assert.deepEqual(asked, [SET, GET]);
  const two = await write({ requests: [SET, SET, GET], answers: [done, done, reads(5)] });
  assert.deepEqual([two.written.outcome, two.asked], ['done', [SET, SET, GET]]);
});

test('a read back that cannot be had leaves it unknown, with the reason in both languages', async () => {
  const detail = async (answers: ExchangeResult[]) => {
    const { written } = await write({ answers });
    assert.equal(written.outcome, 'unknown');
    const { code, params } = (written as Extract<WriteResult, { outcome: 'unknown' }>).fault;
    assert.deepEqual([code, params.point], ['CV_COMMAND_UNCONFIRMED', 'level']);
    assert.match(String(params.detailZh), /[\u4e00-\u9fff].*\[CV_/);
    return /\[(CV_\w+)\]$/.exec(String(params.detail))?.[1];
  };
  assert.equal(await detail([done, lost]), 'CV_LINK_TIMEOUT');
  assert.equal(await detail([done, says({ ok: false, fault: { code: 'CV_FRAME_LENGTH', params: { detail: 'x' } } })]), 'CV_FRAME_LENGTH');
  assert.equal(await detail([done, {}]), 'CV_FRAME_INVALID');
  // It answered, and not with the point.
  assert.equal(await detail([done, says({ ok: true, values: [] })]), 'CV_COMMAND_POINT');
  assert.equal(await detail([done, says({ ok: true, values: [{ point: 'other', value: 5 }] })]), 'CV_COMMAND_POINT');
  assert.equal(await detail([done, says({ ok: true, values: [{ point: 'level', value: null }] })]), 'CV_COMMAND_POINT');
  assert.equal(
    await detail([
      done,
      says({ ok: true, values: [{ point: 'level', value: 5, fault: { code: 'CV_FRAME_LENGTH', params: { detail: 'x' } } }] }),
    ]),
    'CV_FRAME_LENGTH',
  );
  // Why it was not confirmed comes before why it could not be read.
  assert.equal(await detail([lost, says({ ok: true, values: [] })]), 'CV_LINK_TIMEOUT');
});

test('a point that is not there, and a driver that does not write, are refused before anything is sent', async () => {
  const fault = (run: Promise<unknown>) =>
    run.then(
      () => null,
      (error: FaultError) => error.fault,
    );
  assert.deepEqual(await fault(write({ answers: [] }, { point: 'nothing' })), {
    code: 'CV_COMMAND_POINT',
    params: { device: 'plc', point: 'nothing' },
  });
  assert.deepEqual(await fault(write({ answers: [] }, { driver: { write: undefined as never } })), {
    code: 'CV_COMMAND_NOT_OFFERED',
    params: { device: 'plc', driver: 'fake', kind: 'write' },
  });
});
