/** A case through a whole edge and a gateway: log, wire, store and API are the real ones; only the devices are recorded. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { replayCase } from '../../cases/replay.ts';
import { FaultError } from '../../core/faults.ts';
import type { EmitItems } from '../../core/line.ts';
import { AUDIT_INDICATOR } from '../../log/audit/edge-entry.ts';
import type { EdgeLog } from '../../log/types.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { realWorld, seededRandom, type World } from '../../core/world.ts';
import type { DeviceHost } from '../../edge/read/read.ts';
import { runEdge } from '../../edge/main.ts';
import type { DecodedItem } from '../../edge/item.ts';
import { checkGateway } from '../../gateway/config/check.ts';
import { runGateway } from '../../gateway/main.ts';
import type { LoadedCase } from './cases.ts';
import { replayedDevices } from './devices.ts';
import type { EventsOptions } from './events.ts';
import { setupOf } from './setup.ts';
import '../../cli/faults.ts';

const EDGE = 'replay';
const CENTRE = '500000000';
const TOKEN = 'replay';
/** An edge's newest batch waits a second at most; then it crosses to the gateway. */
const ARRIVES_WITHIN_MS = 30_000;
const LOOK_MS = 50;

export interface EdgeOutcome {
  /** Events that the edge put into its log, and that came out of the gateway's. */
  kept: number;
  arrived: number;
  problems: string[];
}

/** One event as the gateway gave it, without what differs from run to run (epoch, when it was received, cursor). */
export type ArrivedEvent = Record<string, unknown>;

/** @param give called for each event in the order of its stream, once all have arrived */
export async function replayToEdge(
  { recorded, drivers }: LoadedCase,
  options: Omit<EventsOptions, 'drivers'>,
  give: (event: ArrivedEvent) => void,
): Promise<EdgeOutcome> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-replay-'));
  const told: TelemetryEvent[] = [];
  const world = realWorld((event) => { if (event.kind === 'fault') told.push(event); });
  const undo: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true })];
  try {
    const gateway = await runGateway(await gatewaySetup(dir), world);
    undo.unshift(() => gateway.close());
    const setup = await setupOf(recorded, drivers, {
      edge: EDGE,
      centre: CENTRE,
      gateway: { url: gateway.brokerUrl, token: TOKEN },
      dir: join(dir, 'edge'),
    });
    let kept = 0;
    let appending = 0;
    /** A group is open for a second, and a busy disk takes its time. */
    const counted = (log: EdgeLog) => {
      const append = log.append.bind(log);
      log.append = (drafts) => {
        appending += 1;
        return append(drafts).finally(() => { appending -= 1; });
      };
    };
    let first: EmitItems<DecodedItem> = () => {};
    const edge = await runEdge(setup, world, {
      replayHost: recordedHost((next) => {
        first = next;
      }),
      extraDrivers: [...drivers.values()],
      onLog: counted,
      onKept: ({ drafts }) => {
        kept += drafts.filter(({ indicator }) => indicator !== AUDIT_INDICATOR).length;
      },
    });
    undo.unshift(() => edge.close());
    const clock = new VirtualClock(recorded.startsAt);
    const inside: World = { ...world, clock, random: seededRandom(1), tell: () => {} };
    const { take } = replayedDevices(setup, drivers, inside, (items) => first(items));
    await replayCase(recorded, { drivers, clock, ...options }, take);
    const events = await arrived(gateway.httpUrl, () => kept, () => appending === 0);
    events.forEach(give);
    const problems =
      events.length === kept
        ? []
        : [`${kept} events kept, ${events.length} at the gateway`, ...told.slice(0, 5).map((event) => JSON.stringify(event))];
    return { kept, arrived: events.length, problems };
  } finally {
    for (const step of undo) await step();
  }
}

function recordedHost(opened: (give: EmitItems<DecodedItem>) => void): DeviceHost {
  const absent = () =>
    Promise.reject(new FaultError('CV_LINK_CLOSED', { address: EDGE, detail: 'it is a recording', detailZh: '设备来自录制数据' }));
  return { name: 'replay', open: (give) => opened(give), states: () => [], readNow: absent, write: absent, update: absent };
}

/** Waits until the edge has nothing left to write or to send and the gateway has as many events as the edge kept. */
async function arrived(httpUrl: string, kept: () => number, isWritten: () => boolean): Promise<ArrivedEvent[]> {
  const untilMs = performance.now() + ARRIVES_WITHIN_MS;
  let events: ArrivedEvent[] = [];
  let steady = 0;
  for (let before = -1; performance.now() < untilMs; before = kept()) {
    await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
    events = await eventsOf(httpUrl);
    // What closes a window or a warning by time does so within a second.
    steady = isWritten() && kept() === before && events.length === before ? steady + 1 : 0;
    if (steady * LOOK_MS > 1200) break;
  }
  return events.toSorted((a, b) => String(a.stream).localeCompare(String(b.stream)) || Number(a.seq) - Number(b.seq));
}

async function eventsOf(httpUrl: string): Promise<ArrivedEvent[]> {
  const events: ArrivedEvent[] = [];
  for (let cursor = ''; ;) {
    const answer = await fetch(`${httpUrl}/api/v1/events?limit=1000${cursor ? `&after=${encodeURIComponent(cursor)}` : ''}`);
    const { items, next } = (await answer.json()) as { items: ArrivedEvent[]; next: string };
    events.push(...items.map((item) => {
      const { epoch: _epoch, cursor: _cursor, receivedAt: _receivedAt, storedAt: _storedAt, ...event } = item;
      return event;
    }));
    if (items.length === 0 || next === cursor) return events;
    cursor = next;
  }
}

async function gatewaySetup(dir: string) {
  const text = stringify({
    gateway: 'replay', centre: CENTRE, exercise: true,
    broker: { embedded: { host: '127.0.0.1', port: 0, edges: [{ id: EDGE, token: TOKEN }] } },
    log: { dir: join(dir, 'gateway-log') }, store: { dir: join(dir, 'gateway-store') }, http: { host: '127.0.0.1', port: 0 },
  });
  const { setup, problems: [problem] } = await checkGateway({ path: join(dir, 'gateway.yaml'), text }, {});
  if (!setup) throw new FaultError(problem?.fault.code ?? 'CV_COMMAND_FAILED', problem?.fault.params);
  return setup;
}
