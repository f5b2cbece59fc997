/** A fleet of data units on one port, read by the edge's own host, with all that a mobile network does to them. */
import type { Sample } from '../../core/sample.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { realWorld, seededRandom } from '../../core/world.ts';
import driver from '../../drivers/modbus/driver.ts';
import { simulatedDtu, type SimulatedDtu } from '../../drivers/modbus/testing/simulated-dtu.ts';
import type { DeviceSetup } from '../../edge/config/setup.ts';
import { read } from '../../edge/read/read.ts';
import { isSample } from '../../edge/item.ts';
import { freePort } from '../../core/free-port.ts';

/** Looks like registers, so that one left in an answer would be a value. */
const BEAT = Buffer.from('0007000b', 'hex');
const EVERY_MS = 500;
const TIMEOUT_MS = 2000;
const POINTS = ['who', 'turn', 'proof'] as const;

export interface FleetOptions {
  units: number;
  seconds: number;
  seed: number;
  /** Pause between two mishaps. */
  mishapMs: number;
}

export interface FleetResult {
  units: number;
  seconds: number;
  good: number;
  /** Values that no unit ever sent, or another unit's. */
  wrong: number;
  bad: number;
  drops: number;
  halfOpen: number;
  /** Half-open connections after which the first dial did not give values. */
  replacedLate: number;
  heartbeatsInside: number;
  /** Slowest from a mishap to the next good value. */
  backMs: number;
  /** Units that gave no good value after the last mishap. */
  missing: number;
  faults: Record<string, number>;
}

interface Member {
  unit: SimulatedDtu;
  /** What its registers say: grows with each answer, so that an old answer shows. */
  turn: number;
  hit: { atMs: number; dials: number; isHalfOpen: boolean } | null;
  lastGoodMs: number;
}

/** Most data units are transparent; one in four puts Modbus TCP through. */
const framingOf = (who: number): 'rtu' | 'tcp' => (who % 4 === 3 ? 'tcp' : 'rtu');

/** Third register from the first two: half an answer, or two mixed, does not fit. */
const proofOf = (who: number, turn: number): number => (who * 40_503 + turn * 9973 + 17) & 0xffff;

export async function runFleet({ units, seconds, seed, mishapMs }: FleetOptions): Promise<FleetResult> {
  const random = seededRandom(seed);
  const port = await freePort();
  const result: FleetResult = {
    units,
    seconds,
    good: 0,
    wrong: 0,
    bad: 0,
    drops: 0,
    halfOpen: 0,
    replacedLate: 0,
    heartbeatsInside: 0,
    backMs: 0,
    missing: 0,
    faults: {},
  };
  const members = Array.from({ length: units }, (_, who) => member(who));

  function member(who: number): Member {
    const one: Member = { turn: 0, hit: null, lastGoodMs: 0, unit: null as unknown as SimulatedDtu };
    one.unit = simulatedDtu({
      port, envelope: framingOf(who), registration: Buffer.from(`DTU-${who}`), heartbeat: BEAT, redialMs: 50,
      device: { read: (_unit, _fc, start, count) => {
        one.turn = (one.turn + 1) & 0xffff;
        return [who, one.turn, proofOf(who, one.turn)].slice(start, start + count);
      } },
      pieces: (answer) => {
        if (random.next() < 0.5) return [answer];
        result.heartbeatsInside += 1;
        const at = Math.floor(random.next() * (answer.length + 1));
        return [answer.subarray(0, at), BEAT, answer.subarray(at)].filter((piece) => piece.length > 0);
      },
    });
    return one;
  }

  const devices = members.map((_member, who): DeviceSetup => {
    const settings = driver.settings.parse({
      transport: 'dtu',
      listen: `127.0.0.1:${port}`,
      registration: { ascii: `DTU-${who}` },
      heartbeat: { hex: BEAT.toString('hex') },
      framing: framingOf(who),
    });
    const points = POINTS.map((id, at) => ({
      id,
      indicator: 'T',
      unit: '1',
      scale: 1,
      offset: 0,
      faultCodes: [],
      limits: [],
      kind: 'measurement' as const,
      own: Object.assign(driver.point?.parse({ address: `holding:${at}` }) as object, { id }),
    }));
    return { id: `unit-${who}`, driver: 'modbus', subject: 'rig', settings, everyMs: EVERY_MS, timeoutMs: TIMEOUT_MS, points };
  });
  const world = realWorld((event: TelemetryEvent) => {
    if (event.kind === 'fault') result.faults[event.fault.code] = (result.faults[event.fault.code] ?? 0) + 1;
  });
  const host = read(devices.map((setup) => ({ setup, driver })), world);
  void host.open?.((items) => {
    const samples = items.filter(isSample);
    const [first] = samples;
    if (first) judge(members, samples, result);
  });
  const ticking = setInterval(() => host.tick?.(Date.now(), () => {}), 1000);

  const untilMs = performance.now() + seconds * 1000;
  await waitFor(() => members.every(({ lastGoodMs }) => lastGoodMs > 0), 20_000);
  while (performance.now() < untilMs) {
    await pauseMs(mishapMs);
    const one = members[Math.floor(random.next() * units)] as Member;
    if (random.next() < 0.5) (members[Math.floor(random.next() * units)] as Member).unit.beat();
    if (one.hit || !one.unit.isConnected()) continue;
    const isHalfOpen = random.next() < 0.5;
    one.hit = { atMs: performance.now(), dials: one.unit.dials(), isHalfOpen };
    result[isHalfOpen ? 'halfOpen' : 'drops'] += 1;
    if (isHalfOpen) one.unit.vanish();
    else one.unit.drop();
  }
  const endedMs = performance.now();
  await waitFor(() => members.every(({ lastGoodMs, hit }) => lastGoodMs > endedMs && !hit), 25_000);
  result.missing = members.filter(({ lastGoodMs }) => lastGoodMs <= endedMs).length;
  clearInterval(ticking);
  await host.close?.();
  await Promise.all(members.map(({ unit }) => unit.stop()));
  return result;
}

/** One answer: its three values belong together and to the unit that was asked. */
function judge(members: readonly Member[], samples: readonly Sample[], result: FleetResult): void {
  const who = Number((samples[0] as Sample).device.slice('unit-'.length));
  const one = members[who] as Member;
  const good = samples.filter(({ quality }) => quality === 'good');
  result.bad += samples.length - good.length;
  if (good.length === 0) return;
  const [said, turn, proof] = POINTS.map((point) => good.find((sample) => sample.point === point)?.value);
  // Newer than asked would be another's; older than the newest but one, an answer that came late.
  const isRight = said === who && proof === proofOf(who, Number(turn)) && Number(turn) === one.turn;
  if (!isRight) result.wrong += good.length;
  else result.good += good.length;
  const nowMs = performance.now();
  one.lastGoodMs = nowMs;
  if (!one.hit) return;
  result.backMs = Math.max(result.backMs, Math.round(nowMs - one.hit.atMs));
  if (one.hit.isHalfOpen && one.unit.dials() > one.hit.dials + 1) result.replacedLate += 1;
  one.hit = null;
}

const pauseMs = (durationMs: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, durationMs); });

async function waitFor(holds: () => boolean, mostMs: number): Promise<void> {
  for (const untilMs = performance.now() + mostMs; !holds() && performance.now() < untilMs;) await pauseMs(20);
}
