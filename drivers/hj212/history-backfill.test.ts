import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { TEST_MN, memoryPort } from './testing/memory-port.ts';
import { qnText } from './testing/data-logger.ts';

const POINTS = [
  { id: 'so2', factor: 'a21026', value: 'Avg' },
  { id: 'so2-hour', factor: 'a21026', value: 'Avg', period: 'hour' },
  { id: 'so2-day', factor: 'a21026', value: 'Avg', period: 'day' },
  { id: 'now', factor: 'a21026' },
];
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (ms: number) => qnText(ms).slice(0, 14);
const average = (ms: number, value = 1) => `DataTime=${at(ms)};a21026-Avg=${value},a21026-Flag=N`;
const asked = (cn: string, from: number, to: number, between = ',') => [cn, `BeginTime=${at(from)}${between}EndTime=${at(to)}`];

/** A logger that reconnects after a while: what it is asked. */
async function reconnected(settings: Record<string, unknown>, { awayMs = HOUR, uploaded = ['2051'], flag = 'Flag=5' } = {}) {
  const port = memoryPort();
  const station = await port.station(POINTS, settings);
  const startMs = port.clock.nowMs();
  const first = port.dial();
  for (const cn of uploaded) await first.send(cn, average(startMs));
  assert.deepEqual(first.received.filter(({ cn }) => cn !== '9014'), [], 'before a first upload it is unknown what is missing');
  await first.hangUp();
  await port.clock.advanceMs(awayMs);
  const logger = port.dial();
  await logger.send('2011', `DataTime=${at(port.clock.nowMs())};a21026-Rtd=1`, { flag });
  const requests = () => logger.received.filter(({ content }) => content.startsWith('BeginTime='));
  return {
    port,
    station,
    logger,
    startMs,
    nowMs: port.clock.nowMs(),
    requests,
    texts: () => requests().map(({ cn, content }) => [cn, content]),
  };
}

test('the next request is sent when the one before is done, not when it is accepted; acceptance is no refusal', async () => {
  const { port, station, logger, startMs, nowMs, requests, texts } = await reconnected(
    { history: ['minute'], minuteEvery: '1m' },
    { awayMs: 300 * MINUTE },
  );
  assert.deepEqual(texts(), [asked('2051', startMs + MINUTE, startMs + 200 * MINUTE)]);
  const { qn } = requests()[0] as { qn: string };
  await logger.send('9011', 'QnRtn=1', { qn });
  await logger.send('2051', average(startMs + MINUTE), { qn });
  assert.equal(texts().length, 1, 'accepted is not done');
  await logger.send('9012', 'ExeRtn=1', { qn: '20260101000000000' });
  assert.equal(texts().length, 1, 'the result of another request');
  await logger.send('9012', 'ExeRtn=1', { qn });
  assert.deepEqual(texts().slice(1), [asked('2051', startMs + 201 * MINUTE, nowMs)]);
  const second = requests()[1]?.qn as string;
  assert.notEqual(second, qn);
  await logger.send('9011', 'QnRtn=1', { qn: second });
  await logger.send('9012', 'ExeRtn=1', { qn });
  await logger.send('9012', 'ExeRtn=1', { qn: second });
  await port.clock.advanceMs(10 * MINUTE);
  assert.equal(texts().length, 2);
  assert.deepEqual(port.codes().filter((code) => code === 'CV_HJ212_REFUSED'), []);
  await station.end();
});

test('the next request follows a minute after one without result or refusal, and at once after a refusal', async () => {
  const { port, station, logger, startMs, nowMs, requests, texts } = await reconnected(
    { history: ['minute', 'hour', 'day'], minuteEvery: '1m', historyReach: '30d' },
    { awayMs: 49 * HOUR, uploaded: ['2051', '2061', '2031'] },
  );
  assert.equal(texts().length, 1);
  await port.clock.advanceMs(MINUTE - 1);
  assert.equal(texts().length, 1);
  await port.clock.advanceMs(1);
  assert.deepEqual(texts()[1], asked('2051', startMs + 201 * MINUTE, startMs + 400 * MINUTE));
  await logger.send('9011', 'QnRtn=8', { qn: requests()[1]?.qn as string });
  assert.equal(texts().length, 3);
  assert.deepEqual(port.faults.at(-1), { code: 'CV_HJ212_REFUSED', params: { mn: TEST_MN, cn: '2051', answer: 'QnRtn=8' } });
  for (let turn = 2; turn < 30; turn += 1)
    if (requests()[turn]) await logger.send('9012', 'ExeRtn=100', { qn: requests()[turn]?.qn as string });
  assert.deepEqual(texts().slice(-2), [asked('2061', startMs + HOUR, nowMs), asked('2031', startMs + 24 * HOUR, nowMs)]);
  assert.equal(texts().length, 15 + 2);
  assert.equal(port.codes().filter((code) => code === 'CV_HJ212_REFUSED').length, 1, 'no data is no refusal');
  await station.end();
});

test('a second silent request times out like the first, and one that was answered does not time out again', async () => {
  const { port, station, logger, requests, texts } = await reconnected(
    { history: ['minute'], minuteEvery: '1m' },
    { awayMs: 700 * MINUTE },
  );
  await port.clock.advanceMs(30_000);
  await logger.send('9012', 'ExeRtn=1', { qn: requests()[0]?.qn as string });
  await port.clock.advanceMs(30_000);
  assert.equal(texts().length, 2, 'the time of the first is over');
  await port.clock.advanceMs(30_000);
  assert.equal(texts().length, 3);
  await port.clock.advanceMs(60_000);
  assert.equal(texts().length, 4);
  await port.clock.advanceMs(600_000);
  assert.equal(texts().length, 4);
  await station.end();
});

test('no further back than historyReach; a period that has not ended is not missing; the newest upload counts', async () => {
  const reach = await reconnected({ history: ['minute'], minuteEvery: '10m', historyReach: '2h' }, { awayMs: 24 * HOUR });
  assert.deepEqual(reach.texts(), [asked('2051', reach.nowMs - 2 * HOUR, reach.nowMs)]);
  await reach.station.end();
  for (const [awayMs, requests] of [[20 * MINUTE - 1, 0], [20 * MINUTE, 1]] as const) {
    const soon = await reconnected({ history: ['minute'] }, { awayMs });
    assert.equal(soon.texts().length, requests, `${awayMs} ms`);
    await soon.station.end();
  }
  const none = await reconnected({ history: ['hour'] }, { awayMs: 24 * HOUR });
  assert.deepEqual(none.texts(), [], 'no hourly upload was received');
  await none.station.end();
});

test('an older upload that arrives later does not reset the newest; the next connection requests only what is missing since', async () => {
  const { port, station, logger, startMs, nowMs } = await reconnected({ history: ['minute'], historyReach: '30d' }, { awayMs: 10 * HOUR });
  await logger.send('2051', average(nowMs - 10 * MINUTE));
  await logger.send('2051', average(startMs + HOUR));
  await logger.hangUp();
  await port.clock.advanceMs(HOUR);
  const next = port.dial();
  await next.send('2051', average(port.clock.nowMs() - 10 * MINUTE));
  // The upload came before the request: only the time between is missing.
  const requests = next.received.filter(({ cn }) => cn === '2051').map(({ cn, content }) => [cn, content]);
  assert.deepEqual(requests, [asked('2051', nowMs, port.clock.nowMs())]);
  await station.end();
});

test('a logger of 2025 gets its range with a semicolon; requests have its system type, password and edition', async () => {
  for (const [flag, between, version] of [['Flag=9', ';', '9'], ['Flag=5', ',', '5'], ['', ',', '1']] as const) {
    const { station, requests, startMs, nowMs } = await reconnected({ history: ['minute'] }, { flag });
    const [request] = requests();
    assert.deepEqual(
      { ...request, qn: '' },
      {
        qn: '',
        st: '22',
        cn: '2051',
        pw: '123456',
        mn: TEST_MN,
        flag: version,
        content: asked('2051', startMs + 10 * MINUTE, nowMs, between)[1],
      },
    );
    await station.end();
  }
});

test('a closed connection gets no request, and its timer ends with it', async () => {
  const { port, station, logger, texts } = await reconnected({ history: ['minute'], minuteEvery: '1m' }, { awayMs: 300 * MINUTE });
  await logger.hangUp();
  await port.clock.advanceMs(HOUR);
  assert.equal(texts().length, 1);
  await station.end();
  const closed = await reconnected({ history: ['minute'], minuteEvery: '1m' }, { awayMs: 300 * MINUTE });
  const other = await closed.port.station([], { mn: 'B2' });
  await closed.station.end();
  await closed.port.clock.advanceMs(HOUR);
  assert.equal(closed.texts().length, 1, 'a closed link sends no request');
  await other.end();
});

test('data later than historyAfter after its period is backfill, to the millisecond; earlier data is live', async () => {
  const port = memoryPort();
  const station = await port.station(POINTS, { historyAfter: '5m', minuteEvery: '10m' });
  const endMs = port.clock.nowMs() + 10 * MINUTE;
  const origins = async (cn: string, suffix: string, labelMs: number) => {
    await logger.send(cn, `DataTime=${at(labelMs)};a21026-${suffix}=${port.clock.nowMs() % 1000},a21026-Flag=N`);
    const decoded = decode(station.frames.at(-1) as Parameters<typeof decode>[0]);
    assert.ok(decoded.ok);
    return decoded.values?.map(({ origin }) => origin);
  };
  await port.clock.advanceMs(15 * MINUTE);
  const logger = port.dial();
  assert.deepEqual(await origins('2051', 'Avg', endMs - 10 * MINUTE), [undefined]);
  assert.deepEqual(await origins('2061', 'Avg', endMs - HOUR), [undefined]);
  assert.deepEqual(await origins('2031', 'Avg', endMs - 24 * HOUR), [undefined]);
  assert.deepEqual(await origins('2011', 'Rtd', endMs), [undefined]);
  await port.clock.advanceMs(1);
  assert.deepEqual(await origins('2051', 'Avg', endMs - 10 * MINUTE), ['backfill']);
  assert.deepEqual(await origins('2061', 'Avg', endMs - HOUR), ['backfill']);
  assert.deepEqual(await origins('2031', 'Avg', endMs - 24 * HOUR), ['backfill']);
  assert.deepEqual(await origins('2011', 'Rtd', endMs), ['backfill']);
  await station.end();
});
