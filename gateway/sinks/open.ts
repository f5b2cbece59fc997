/** The sinks of a gateway: each opened with its place and list in `sinks/` of the store's folder; they come and go as its setup changes. */
import { join } from 'node:path';
import { changedItems } from '../../core/config/reload.ts';
import { FaultError } from '../../core/faults.ts';
import type { GatewayLog } from '../../log/types.ts';
import type { World } from '../../core/world.ts';
import type { GatewaySetup, PlugSetup } from '../config/setup.ts';
import type { GatewayLine } from '../line.ts';
import { SetAsideFile } from './set-aside.ts';
import { sinkConsumer, type SinkConsumer } from './consumer.ts';
import { SINKS, type SinkEntry } from './index.ts';
import { SinkPosition } from './position.ts';
import './faults.ts';

export interface OpenedSink {
  id: string;
  kind: string;
  consumer: SinkConsumer;
}

type Setup = Pick<GatewaySetup, 'gateway' | 'store'>;
type Log = Pick<GatewayLog, 'tail'>;

export class Sinks {
  readonly #open: (plug: PlugSetup) => Promise<OpenedSink>;
  readonly #world: World;
  #plugs: readonly PlugSetup[] = [];
  #opened: OpenedSink[] = [];

  private constructor(open: (plug: PlugSetup) => Promise<OpenedSink>, world: World) {
    this.#open = open;
    this.#world = world;
  }

  /** A new sink begins with the oldest event that the log holds. No target is waited for. */
  static async open(
    plugs: readonly PlugSetup[],
    setup: Setup,
    log: Log,
    world: World,
    entries: readonly SinkEntry[] = SINKS,
  ): Promise<Sinks> {
    const sinks = new Sinks(
      async (plug) => ({ id: plug.id, kind: plug.kind, consumer: await openSink(plug, setup, log, world, entries) }),
      world,
    );
    for (const plug of plugs) sinks.#opened.push(await sinks.#open(plug));
    sinks.#plugs = plugs;
    return sinks;
  }

  get all(): readonly OpenedSink[] {
    return this.#opened;
  }

  /**
   * Those that are new come, those that are gone go; changed ones go and come again, at the place where they were.
   *
   * @throws CV_SINK_UNSAVED for a new one; nothing has changed then
   */
  async change(plugs: readonly PlugSetup[], line: Pick<GatewayLine, 'addConsumer' | 'removeConsumer'>): Promise<void> {
    const { added, changed, removed } = changedItems(this.#plugs, plugs, ({ id }) => id);
    const come = (ids: readonly string[]) => Promise.all(plugs.filter(({ id }) => ids.includes(id)).map((plug) => this.#open(plug)));
    const first = await come(added);
    for (const { id, consumer } of this.#opened.filter((sink) => [...changed, ...removed].includes(sink.id))) {
      await line.removeConsumer(consumer.name);
      const { problem } = consumer.counts;
      if (problem) this.#world.tell({ kind: 'fault_cleared', code: problem.code });
      this.#opened = this.#opened.filter((other) => other.id !== id);
    }
    // Their places are free only now.
    const opened = [...first, ...await come(changed)];
    for (const { consumer } of opened) await line.addConsumer(consumer);
    this.#opened = plugs.flatMap(({ id }) => [...this.#opened, ...opened].find((sink) => sink.id === id) ?? []);
    this.#plugs = plugs;
  }
}

async function openSink(
  { kind, id, settings }: PlugSetup,
  { gateway, store }: Setup,
  log: Log,
  world: World,
  entries: readonly SinkEntry[],
): Promise<SinkConsumer> {
  const entry = entries.find((known) => known.id === kind);
  if (!entry) throw new FaultError('CV_SINK_UNKNOWN', { kind, owner: id, hint: '' });
  const sink = await (await entry.load()).open(settings, { gateway, sink: id }, world);
  const dir = join(store.dir, 'sinks');
  const place = await SinkPosition.open(join(dir, `${id}.json`), id, { cursor: log.tail(), receivedAt: world.clock.nowMs() }, world);
  return sinkConsumer(id, sink, place, new SetAsideFile(join(dir, `${id}.aside.jsonl`), id), world);
}
