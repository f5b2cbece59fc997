/**
 * `npm run rig -- broker-abuse [--json]`: a gateway in a process of its own is abused by one client after the other while
 * a small edge and a consumer go on. Last line with --json: { results: [{ name, ackGapMs, outGapMs, ownGapMs, rssMB, problems }], ok }.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startChild } from '../processes/child.ts';
import { ABUSES, abusePauseMs } from './abuses.ts';
import { PROBE_CENTRE, startProbe } from './probe.ts';

const MAX_GAP_MS = 250;
const MAX_RSS_MB = 600;

interface Result {
  name: string;
  ackGapMs: number;
  outGapMs: number;
  /** What the probe itself did not get to run: on a busy machine gaps are not the broker's alone. */
  ownGapMs: number;
  /** Resident memory of the gateway's process at its highest during this abuse. */
  rssMB: number;
  problems: string[];
}

export async function run(argv: string[]): Promise<number> {
  const json = argv.includes('--json');
  const only = argv.find((word) => !word.startsWith('-'));
  const say = (line: string) => { if (!json) process.stdout.write(`${line}\n`); };
  const dir = mkdtempSync(join(tmpdir(), 'cv-abuse-'));
  const path = join(dir, 'gateway.yaml');
  writeFileSync(
    path,
    stringify({
      gateway: 'abused',
      centre: PROBE_CENTRE,
      broker: { embedded: { port: 0, edges: ['probe', 'flood'].map((id) => ({ id, token: `${id}-token` })) } },
      log: { dir: './log', maxBytes: '1GB' },
      store: { dir: './store' },
      http: { port: 0 },
    }),
  );
  const gateway = await startChild({
    name: 'gateway',
    module: join(import.meta.dirname, '..', 'processes', 'gateway-main.ts'),
    args: [path],
    logFile: join(dir, 'gateway.log'),
  });
  const url = String(gateway.ready.brokerUrl);
  const stop = new AbortController();
  const results: Result[] = [];
  try {
    const probe = await startProbe(url);
    await abusePauseMs(1000, stop.signal);
    for (const abuse of ABUSES.filter(({ name }) => only === undefined || name.includes(only))) {
      await probe.take();
      const memory = watchMemory(gateway.pid);
      const problems = await abuse.run(
        { port: Number(new URL(url).port), dropped: (reason) => droppedBy(String(gateway.ready.httpUrl), reason) },
        stop.signal,
      );
      const { ackGapMs, outGapMs, ownGapMs } = await probe.take();
      const rssMB = memory.stop();
      if (ackGapMs > MAX_GAP_MS) problems.push(`${ackGapMs} ms without an ack`);
      if (outGapMs > MAX_GAP_MS) problems.push(`${outGapMs} ms without a message`);
      if (rssMB > MAX_RSS_MB) problems.push(`${rssMB} MB of memory`);
      results.push({ name: abuse.name, ackGapMs, outGapMs, ownGapMs, rssMB, problems });
      say(
        `${problems.length === 0 ? '✔' : '✖'} ${abuse.name}: ack gap ${ackGapMs} ms, out gap ${outGapMs} ms (probe's own ${ownGapMs} ms), ${rssMB} MB${problems.map((problem) => `\n    ${problem}`).join('')}`,
      );
      // What one abuse left to do is not counted for the next one.
      await abusePauseMs(1500, stop.signal);
    }
    const { sent, settled } = await probe.take();
    if (sent - settled > 50)
      results.push({
        name: 'in the end',
        ackGapMs: 0,
        outGapMs: 0,
        ownGapMs: 0,
        rssMB: 0,
        problems: [`${sent - settled} of ${sent} numbers were never settled`],
      });
    await probe.stop();
  } finally {
    stop.abort();
    await gateway.stop();
    rmSync(dir, { recursive: true, force: true });
  }
  const ok = results.every(({ problems }) => problems.length === 0);
  if (json) process.stdout.write(`${JSON.stringify({ results, maxGapMs: MAX_GAP_MS, ok })}\n`);
  return ok ? 0 : 1;
}

async function droppedBy(httpUrl: string, reason: string): Promise<number> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  return Number(new RegExp(`cityvitals_clients_dropped_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
}

function watchMemory(pid: number): { stop(): number } {
  let highest = 0;
  const look = () => { highest = Math.max(highest, Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)); };
  const timer = setInterval(look, 100);
  look();
  return {
    stop() {
      clearInterval(timer);
      return Math.round(highest / 1024);
    },
  };
}
