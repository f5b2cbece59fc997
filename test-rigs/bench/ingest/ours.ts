/** Our gateway: what counts is in its log on disk, and after that in its store and open to queries. */
import type { PointView } from '../../../api/series.ts';
import { packBatch } from '../../../core/wire/batch.ts';
import { edgeTopic } from '../../../core/wire/topics.ts';
import { startBenchGateway, type BenchGateway } from '../gateway.ts';
import type { Rig } from '../rig.ts';
import type { Contender, RunningContender } from './contender.ts';
import { INGEST_CENTRE, deviceName, DEVICES_EACH, INDICATOR, SENDERS, senderName, seriesValueText } from './series.ts';

const EPOCH = 1;
const PAGE = 10_000;

export const externalBrokerGateway = contender('ours', 'mosquitto', 'mosquitto → gateway → log on disk → store');
export const embeddedBrokerGateway = contender(
  'ours-embedded',
  'embedded',
  'its own broker, in one process with all else → gateway → log on disk → store',
);

function contender(name: string, broker: 'embedded' | 'mosquitto', way: string): Contender {
  return {
    name,
    method: `${way}; counted when readable; rules and the console run as they always do, nothing is published on (streams.events: none), as with the others`,
    window: { single: 40_000, batch: 1_200_000 },
    start: async (rig) => (await startOurs(rig, broker)).running,
  };
}

/** @param also edges beside the senders, rule files, and whether senders come by certificates */
export async function startOurs(
  rig: Rig,
  broker: 'embedded' | 'mosquitto',
  also: { edges?: readonly string[]; rules?: readonly string[]; tls?: boolean } = {},
): Promise<{ gateway: BenchGateway; running: RunningContender }> {
  const senders = Array.from({ length: SENDERS }, (_, sender) => senderName(sender));
  const gateway = await startBenchGateway(rig, {
    broker,
    centre: INGEST_CENTRE,
    edges: [...senders, ...(also.edges ?? [])],
    rules: also.rules ?? [],
    streams: 'none',
    tls: also.tls ?? false,
  });
  const running: RunningContender = {
    brokerPort: gateway.brokerPort, pids: gateway.pids,
    login: (sender) => ({ clientId: `cv-${senderName(sender)}`, user: senderName(sender), password: gateway.token }),
    topic: (sender) => edgeTopic(INGEST_CENTRE, senderName(sender), 'up'),
    payload,
    stored: () => gateway.metric('cityvitals_points_stored_total'),
    readBack: (sender, device) => readBack(gateway.httpUrl, deviceName(sender, device)),
  };
  return { gateway, running };
}

/** What an edge sends: columns, in zstd when that pays, put together from parts so that the load takes little of the machine. */
function payload(sender: number, k: number, count: number, atMs: number): Uint8Array {
  const devices = count === 1 ? `{"all":"${deviceName(sender, k)}"}` : namesOf(sender, k, count);
  const values = count === 1 ? `{"all":${seriesValueText(sender, k)}}` : valuesOf(sender, k, count);
  return packBatch(
    `{"v":1,"from":"${senderName(sender)}","stream":"measurement","epoch":${EPOCH},"seq":${k + 1},"count":${count},"columns":{"device":${devices},"point":{"all":"v"},"indicator":{"all":"${INDICATOR}"},` +
      `"centre":{"all":"${INGEST_CENTRE}"},"kind":{"all":"measurement"},"value":${values},"unit":{"all":"1"},"occurredAt":{"all":${atMs}},"clock":{"all":"edge"},"observedAt":{"all":${atMs}},"quality":{"all":"good"},"origin":{"all":"live"}}}`,
    count,
  );
}

function valuesOf(sender: number, k: number, count: number): string {
  let values = seriesValueText(sender, k);
  for (let at = k + 1; at < k + count; at += 1) values += `,${seriesValueText(sender, at)}`;
  return `[${values}]`;
}

const names = new Map<string, string>();

function namesOf(sender: number, k: number, count: number): string {
  const key = `${sender} ${k % DEVICES_EACH} ${count}`;
  let known = names.get(key);
  if (known === undefined) names.set(key, known = JSON.stringify(Array.from({ length: count }, (_, at) => deviceName(sender, k + at))));
  return known;
}

async function readBack(base: string, device: string): Promise<number[]> {
  const values: number[] = [];
  for (let after: string | null = null; ;) {
    const query = new URLSearchParams({
      device,
      from: '0',
      to: String(Date.now() + 60_000),
      limit: String(PAGE),
      ...(after === null ? {} : { after }),
    });
    const { items, next } = (await (await fetch(`${base}/api/v1/series?${query}`)).json()) as { items: PointView[]; next: string | null };
    values.push(...items.map(({ value }) => value as number));
    if (next === null) return values;
    after = next;
  }
}
