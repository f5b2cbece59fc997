/**
 * Publishing for others: plain messages in order, and retained ones that must be right whatever the broker remembers.
 * An embedded broker forgets retained messages with the process, another keeps them longer than we do: on each connect
 * all of ours are published anew, and what is retained under our topics but not ours any more is cleared.
 */
import { FaultError } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import type { BrokerLink, BrokerMessage } from '../broker/link.ts';

export interface Publisher {
  /** Resolves after PUBACK; waits while the broker is away. Rejects only when the gateway stops. */
  publish(topic: string, payload: string): Promise<void>;
  /** Retained under its topic until null clears it; resolves after PUBACK, waits while the broker is away. Idempotent. */
  publishRetained(topic: string, payload: string | null): Promise<void>;
  /** To be called once all retained messages of a start are published: from now on, unknown ones are cleared. */
  retainedComplete(): void;
  /** What the broker had kept under our own topics (given by the link that subscribes to them). */
  noteKept(message: BrokerMessage): void;
  close(): void;
}

export function openPublisher(link: Pick<BrokerLink, 'publish' | 'onReady' | 'connected'>, world: Pick<World, 'tell'>): Publisher {
  const retained = new Map<string, string>();
  const strangers = new Set<string>();
  const waiting = new Set<{ go: () => void; stop: (error: Error) => void }>();
  let complete = false;
  let closed = false;
  let first = true;

  const stopped = () => new FaultError('CV_BROKER_UNREACHABLE', { url: '', detail: 'the gateway stops', detailZh: '网关正在停止' });
  const unready = link.onReady(() => {
    // Before the first connect nothing of ours was published; each publishRetained does that itself.
    if (!first) for (const [topic, payload] of retained) void send(topic, payload, true).catch(quiet);
    first = false;
    for (const { go } of waiting) go();
    waiting.clear();
  });

  async function send(topic: string, payload: string, retain: boolean): Promise<void> {
    for (;;) {
      if (closed) throw stopped();
      if (!link.connected) await new Promise<void>((go, stop) => { waiting.add({ go, stop }); });
      // A newer word on the same topic makes this one wrong.
      if (retain && payload !== (retained.get(topic) ?? '')) return;
      try {
        return await link.publish(topic, payload, { retain });
      } catch (error) {
        if (closed || link.connected) throw error;
      }
    }
  }

  function clearStrangers(): void {
    if (!complete) return;
    for (const topic of strangers) if (!retained.has(topic)) void send(topic, '', true).catch(quiet);
    strangers.clear();
  }

  /** Told by the link already, and done again on its next connect. */
  function quiet(error: unknown): void {
    if (!(error instanceof FaultError)) throw error;
    if (!closed) world.tell({ kind: 'fault', fault: error.fault });
  }

  return {
    publish: (topic, payload) => send(topic, payload, false),
    publishRetained(topic, payload) {
      if (payload === null) retained.delete(topic);
      else retained.set(topic, payload);
      return send(topic, payload ?? '', true);
    },
    retainedComplete() {
      complete = true;
      clearStrangers();
    },
    noteKept({ topic, retained: kept, payload }) {
      if (!kept || payload.length === 0 || retained.has(topic)) return;
      strangers.add(topic);
      clearStrangers();
    },
    close() {
      closed = true;
      unready();
      for (const { stop } of waiting) stop(stopped());
      waiting.clear();
    },
  };
}
