/** Our gateway: what counts is in its log on disk, and after that in its store and open to queries. */
import type { PointView } from '../../../core/api.ts';
import { encodeBatch } from '../../../core/wire/batch.ts';
import { edgeTopic } from '../../../core/wire/topics.ts';
import { startGateway, type BenchGateway } from '../gateway.ts';
import type { Rig } from '../rig.ts';
import type { Contender, Running } from './contender.ts';
import { CENTRE, deviceName, INDICATOR, SENDERS, senderName, valueOf } from './series.ts';

const EPOCH = 1;
const PAGE = 10_000;

export const ours = contender('ours', 'mosquitto', 'mosquitto → gateway → log on disk → store');
export const oursEmbedded = contender('ours-embedded', 'embedded', 'its own broker, in one process with all else → gateway → log on disk → store');

function contender(name: string, broker: 'embedded' | 'mosquitto', way: string): Contender {
  return {
    name,
    method: `${way}; counted when readable; rules, the stream for other consumers and the console run as they always do`,
    window: { single: 8000, batch: 100_000 },
    start: async (rig) => (await startOurs(rig, broker)).running,
  };
}

/** @param also edges beside the senders, and rule files */
export async function startOurs(rig: Rig, broker: 'embedded' | 'mosquitto', also: { edges?: readonly string[]; rules?: readonly string[] } = {}): Promise<{ gateway: BenchGateway; running: Running }> {
  const senders = Array.from({ length: SENDERS }, (_, sender) => senderName(sender));
  const gateway = await startGateway(rig, { broker, centre: CENTRE, edges: [...senders, ...(also.edges ?? [])], rules: also.rules ?? [] });
  const running: Running = {
    brokerPort: gateway.brokerPort, pids: gateway.pids,
    login: (sender) => ({ clientId: `cv-${senderName(sender)}`, user: senderName(sender), password: gateway.token }),
    topic: (sender) => edgeTopic(CENTRE, senderName(sender), 'up'),
    payload,
    stored: () => gateway.metric('cityvitals_points_stored_total'),
    readBack: (sender, device) => readBack(gateway.httpUrl, deviceName(sender, device)),
  };
  return { gateway, running };
}

/** What an edge sends: a batch of so many measurements in columns, in zstd when that pays. */
function payload(sender: number, k: number, count: number, atMs: number): Uint8Array {
  const name = { from: senderName(sender), stream: 'measurement' as const, epoch: EPOCH, seq: k + 1 };
  const drafts = Array.from({ length: count }, (_, at) => ({
    device: deviceName(sender, k + at), point: 'v', indicator: INDICATOR, centre: CENTRE, kind: 'measurement' as const, value: valueOf(sender, k + at), unit: '1',
    occurredAt: atMs, clock: 'edge' as const, observedAt: atMs, quality: 'good' as const, origin: 'live' as const,
  }));
  return encodeBatch(name, drafts);
}

async function readBack(base: string, device: string): Promise<number[]> {
  const values: number[] = [];
  for (let after: string | null = null; ;) {
    const query = new URLSearchParams({ device, from: '0', to: String(Date.now() + 60_000), limit: String(PAGE), ...(after === null ? {} : { after }) });
    const { items, next } = (await (await fetch(`${base}/api/v1/series?${query}`)).json()) as { items: PointView[]; next: string | null };
    values.push(...items.map(({ value }) => value as number));
    if (next === null) return values;
    after = next;
  }
}
