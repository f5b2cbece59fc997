/** Monitored items at a server that is slower than asked, and at one that takes no deadband in percent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadbandType, StatusCodes, Variant, DataType, type DataChangeFilter } from 'node-opcua-client';
import type { Fault } from '../../core/faults.ts';
import { createMonitoredItems } from './monitored-items.ts';
import type { RawSession } from './raw-session.ts';
import { point, settings } from './settings.ts';

interface Item { requestedParameters: { clientHandle: number; samplingInterval: number; filter?: DataChangeFilter } }

const SETTINGS = settings.parse({ endpoint: 'opc.tcp://plc:4840', security: 'none', sampleEvery: '1s' });

async function created(
  points: Record<string, unknown>[],
  answer: (item: Item) => { status?: typeof StatusCodes.Good; ms?: number },
  range: unknown = null,
) {
  const told: Fault[] = [];
  const asked: Item[] = [];
  const session = {
    createMonitoredItems: async ({ itemsToCreate }: { itemsToCreate: Item[] }) => ({
      results: itemsToCreate.map((item) => {
        asked.push(item);
        const { status = StatusCodes.Good, ms = item.requestedParameters.samplingInterval } = answer(item);
        return { statusCode: status, revisedSamplingInterval: ms };
      }),
    }),
    translateBrowsePath: async () =>
      range === null
        ? { statusCode: StatusCodes.BadNoMatch, targets: [] }
        : { statusCode: StatusCodes.Good, targets: [{ targetId: 'i=9' }] },
    read: async () => ({ value: new Variant({ dataType: DataType.Null, value: null }), ...(range ? { value: { value: range } } : {}) }),
  } as unknown as RawSession;
  const targets = points.map((one, index) => ({
    point: { ...point.parse({ node: `i=${index}`, ...one }), id: `p${index}` },
    nodeId: `i=${index}`,
    index,
  }));
  const results = await createMonitoredItems(session, 1, targets, SETTINGS, { items: 100 } as never, (event) => {
    if (event.kind === 'fault') told.push(event.fault);
  });
  return { told, asked, results };
}

test('a server that samples more than half as slow again as asked is told of; asked as fast as it goes, any is right', async () => {
  const revised: Record<number, number> = { 0: 1500, 1: 1501, 2: 2, 3: 900, 4: 1501 };
  const { told, results } = await created([{}, {}, { sampleEvery: '1ms' }, { sampleEvery: '0ms' }, { sampleEvery: '2s' }], (item) => ({
    ms: revised[item.requestedParameters.clientHandle] as number,
  }));
  assert.deepEqual(
    told.map(({ code, params }) => [code, params.node, params.askedMs, params.revisedMs]),
    [
      ['CV_OPCUA_SLOW_SAMPLING', 'i=1', 1000, 1501],
      ['CV_OPCUA_SLOW_SAMPLING', 'i=2', 1, 2],
    ],
  );
  assert.deepEqual(
    [...results],
    [
      [0, 1500],
      [1, 1501],
      [2, 2],
      [3, 900],
      [4, 1501],
    ],
  );
});

const refusesPercent = ({ requestedParameters: { filter } }: Item) =>
  filter?.deadbandType === DeadbandType.Percent ? { status: StatusCodes.BadDeadbandFilterInvalid as typeof StatusCodes.Good } : {};

test('a deadband in percent that is refused is asked for in the units of the range', async () => {
  const { told, asked, results } = await created([{ serverDeadband: { percent: 5 } }], refusesPercent, { low: 100, high: 300 });
  assert.deepEqual(told, []);
  assert.deepEqual(
    asked.map(({ requestedParameters: { filter } }) => [filter?.deadbandType, filter?.deadbandValue]),
    [
      [DeadbandType.Percent, 5],
      [DeadbandType.Absolute, 10],
    ],
  );
  assert.deepEqual([...results], [[0, 1000]]);
});

test('without a range of numbers that grows the value is read without a deadband, and that is told', async () => {
  for (const range of [null, { low: 1 }, { high: 1 }, { low: 'a', high: 2 }, { low: 1, high: 'b' }, { low: 2, high: 2 }]) {
    const { told, asked } = await created([{ serverDeadband: { percent: 5 } }], refusesPercent, range);
    assert.deepEqual(
      told.map(({ code, params }) => [code, params.status]),
      [['CV_OPCUA_DEADBAND', 'BadDeadbandFilterInvalid']],
      JSON.stringify(range),
    );
    assert.equal(asked.at(-1)?.requestedParameters.filter, undefined);
  }
});

test('an item that is refused for another reason keeps that reason', async () => {
  const { results, asked } = await created([{}], () => ({ status: StatusCodes.BadNodeIdUnknown as typeof StatusCodes.Good }));
  assert.equal(asked.length, 1);
  assert.equal(results.get(0), StatusCodes.BadNodeIdUnknown);
});
