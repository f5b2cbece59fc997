/** The time series: bytes a point and the times of three questions, beside VictoriaMetrics and TimescaleDB with the same points. */
import { join } from 'node:path';
import { installPrograms } from './peers/packages.ts';
import { hasTimescale, startTimescale } from './peers/timescale.ts';
import { hasVictoria, startVictoria } from './peers/victoria.ts';
import { result, type BenchResult } from './result.ts';
import { benchPauseMs, printBench, withRig, type Rig } from './rig.ts';
import { folderBytes, BenchStore } from './store/ours.ts';
import { MINUTE_MS, Walks, type BenchPoint } from './store/points.ts';

/** A week of some, and the last minutes of many. */
const DEEP = { series: 200, minutes: 7 * 1440 };
const WIDE = { series: 20_000, minutes: 10 };
const BUCKETS = 500;
const WINDOW_MS = 5 * MINUTE_MS;
const ASKED = 15;
const AHEAD_MINUTES = 15;

export const STORE_NOTES = [
  `Bytes: ${DEEP.series} series of 7 days, one point a minute with ±20 ms, random walks of 3 decimals; 5 % of the points carry a flag, which we and TimescaleDB keep and VictoriaMetrics cannot. Ours: all files of the folder after a clean end (while it runs, a write-ahead log of up to 4 MB comes on top); VictoriaMetrics: all files once nothing changes any more; TimescaleDB: hypertable_size, indexes included, its write-ahead log not. Debian's TimescaleDB has no compression (its licence), so there it is the uncompressed table.`,
  `Times: medians of ${ASKED}, with ${WIDE.series} more series of ${WIDE.minutes} minutes. Last: newest value of every series. Series: 7 days of one in ${BUCKETS} buckets (ours and TimescaleDB: mean, lowest and highest; VictoriaMetrics: the mean). Window: the last 5 minutes of every series (ours and TimescaleDB: count, lowest, highest, mean; VictoriaMetrics: the mean).`,
  "Ours answers while it takes in points at half of the rate it was loaded with, from within the process, as the gateway's API asks it; the peers are idle, and their times include their way to the client (HTTP and JSON; psql).",
] as const;

interface Figures {
  bytesAPoint: number;
  lastMs: number;
  seriesMs: number;
  windowMs: number;
}

interface Times {
  deepAt: number;
  wideAt: number;
  endAt: number;
}

export async function benchStore(_options: { seconds: number }): Promise<BenchResult[]> {
  installPrograms('bench-store');
  const endAt = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - 60 * MINUTE_MS;
  const times: Times = { endAt, deepAt: endAt - DEEP.minutes * MINUTE_MS, wideAt: endAt - WIDE.minutes * MINUTE_MS };
  const ours = await withRig((rig) => runOurs(rig, times));
  const peers: [name: string, figures: Figures][] = [];
  if (hasVictoria()) peers.push(['victoria-metrics', await withRig((rig) => runVictoria(rig, times))]);
  if (hasTimescale()) peers.push(['timescaledb', await withRig((rig) => runTimescale(rig, times))]);
  const against = (of: keyof Figures) => Object.fromEntries(peers.map(([name, figures]) => [name, figures[of]]));
  return [
    result('store-bytes', ours.bytesAPoint, 'B a point', against('bytesAPoint')),
    result('store-last', ours.lastMs, 'ms', against('lastMs')),
    result('store-series', ours.seriesMs, 'ms', against('seriesMs')),
    result('store-window', ours.windowMs, 'ms', against('windowMs')),
  ];
}

/** Minute by minute, as it would come. */
async function give(
  { series, minutes }: { series: number; minutes: number },
  first: number,
  startsAt: number,
  take: (points: BenchPoint[]) => Promise<void>,
  most: number,
): Promise<number> {
  const walks = new Walks(first, series);
  let waiting: BenchPoint[] = [];
  const startedMs = performance.now();
  for (let minute = 0; minute < minutes; minute += 1) {
    waiting.push(...walks.minute(startsAt + minute * MINUTE_MS));
    if (waiting.length < most && minute < minutes - 1) continue;
    await take(waiting);
    waiting = [];
  }
  return (series * minutes * 1000) / (performance.now() - startedMs);
}

const DEEP_POINTS = DEEP.series * DEEP.minutes;

async function median(ask: () => Promise<number> | number): Promise<number> {
  const took: number[] = [];
  for (let turn = 0; turn < ASKED; turn += 1) {
    took.push(await ask());
    await benchPauseMs(50);
  }
  return took.toSorted((a, b) => a - b)[ASKED >> 1] as number;
}

/** @param ask gives the number of things answered, which must not be fewer than `least` */
async function timed(what: string, least: number, ask: () => Promise<number> | number): Promise<number> {
  const startedMs = performance.now();
  const got = await ask();
  const tookMs = performance.now() - startedMs;
  if (got < least) throw new Error(`${what} answered ${got}, ${least} wanted`);
  return tookMs;
}

async function runOurs(rig: Rig, { deepAt, wideAt, endAt }: Times): Promise<Figures> {
  const ours = new BenchStore(join(rig.dir, 'store'));
  await ours.open();
  rig.undo(() => ours.close());
  const rate = await give(DEEP, 0, deepAt, (points) => ours.write(points), 2000);
  await ours.store.compact();
  await ours.close();
  const bytesAPoint = ours.bytes() / DEEP_POINTS;
  printBench(`ours: ${Math.round(rate)} points/s taken in, ${bytesAPoint.toFixed(3)} B a point`);
  await ours.open();
  await give(WIDE, DEEP.series, wideAt, (points) => ours.write(points), 2000);
  const walks = new Walks(DEEP.series, WIDE.series);
  let headAt = endAt;
  // Made before, so that making them keeps no answer waiting.
  const ahead = Array.from({ length: AHEAD_MINUTES }, (_, minute) => walks.minute(endAt + minute * MINUTE_MS));
  const stop = ours.writeAt(rate / 2, () => {
    headAt += MINUTE_MS;
    return ahead.shift() ?? walks.minute(headAt - MINUTE_MS);
  });
  const all = DEEP.series + WIDE.series;
  await ours.window(headAt - WINDOW_MS, headAt);
  const figures: Figures = {
    bytesAPoint,
    lastMs: await median(() => timed('ours: last', all, () => ours.last())),
    seriesMs: await median(() => timed('ours: series', BUCKETS - 2, () => ours.series(7, deepAt, endAt, BUCKETS))),
    windowMs: await median(() => timed('ours: window', WIDE.series, () => ours.window(headAt - WINDOW_MS, headAt))),
  };
  printBench(`ours: ${JSON.stringify(figures)} while taking in ${Math.round(await stop())} points/s`);
  return figures;
}

async function runVictoria(rig: Rig, { deepAt, wideAt, endAt }: Times): Promise<Figures> {
  const victoria = await startVictoria(rig);
  const write = async (points: readonly BenchPoint[]) => {
    const answer = await fetch(victoria.writeUrl, {
      method: 'POST',
      body: points.map(({ series, at, value }) => `level,device=dev-${series >> 2},point=level-${series & 3} v=${value} ${at}`).join('\n'),
    });
    if (!answer.ok) throw new Error(`VictoriaMetrics refused points: ${answer.status}`);
  };
  await give(DEEP, 0, deepAt, write, 20_000);
  await victoria.flush();
  const base = new URL(victoria.writeUrl).origin;
  await (await fetch(`${base}/internal/force_merge`)).arrayBuffer();
  const folder = join(rig.dir, `vm-${new URL(base).port}`);
  let bytes = folderBytes(folder);
  // What lies in memory comes to disk within some seconds, and then merges.
  for (let calm = 0, waits = 0; calm < 8 && waits < 40; waits += 1) {
    await benchPauseMs(1000);
    calm = folderBytes(folder) === bytes ? calm + 1 : 0;
    bytes = folderBytes(folder);
  }
  const bytesAPoint = bytes / DEEP_POINTS;
  printBench(`victoria-metrics: ${bytesAPoint.toFixed(3)} B a point`);
  await give(WIDE, DEEP.series, wideAt, write, 20_000);
  await victoria.flush();
  const ask = async (path: string, query: Record<string, string>): Promise<unknown[]> => {
    const answer = await fetch(`${base}/api/v1/${path}?${new URLSearchParams({ nocache: '1', ...query })}`);
    const { data } = (await answer.json()) as { data?: { result: unknown[] } };
    return data?.result ?? [];
  };
  const time = String(endAt / 1000);
  const stepS = (DEEP.minutes * 60) / BUCKETS;
  const all = DEEP.series + WIDE.series;
  const figures: Figures = {
    bytesAPoint,
    lastMs: await median(() =>
      timed('victoria-metrics: last', all, async () => (await ask('query', { query: 'last_over_time(level_v[10m])', time })).length),
    ),
    seriesMs: await median(() =>
      timed('victoria-metrics: series', BUCKETS - 2, async () => {
        const [found] = (await ask('query_range', {
          query: `avg_over_time(level_v{device="dev-1",point="level-3"}[${stepS}s])`,
          start: String(deepAt / 1000 + stepS),
          end: time,
          step: `${stepS}s`,
        })) as { values: unknown[] }[];
        return found?.values.length ?? 0;
      }),
    ),
    windowMs: await median(() =>
      timed('victoria-metrics: window', all, async () => (await ask('query', { query: 'avg_over_time(level_v[5m])', time })).length),
    ),
  };
  printBench(`victoria-metrics: ${JSON.stringify(figures)}`);
  return figures;
}

async function runTimescale(rig: Rig, { deepAt, wideAt, endAt }: Times): Promise<Figures> {
  const timescale = await startTimescale(rig);
  await timescale.run(`CREATE TABLE m (t timestamptz NOT NULL, s int NOT NULL, v double precision, q smallint NOT NULL, f text);
    SELECT create_hypertable('m', by_range('t', interval '1 day'), create_default_indexes => false);
    CREATE INDEX ON m (s, t DESC);`);
  const write = async (points: readonly BenchPoint[]) => {
    await timescale.run(
      `COPY m FROM STDIN;\n${points.map(({ series, at, value, flagged }) => `${new Date(at).toISOString()}\t${series}\t${value}\t${flagged ? 1 : 0}\t${flagged ? 'spike' : '\\N'}`).join('\n')}\n\\.`,
    );
  };
  await give(DEEP, 0, deepAt, write, 20_000);
  const bytesAPoint = Number(await timescale.run(`SELECT hypertable_size('m');`)) / DEEP_POINTS;
  printBench(`timescaledb: ${bytesAPoint.toFixed(1)} B a point`);
  await give(WIDE, DEEP.series, wideAt, write, 20_000);
  await timescale.run('ANALYZE m;');
  const at = (ms: number) => `'${new Date(ms).toISOString()}'`;
  const figures: Figures = {
    bytesAPoint,
    lastMs: await median(() => timescale.timed(`SELECT DISTINCT ON (s) s, t, v, q, f FROM m WHERE t >= ${at(wideAt)} ORDER BY s, t DESC;`)),
    seriesMs: await median(() =>
      timescale.timed(
        `SELECT time_bucket('${(DEEP.minutes * 60) / BUCKETS} s', t) AS b, avg(v), min(v), max(v), count(*) FROM m WHERE s = 7 AND t >= ${at(deepAt)} AND t < ${at(endAt)} GROUP BY b ORDER BY b;`,
      ),
    ),
    windowMs: await median(() =>
      timescale.timed(
        `SELECT s, count(*), min(v), max(v), avg(v) FROM m WHERE t >= ${at(endAt - WINDOW_MS)} AND t < ${at(endAt)} GROUP BY s;`,
      ),
    ),
  };
  printBench(`timescaledb: ${JSON.stringify(figures)}`);
  return figures;
}
