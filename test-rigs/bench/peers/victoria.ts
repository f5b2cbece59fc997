/** VictoriaMetrics (Debian's), the store that the peers write to. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { freePort } from '../../../core/free-port.ts';
import { isAnswering, type Program, type Rig } from '../rig.ts';

export interface Victoria {
  readonly program: Program;
  /** Line protocol is posted here. */
  readonly writeUrl: string;
  /** Rows taken in so far; readable at the latest after `flush`. */
  rows(): Promise<number>;
  /** Values of one series in order of time, all that there are. */
  read(metric: string, tags: Record<string, string>): Promise<number[]>;
  flush(): Promise<void>;
}

export const hasVictoria = (): boolean => spawnSync('victoria-metrics', ['-version'], { stdio: 'ignore' }).error === undefined;

export async function startVictoria(rig: Rig): Promise<Victoria> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const program = await rig.start(
    'victoria-metrics',
    [
      'victoria-metrics',
      `-storageDataPath=${join(rig.dir, `vm-${port}`)}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-retentionPeriod=10y',
      '-loggerLevel=WARN',
    ],
    () => isAnswering(`${base}/health`),
  );
  return {
    program,
    writeUrl: `${base}/api/v2/write?precision=ms`,
    async rows() {
      const text = await (await fetch(`${base}/metrics`)).text();
      return Number(/^vm_rows_inserted_total\{type="influx"\} (\d+)/m.exec(text)?.[1] ?? 0);
    },
    async flush() {
      await (await fetch(`${base}/internal/force_flush`)).arrayBuffer();
    },
    async read(metric, tags) {
      const match = `${metric}{${Object.entries(tags).map(([tag, value]) => `${tag}="${value}"`).join(',')}}`;
      // Without an end the second that runs is left out.
      const query = new URLSearchParams({ 'match[]': match, start: '0', end: String(Math.ceil(Date.now() / 1000) + 100) });
      const text = await (await fetch(`${base}/api/v1/export?${query}`)).text();
      const points = text.split('\n').filter(Boolean).flatMap((line) => {
        const { values, timestamps } = JSON.parse(line) as { values: number[]; timestamps: number[] };
        return values.map((value, at) => ({ value, at: timestamps[at] as number }));
      });
      return points.toSorted((one, other) => one.at - other.at).map(({ value }) => value);
    },
  };
}
