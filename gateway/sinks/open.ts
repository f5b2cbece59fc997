/** Opens the sinks of a setup: each with its place and list in `sinks/` of the store's folder. */
import { join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import type { GatewayLog } from '../../core/log/types.ts';
import type { World } from '../../core/world.ts';
import type { GatewaySetup, PlugSetup } from '../config/setup.ts';
import { Aside } from './aside.ts';
import { sinkConsumer, type SinkConsumer } from './consumer.ts';
import { SINKS, type SinkEntry } from './index.ts';
import { Place } from './place.ts';

export interface OpenedSink {
  id: string;
  kind: string;
  consumer: SinkConsumer;
}

/** A new sink begins with the oldest event that the log holds. No target is waited for. */
export async function openSinks(setup: Pick<GatewaySetup, 'gateway' | 'sinks' | 'store'>, log: Pick<GatewayLog, 'tail'>, world: World, entries: readonly SinkEntry[] = SINKS): Promise<OpenedSink[]> {
  const opened: OpenedSink[] = [];
  for (const plug of setup.sinks) opened.push({ id: plug.id, kind: plug.kind, consumer: await openSink(plug, setup, log, world, entries) });
  return opened;
}

async function openSink({ kind, id, settings }: PlugSetup, { gateway, store }: Pick<GatewaySetup, 'gateway' | 'store'>, log: Pick<GatewayLog, 'tail'>, world: World, entries: readonly SinkEntry[]): Promise<SinkConsumer> {
  const entry = entries.find((known) => known.id === kind);
  if (!entry) throw new FaultError('CV_SINK_UNKNOWN', { kind, owner: id, hint: '' });
  const sink = await (await entry.load()).open(settings, { gateway, sink: id }, world);
  const dir = join(store.dir, 'sinks');
  const place = await Place.open(join(dir, `${id}.json`), id, { cursor: log.tail(), receivedAt: world.clock.nowMs() }, world);
  return sinkConsumer(id, sink, place, new Aside(join(dir, `${id}.aside.jsonl`), id), world);
}
