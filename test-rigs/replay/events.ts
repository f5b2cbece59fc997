/** A case down the pure part of an edge's line: what would go into its log. */
import type { Case } from '../../cases/case.ts';
import { replayCase } from '../../cases/replay.ts';
import type { Driver } from '../../core/driver.ts';
import type { Draft } from '../../core/event.ts';
import { line, type Give, type Station } from '../../core/line.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { realFiles, realNet, seededRandom, type World } from '../../core/world.ts';
import { infer } from '../../edge/infer/line.ts';
import type { DecodedItem } from '../../edge/item.ts';
import { qualify } from '../../edge/qualify/qualify.ts';
import { reduce } from '../../edge/reduce/reduce.ts';
import { replayedDevices } from './devices.ts';
import { setupOf } from './setup.ts';

export interface EventsOptions {
  drivers: ReadonlyMap<string, Driver>;
  pace?: (untilMs: number) => Promise<void>;
  signal?: AbortSignal;
}

export async function replayEvents(recorded: Case, { drivers, ...options }: EventsOptions, give: (draft: Draft) => void): Promise<void> {
  const setup = await setupOf(recorded, drivers);
  const clock = new VirtualClock(recorded.startsAt);
  const world: World = { clock, random: seededRandom(1), files: realFiles, net: realNet, tell: () => {} };
  const polled = new Set(setup.devices.filter(({ driver }) => drivers.get(driver)?.traits.includes('polled')).map(({ id }) => id));
  const facts = { polled: ({ id }: { id: string }) => polled.has(id) };
  let first: Give<DecodedItem> = () => {};
  const source: Station<never, DecodedItem> = { name: 'replay', open: (next) => { first = next; } };
  const end: Station<Draft, never> = { name: 'print', take: (drafts) => drafts.forEach(give) };
  const joined = line(world, [source, infer(new Map(), world), qualify(setup, facts, world), reduce(setup, {}, world), end]);
  await joined.open();
  const { take } = replayedDevices(setup, drivers, world, (items) => first(items));
  await replayCase(recorded, { drivers, clock, ...options }, take);
  await joined.close();
}
