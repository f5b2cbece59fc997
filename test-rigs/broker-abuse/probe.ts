/**
 * What everybody else notices: a small edge and a plain consumer that measure the longest time without news. They run in
 * a thread of their own, so that the abuser's work in this process is not taken for the broker's.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import mqtt, { type MqttClient } from 'mqtt';
import type { Draft } from '../../core/event.ts';
import { encodeBatch } from '../../core/wire/batch.ts';

export const PROBE_CENTRE = '500112001';
const EVERY_MS = 20;

interface Findings {
  /** Longest time between two acks, and between two messages at the consumer, since the last asking. */
  ackGapMs: number;
  outGapMs: number;
  /** Longest time that the probe's own thread did not get to run: gaps below it are the machine's. */
  ownGapMs: number;
  /** Numbers sent and settled; far apart, something hangs. */
  sent: number;
  settled: number;
}

export interface Probe {
  take(): Promise<Findings>;
  stop(): Promise<void>;
}

export function probeDraft(value: number, indicator: string): Draft {
  const now = Date.now();
  return {
    device: 'probe-d',
    point: 'p',
    indicator,
    centre: PROBE_CENTRE,
    kind: 'measurement',
    value,
    unit: '1',
    occurredAt: now,
    clock: 'edge',
    observedAt: now,
    quality: 'good',
    origin: 'live',
  };
}

export async function connectEdge(url: string, id: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, {
    clientId: `cv-${id}`,
    username: id,
    password: `${id}-token`,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  client.on('error', () => {});
  return client;
}

export async function startProbe(url: string): Promise<Probe> {
  const worker = new Worker(new URL(import.meta.url), { workerData: url });
  worker.on('error', (error) => { throw error; });
  const answer = <T>() => new Promise<T>((resolve) => { worker.once('message', resolve); });
  await answer<'ready'>();
  return {
    take() {
      const findings = answer<Findings>();
      worker.postMessage('take');
      return findings;
    },
    async stop() { await worker.terminate(); },
  };
}

/** Sends one event each 20 ms, again if too many are not settled. */
async function probe(url: string): Promise<void> {
  const edge = await connectEdge(url, 'probe');
  const reader = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
  const epoch = Date.now();
  let [sent, settled] = [0, 0];
  const [acks, outs, own] = [new Gaps(), new Gaps(), new Gaps()];
  edge.on('message', (_topic, payload) => {
    const ack = JSON.parse(payload.toString()) as { upTo?: number };
    if ((ack.upTo ?? 0) <= settled) return;
    settled = ack.upTo as number;
    acks.note();
  });
  reader.on('message', () => outs.note());
  await edge.subscribeAsync(`cv/v1/in/${PROBE_CENTRE}/probe/ack`, { qos: 1 });
  await reader.subscribeAsync(`cv/v1/out/${PROBE_CENTRE}/probe`, { qos: 1 });
  const publish = (seq: number, count: number) =>
    edge.publish(
      `cv/v1/in/${PROBE_CENTRE}/probe/up`,
      Buffer.from(
        encodeBatch(
          { from: 'probe', stream: 'measurement', epoch, seq },
          Array.from({ length: count }, (_, index) => probeDraft(seq + index, 'probe')),
        ),
      ),
      { qos: 1 },
    );
  setInterval(() => {
    own.note();
    sent += 1;
    if (sent - settled > 100) publish(settled + 1, Math.min(500, sent - settled));
    else publish(sent, 1);
  }, EVERY_MS);
  parentPort?.on('message', () =>
    parentPort?.postMessage({ ackGapMs: acks.take(), outGapMs: outs.take(), ownGapMs: own.take(), sent, settled } satisfies Findings),
  );
  parentPort?.postMessage('ready');
}

class Gaps {
  #lastMs = performance.now();
  #longestMs = 0;

  note(): void {
    const nowMs = performance.now();
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  /** The gap that is still open counts too. */
  take(): number {
    const longestMs = Math.max(this.#longestMs, performance.now() - this.#lastMs);
    this.#longestMs = 0;
    return Math.round(longestMs);
  }
}

if (!isMainThread) await probe(workerData as string);
