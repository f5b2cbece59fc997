/**
 * Plays a recorded case through its driver on a virtual clock: recorded bytes over a loopback socket through the real
 * link, recorded frames straight into `decode`. The same case gives the same lines, however fast the machine is.
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import type { Driver, Link, PointOf, Request } from '../driver.ts';
import { faultOf, FaultError } from '../faults.ts';
import { faultLine, resultLines } from '../result-lines.ts';
import type { World } from '../world.ts';
import type { Case, CaseLine } from './cases.ts';
import { testWorld, type VirtualClock } from './virtual-clock.ts';

/** What a case gave, and the frames on the way to it. */
export interface Played {
  lines: CaseLine[];
  frames: { frame: unknown; request?: Request | undefined }[];
}

/** A recorded request that is not followed by anything was not answered in this time. */
const SILENCE_MS = 2000;

export async function playCase(recorded: Case, driver: Driver): Promise<Played> {
  const settings = driver.settings.parse(recorded.settings);
  const points = recorded.points.map((point) => Object.assign({}, driver.point?.parse(point), { id: point.id }));
  return recorded.level === 'frames' ? playFrames(recorded, driver, points) : playBytes(recorded, driver, settings, points);
}

function unitsOf(recorded: Case, driver: Driver): (point: string) => string {
  return (id) => String(recorded.points.find((point) => point.id === id)?.unit ?? driver.points?.[id]?.unit ?? '');
}

function playFrames(recorded: Case, driver: Driver, points: readonly PointOf<unknown>[]): Played {
  const played: Played = { lines: [], frames: [] };
  const reads = driver.frameOf?.read(recorded.frames, points) ?? [];
  reads.forEach((read, index) => {
    const afterUs = (recorded.frames[index] as { afterUs?: number } | undefined)?.afterUs ?? 0;
    const at = recorded.startsAt + Math.floor(afterUs / 1000);
    if (read.fault) return void played.lines.push(faultLine(read.fault, at));
    played.frames.push({ frame: read.frame, request: read.request });
    played.lines.push(...resultLines(driver.decode(read.frame, read.request), { device: recorded.device, at, request: read.request, unitOf: unitsOf(recorded, driver) }));
  });
  return played;
}

async function playBytes(recorded: Case, driver: Driver, settings: unknown, points: readonly PointOf<unknown>[]): Promise<Played> {
  const world = testWorld();
  await world.clock.advanceMs(recorded.startsAt - world.clock.nowMs());
  const played: Played = { lines: [], frames: [] };
  const peer = await recordedPeer(recorded, world.clock);
  const loopback: World = { ...world, net: { ...world.net, connect: () => new Promise((resolve) => { const socket = connect({ host: '127.0.0.1', port: peer.port }, () => resolve(socket)); }) } };
  const link = await driver.open(settings, points, loopback);
  try {
    const requests = driver.requests?.(points, settings) ?? [];
    while (!peer.isOver()) {
      for (const request of requests) {
        const got = await exchange(link, request, peer);
        const at = world.clock.nowMs();
        if ('fault' in got) {
          played.lines.push(...resultLines({ ok: false, fault: got.fault }, { device: recorded.device, at, request, unitOf: unitsOf(recorded, driver) }));
          continue;
        }
        played.frames.push({ frame: got.frame, request });
        played.lines.push(...resultLines(driver.decode(got.frame, request), { device: recorded.device, at, request, unitOf: unitsOf(recorded, driver) }));
      }
    }
  } finally {
    await link.close();
    await peer.stop();
  }
  return played;
}

async function exchange(link: Link<unknown>, request: Request, peer: RecordedPeer) {
  const limit = new AbortController();
  peer.onSilence = () => limit.abort(new FaultError('CV_LINK_TIMEOUT', { address: 'recorded', timeoutMs: SILENCE_MS }));
  peer.onWrong = (error) => limit.abort(error);
  try {
    return { frame: await link.exchange?.(request, limit.signal) };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return { fault: faultOf(error, 'CV_DRIVER_FAILED') };
  }
}

interface RecordedPeer {
  port: number;
  isOver(): boolean;
  /** Called when what was asked had no answer in the recording. */
  onSilence: () => void;
  /** Called when the driver sends what is not in the recording. */
  onWrong: (error: Error) => void;
  stop(): Promise<void>;
}

/** The device's side of the traffic: waits for each recorded question, byte for byte, and gives its answers at their times. */
async function recordedPeer({ traffic, startsAt }: Case, clock: VirtualClock): Promise<RecordedPeer> {
  let at = 0;
  let heard = Buffer.alloc(0);
  let talking: Socket | null = null;

  async function speak(): Promise<void> {
    for (let line = traffic[at]; line?.dir === 'in'; line = traffic[at]) {
      at += 1;
      await clock.advanceMs(Math.max(0, startsAt + Math.floor(line.afterUs / 1000) - clock.nowMs()));
      talking?.write(Buffer.from(line.bytes, 'hex'));
    }
  }

  async function hear(bytes: Buffer): Promise<void> {
    heard = Buffer.concat([heard, bytes]);
    while (heard.length > 0) {
      const line = traffic[at];
      const wanted = Buffer.from(line?.dir === 'out' ? line.bytes : '', 'hex');
      const same = heard.subarray(0, wanted.length);
      if (wanted.length === 0 || !wanted.subarray(0, same.length).equals(same)) {
        return peer.onWrong(new Error(`the driver sent ${heard.toString('hex')}, recorded is ${wanted.toString('hex') || 'nothing'} (line ${at + 1})`));
      }
      if (same.length < wanted.length) return;
      heard = heard.subarray(wanted.length);
      at += 1;
      if (traffic[at]?.dir === 'in') await speak();
      else {
        await clock.advanceMs(SILENCE_MS);
        peer.onSilence();
        // A link may keep its line quiet before it asks again, as it did when this was recorded.
        const next = traffic[at];
        await clock.advanceMs(Math.max(0, next ? startsAt + Math.floor(next.afterUs / 1000) - clock.nowMs() : SILENCE_MS));
      }
    }
  }

  const server = createServer((socket) => {
    talking = socket;
    socket.on('error', () => { socket.destroy(); });
    socket.on('data', (bytes) => { hear(bytes).catch((error: Error) => { peer.onWrong(error); }); });
    speak().catch((error: Error) => { peer.onWrong(error); });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const peer: RecordedPeer = {
    port: (server.address() as AddressInfo).port,
    isOver: () => at >= traffic.length,
    onSilence: () => {},
    onWrong: (error) => { throw error; },
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      talking?.destroy();
    }),
  };
  return peer;
}
