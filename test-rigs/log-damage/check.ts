/** What is promised of a damaged log, checked number by number. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import type { Event } from '../../core/event.ts';
import { openEdgeLog } from '../../log/edge-log.ts';
import { openGatewayLog } from '../../log/gateway-log.ts';
import { LOG_START, type GatewayLog } from '../../log/types.ts';
import { directStorage } from '../../log/worker-storage.ts';
import { testDraft } from '../../core/testing/drafts.ts';
import { readAll } from '../../log/testing/edge-log-contract.ts';
import { acceptedGroup } from '../../log/testing/gateway-log-contract.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import { DAMAGED_EDGE, DAMAGED_GATEWAY, DAMAGED_SENDER, SENDER_EPOCH, SETTLED_NUMBERS, DAMAGED_STREAM, type LogFolder } from './folders.ts';

export interface DamageCheck {
  /** Numbers that were lost, and groups they lay in. */
  lostNumbers: number;
  lostGroups: number;
  /** Events that came back other than they were. */
  wrong: number;
  salvaged: number;
  rewound: boolean;
}

interface Found {
  /** Events of the damaged epoch that came back, by number. */
  events: Map<number, Event>;
  /** Numbers that gap records name, each with how often. */
  named: Map<number, number>;
}

/** Opens a damaged copy, reads it, appends to it and opens it once more. @throws AssertionError, saying which promise does not hold */
export async function checkDamaged(folder: LogFolder, dir: string): Promise<DamageCheck> {
  const first = await (folder.kind === 'edge' ? openEdge(folder, dir) : openGateway(folder, dir));
  const again = await (folder.kind === 'edge' ? openEdge(folder, dir) : openGateway(folder, dir));
  assert.deepEqual([...again.found.events.keys()], [...first.found.events.keys()], 'the next opening finds the same');
  assert.deepEqual([...again.found.named], [...first.found.named], 'the next opening names the same, once');
  assert.equal(again.salvaged, 0, 'what was salvaged is sound');
  return { ...compare(folder, first.found), salvaged: first.salvaged, rewound: first.rewound };
}

function compare(folder: LogFolder, { events, named }: Found): Pick<DamageCheck, 'lostNumbers' | 'lostGroups' | 'wrong'> {
  let wrong = 0;
  for (const [seq, event] of events) {
    const origin =
      folder.kind === 'edge'
        ? { edge: DAMAGED_EDGE.edge, stream: DAMAGED_STREAM, epoch: folder.epoch, seq }
        : { edge: DAMAGED_SENDER, stream: 'measurement', epoch: SENDER_EPOCH, seq };
    const expected = { ...testDraft(seq, folder.kind === 'edge' ? { kind: 'state' } : {}), ...origin };
    try {
      assert.deepEqual(event, expected);
    } catch {
      wrong += 1;
    }
  }
  const lost: number[] = [];
  for (let seq = folder.kind === 'edge' ? SETTLED_NUMBERS + 1 : 1; seq <= folder.lastSeq; seq += 1) {
    const times = (events.has(seq) ? 1 : 0) + (named.get(seq) ?? 0);
    assert.equal(times, 1, `number ${seq} is ${events.has(seq) ? 'there' : 'not there'} and named ${named.get(seq) ?? 0} times`);
    if (named.has(seq)) lost.push(seq);
  }
  for (const seq of named.keys()) assert.ok(seq <= folder.lastSeq, `number ${seq} is named and was never given`);
  const lostGroups = folder.groups.filter((from, index) =>
    lost.some((seq) => seq >= from && seq < (folder.groups[index + 1] ?? Infinity)),
  ).length;
  return { lostNumbers: lost.length, lostGroups, wrong };
}

type Opened = { found: Found; salvaged: number; rewound: boolean };

async function openEdge(folder: LogFolder, dir: string): Promise<Opened> {
  const world = testWorld();
  world.clock.advanceMs(1);
  const log = await openEdgeLog({ ...DAMAGED_EDGE, dir }, world, directStorage());
  try {
    const events = await readAll(log, DAMAGED_STREAM);
    await log.append([testDraft(5, { kind: 'state' })]);
    assert.equal((await readAll(log, DAMAGED_STREAM, { epoch: log.epoch, seq: 0 })).findLast(({ gap }) => !gap)?.value, 5);
    await appendsAnew(dir, `${DAMAGED_STREAM}-${log.epoch}-`);
    const gaps = events.flatMap(({ gap }) => (gap?.epoch === folder.epoch ? [gap] : []));
    return { found: { events: byNumber(events.filter(({ epoch }) => epoch === folder.epoch)), named: namedBy(gaps) }, ...told(world) };
  } finally {
    await log.close();
  }
}

async function openGateway(folder: LogFolder, dir: string): Promise<Opened> {
  const world = testWorld();
  const log = await openGatewayLog({ ...DAMAGED_GATEWAY, dir }, world, directStorage());
  try {
    await readGroups(log);
    // Gap events are written by then.
    await log.accept([acceptedGroup('edge-b', 1, 1)]);
    const groups = await readGroups(log);
    await appendsAnew(dir, `log-${log.epoch}-`);
    const gaps = groups
      .filter(({ origin }) => origin?.sender === DAMAGED_GATEWAY.gateway)
      .flatMap(({ payload }) => decodeBatch(payload).events.flatMap(({ gap }) => (gap?.epoch === folder.epoch ? [gap] : [])));
    const own = groups.filter(({ epoch, origin }) => epoch === folder.epoch && origin?.sender === DAMAGED_SENDER);
    // The log's numbers and the sender's were given alike.
    for (const { seq, origin } of own) assert.equal(origin?.seq, seq);
    const events = byNumber(own.flatMap(({ payload }) => decodeBatch(payload).events));
    const mark = log.mark(DAMAGED_SENDER, 'measurement', SENDER_EPOCH);
    const isMarked = (seq: number) => seq <= mark.upTo || mark.have.some(([from, to]) => seq >= from && seq <= to);
    for (const seq of events.keys()) assert.ok(isMarked(seq), `number ${seq} is there and would be taken again`);
    return { found: { events, named: namedBy(gaps) }, ...told(world) };
  } finally {
    await log.close();
  }
}

async function readGroups(log: GatewayLog) {
  const groups = [];
  for (let cursor = LOG_START; ;) {
    const part = await log.read(cursor, { maxGroups: 20, maxBytes: 1 << 20 });
    const last = part.at(-1);
    if (!last) return groups;
    groups.push(...part);
    cursor = { epoch: last.epoch, seq: last.seq + last.count - 1 };
  }
}

async function appendsAnew(dir: string, prefix: string): Promise<void> {
  assert.ok((await readdir(dir)).some((name) => name.startsWith(prefix)), 'what is new lies in a file of the new epoch');
}

function byNumber(events: readonly Event[]): Map<number, Event> {
  assert.equal(new Set(events.map(({ seq }) => seq)).size, events.length, 'nothing twice');
  return new Map(events.map((event) => [event.seq, event]));
}

function namedBy(gaps: readonly { fromSeq: number; toSeq: number }[]): Map<number, number> {
  const named = new Map<number, number>();
  for (const { fromSeq, toSeq } of gaps) for (let seq = fromSeq; seq <= toSeq; seq += 1) named.set(seq, (named.get(seq) ?? 0) + 1);
  return named;
}

function told(world: ReturnType<typeof testWorld>): { salvaged: number; rewound: boolean } {
  const codes = world.told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : []));
  return { salvaged: codes.filter((code) => code === 'CV_LOG_SALVAGED').length, rewound: codes.includes('CV_LOG_REWOUND') };
}
