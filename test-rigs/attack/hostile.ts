/**
 * An edge with a valid token that floods, lies and invents for a time, while an honest edge goes on; what the others notice is
 * measured. The hostile one runs in a thread of its own, so that its work is not taken for the gateway's.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { encodeBatch } from '../../core/wire/batch.ts';
import { AttackRig, connectSender, draftOf, attackPauseMs, type AttackSender } from './rig.ts';

const EVERY_MS = 50;
const BEFORE_MS = 10_000;
const MAX_RATIO = 2;
/** On a disk that answers within a millisecond or two, twice of nearly nothing is no finding. */
const LEAST_P99_MS = 20;
const MAX_RSS_MB = 700;
const FLOOD_EVERY_MS = 20;

export async function hostileEdge(durationMs: number, json: boolean, say: (line: string) => void): Promise<number> {
  const rig = await new AttackRig().open();
  try {
    const before = await acks(rig, BEFORE_MS);
    const was = await othersOf(rig);
    const hostile = new Worker(new URL(import.meta.url), { workerData: rig.brokerUrl });
    const over = new Promise<number>((resolve, reject) => { hostile.once('message', resolve).once('error', reject); });
    let highestMB = 0;
    const memory = setInterval(() => { highestMB = Math.max(highestMB, rig.rssMB(rig.gateway)); }, 250);
    const during = await acks(rig, durationMs);
    hostile.postMessage('stop');
    clearInterval(memory);
    const sent = await over;
    await hostile.terminate();
    await attackPauseMs(1000);
    const now = await othersOf(rig);
    const p99Before = Math.max(LEAST_P99_MS, p99Of(before.tookMs));
    const ratio = Math.round((p99Of(during.tookMs) / p99Before) * 100) / 100;
    const problems = [
      ...(ratio > MAX_RATIO ? [`ack p99 ${ratio} times as long`] : []),
      ...(during.lost > 0 ? [`${during.lost} batches of the honest edge had no ack`] : []),
      ...(now === was ? [] : [`others changed: ${was} became ${now}`]),
      ...(highestMB > MAX_RSS_MB ? [`${highestMB} MB of memory`] : []),
    ];
    const result = {
      hostileMs: durationMs,
      sent,
      p99BeforeMs: round(p99Of(before.tookMs)),
      p99DuringMs: round(p99Of(during.tookMs)),
      ratio,
      acksLost: during.lost,
      othersChanged: now !== was,
      rssMB: highestMB,
      problems,
      held: problems.length === 0,
    };
    if (json) say(JSON.stringify(result));
    else
      say(
        `${result.held ? '✔' : '✖'} ${sent} messages of a hostile edge: ack p99 of the honest one ${result.p99BeforeMs} ms before, ${result.p99DuringMs} ms during (ratio ${ratio}); gateway ${highestMB} MB${problems.map((problem) => `\n    ${problem}`).join('')}`,
      );
    return result.held ? 0 : 1;
  } finally {
    await rig.close();
  }
}

/** The honest edge sends at its own pace, whether it is answered or not. */
async function acks(rig: AttackRig, forMs: number): Promise<{ tookMs: number[]; lost: number }> {
  const all: Promise<number | null>[] = [];
  for (let turn = 0; turn < forMs / EVERY_MS; turn += 1) {
    all.push(rig.honest.send(1, 'honest-d', {}, 10_000));
    await attackPauseMs(EVERY_MS);
  }
  const found = await Promise.all(all);
  const tookMs = found.filter((one) => one !== null);
  return { tookMs, lost: found.length - tookMs.length };
}

/** What belongs to others, as the API tells it. */
async function othersOf(rig: AttackRig): Promise<string> {
  const device = await rig.device('honest-d');
  return JSON.stringify(
    device && {
      id: device.id,
      edge: device.edge,
      driver: device.driver,
      values: device.values.map(({ value, unit }) => `${value} ${unit}`),
    },
  );
}

/** A bounded stream of all that a token allows. @returns how many messages were sent */
async function abuseBy(hostile: AttackSender, signal: AbortSignal): Promise<number> {
  const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  let [sent, turn] = [0, 0];
  while (!signal.aborted && hostile.client.connected) {
    turn += 1;
    for (let count = 0; count < 100; count += 1) {
      hostile.publish(
        'up',
        encodeBatch({ from: 'hostile', stream: 'measurement', epoch: hostile.epoch, seq: hostile.seq }, [
          draftOf(`invented-${hostile.seq % 20_000}`),
        ]),
      );
      hostile.seq += 1;
    }
    for (let count = 0; count < 10; count += 1) hostile.publish('up', `garbage ${turn} ${count}`);
    // Another's device, with another's value, and an event that is refused.
    hostile.publish(
      'up',
      encodeBatch({ from: 'hostile', stream: 'state', epoch: hostile.epoch, seq: turn * 2 - 1 }, [
        { ...draftOf('honest-d'), value: 999 },
        { ...draftOf('x'), value: null },
      ]),
    );
    sent += 111;
    if (turn % 10 === 0)
      hostile.publish('up', `{"v":1,"from":"hostile","stream":"measurement","epoch":1,"seq":${turn},"events":[{"value":${nested}}]}`);
    if (turn % 50 === 0) {
      await hostile.state(['honest-d', ...Array.from({ length: 5000 }, (_, at) => `invented-${at}`)]);
      await hostile.state(['logger'], { http: 'http://127.0.0.1:1' });
      sent += 2;
    }
    await attackPauseMs(FLOOD_EVERY_MS);
  }
  return sent;
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
function p99Of(tookMs: readonly number[]): number {
  return tookMs.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(tookMs.length * 0.99) - 1)] ?? Infinity;
}

if (!isMainThread) {
  const stop = new AbortController();
  parentPort?.once('message', () => stop.abort());
  parentPort?.postMessage(await abuseBy(await connectSender(workerData as string, 'hostile'), stop.signal));
}
