/** A whole edge whose disk others fill while it reads, keeps and forwards: it stays up, goes on sending, and all it kept arrives. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { verifyChaos } from '../chaos/verify.ts';
import { CHAOS_DEVICES } from '../chaos/numbers.ts';
import { startChild } from '../processes/child.ts';
import { NumberSet } from '../processes/number-set.ts';
import { freePort } from '../../core/free-port.ts';
import type { PartResult } from './result.ts';
import { fillDisk, settleDelayMs, waitUntil, type SmallDisk } from './small-disk.ts';

const PER_SECOND = 1000;
const FULL_MS = 8000;
const TOKEN = 'full-disk-token';
const HERE = import.meta.dirname;

export async function wholeEdgeOnFullDisk({ dir, disk, say }: SmallDisk): Promise<PartResult> {
  const failures: string[] = [];
  const expect = (holds: boolean, what: string) => { if (!holds) failures.push(what); };
  const [brokerPort, gatewayPort, edgePort] = [await freePort(), await freePort(), await freePort()];
  writeFileSync(
    join(dir, 'gateway.yaml'),
    stringify({
      gateway: 'disk-gateway',
      centre: '500112001',
      broker: { embedded: { host: '127.0.0.1', port: brokerPort, edges: [{ id: 'disk-edge', token: TOKEN }] } },
      log: { dir: './gateway-log', maxBytes: '1GB' },
      store: { dir: './gateway-store' },
      http: { host: '127.0.0.1', port: gatewayPort },
    }),
  );
  writeFileSync(
    join(dir, 'edge.yaml'),
    stringify({
      edge: 'disk-edge',
      centre: '500112001',
      gateway: { url: `mqtt://127.0.0.1:${brokerPort}`, token: TOKEN },
      log: { dir: join(disk, 'log'), maxBytes: '1GB' },
      http: { host: '127.0.0.1', port: edgePort },
      devices: Array.from({ length: CHAOS_DEVICES }, (_, device) => ({
        id: `numbers-${device}`,
        driver: 'numbers',
        settings: { device },
        points: [{ id: 'n', indicator: 'RIG-NUM-001' }],
      })),
    }),
  );
  const witness = new NumberSet();
  let depth = 0;
  let issued = 0;
  const gateway = await startChild({
    name: 'gateway',
    module: join(HERE, '..', 'processes', 'gateway-main.ts'),
    args: [join(dir, 'gateway.yaml')],
    logFile: join(dir, 'gateway.out'),
  });
  const edge = await startChild({
    name: 'edge',
    module: join(HERE, '..', 'chaos', 'edge-main.ts'),
    args: [join(dir, 'edge.yaml'), '1', String(PER_SECOND)],
    logFile: join(dir, 'edge.out'),
    onLine(line) {
      const [word, first, second] = line.split(' ');
      if (word === 'k')
        for (let number = Number(first); number <= Number(second); number += 1) if (!witness.has(number)) witness.add(number);
      if (word === 'i') issued = Math.max(issued, Number(first));
      if (word === 'd') depth = Number(first);
    },
  });
  try {
    await waitUntil(20_000, () => witness.size > PER_SECOND);
    const filled = fillDisk(disk);
    const [keptBefore, sentBefore] = [witness.size, witness.size - depth];
    await settleDelayMs(FULL_MS);
    const health = await fetch(`http://127.0.0.1:${edgePort}/healthz`);
    const said = (await health.json()) as { problems?: { code: string }[] };
    expect(edge.running, 'the edge ended');
    const keptWhileFull = witness.size - keptBefore;
    const sentWhileFull = witness.size - depth - sentBefore;
    expect(sentWhileFull > 0, 'nothing was sent while the disk was full');
    const told = said.problems?.map(({ code }) => code) ?? [];
    expect(told.includes('CV_LOG_DISK_FULL'), `its health does not tell of the disk: ${told.join(' ')}`);
    filled.free();
    const before = witness.size;
    const resumedMs = await waitUntil(10_000, () => witness.size > before + PER_SECOND);
    expect(resumedMs !== null, 'it did not go on when there was room');
    const clearedMs = await waitUntil(
      20_000,
      async () => !JSON.stringify(await (await fetch(`http://127.0.0.1:${edgePort}/healthz`)).json()).includes('CV_LOG_DISK_FULL'),
    );
    expect(clearedMs !== null, 'its health still tells of the disk');
    edge.send({ kind: 'stop-numbers' });
    await waitUntil(5000, () => witness.size >= issued);
    expect((await waitUntil(60_000, () => depth === 0)) !== null, `${depth} events are not settled`);
    const verdict = await verifyChaos(`http://127.0.0.1:${gatewayPort}`, witness);
    expect(verdict.missing === 0 && verdict.duplicates === 0, `${verdict.missing} missing, ${verdict.duplicates} twice`);
    const figures = {
      'numbers given': issued,
      kept: witness.size,
      stored: verdict.stored,
      missing: verdict.missing,
      twice: verdict.duplicates,
      'ms on the full disk': FULL_MS,
      'kept meanwhile': keptWhileFull,
      'sent meanwhile': sentWhileFull,
      'health answered': health.status,
      'caught up after ms': resumedMs ?? 'never',
      'cleared after ms': clearedMs ?? 'never',
    };
    return { name: 'whole edge on a full disk', figures, failures };
  } catch (error) {
    say((error as Error).stack ?? String(error));
    return { name: 'whole edge on a full disk', figures: {}, failures: [...failures, (error as Error).message] };
  } finally {
    await edge.stop();
    await gateway.stop();
  }
}
