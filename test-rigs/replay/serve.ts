/** Stands as the devices of a case on real sockets: where they listened it listens, where they dialled it dials. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { bytesRecordingOf } from '../../cases/replay-bytes.ts';
import { deviceScript, type DeviceScript } from '../../cases/device-script.ts';
import { FaultError } from '../../core/faults.ts';
import { seededRandom, type Random } from '../../core/world.ts';
import type { LoadedCase } from './cases.ts';
import { DeviceReports, type DeviceReport } from './reports.ts';
import { SimulatedDevice, type SimulatedDeviceOptions } from './stand-in.ts';
import { DeviceSession } from './talk.ts';
import type { MessageFault } from './message-fault.ts';

export interface DeviceServerOptions {
  host: string;
  /** To listen on, the first of as many as there are devices; or to dial. 0 takes any (to listen). */
  port: number;
  /** As how many devices. */
  times: number;
  /** Befalls the first connection of each. */
  trouble: MessageFault | null;
  seed: number;
  /** Said again from the beginning when it is over. */
  isLoop: boolean;
  /** Before it dials again, at least. */
  redialMs?: number;
  /** A report was answered, by a device that keeps what is not. */
  onSettled?(number: number, report: DeviceReport): void;
}

export interface DeviceServerCounts {
  /** Reports said so far; those of them that the other side answered, and that are still to be answered. */
  said: number;
  acknowledged: number;
  unanswered: number;
  /** Reports that a device kept until its memory was full. */
  forgotten: number;
  connections: number;
}

export interface DeviceServer {
  devices: { number: number; port: number; identities: Record<string, string> }[];
  counts(): DeviceServerCounts;
  close(): Promise<void>;
}

const REDIAL_MS = 1000;
/** Of those that were broken off at once, the last comes so many times later than the first. */
const REDIAL_SPREAD = 5;
/** Those that dial do not all begin at once, nor longer apart than this. */
const SPREAD_MS = 10_000;

/** @throws CV_RECORDING_NOT_OFFERED for cases of frames, CV_API_LISTEN where the port is taken */
export async function serveDevices({ recorded, drivers }: LoadedCase, options: DeviceServerOptions): Promise<DeviceServer> {
  const [device] = recorded.devices;
  const driver = drivers.get(device.driver);
  if (!driver || recorded.level !== 'bytes')
    throw new FaultError('CV_RECORDING_NOT_OFFERED', {
      driver: device.driver,
      what: 'stand on a socket: its cases are frames',
      whatZh: '在套接字上重放：其案例为帧',
    });
  const reading = { recording: bytesRecordingOf(driver), settings: driver.settings.parse(device.settings) };
  const whole = deviceScript(recorded.traffic, () => reading);
  const isDialling = whole.connections.some(({ by }) => by === 'device');
  // An answer whose question was not recorded answers nothing now; what is no message may be how a device registers.
  const script: DeviceScript = {
    ...whole,
    unsolicited: whole.unsolicited.filter(({ notes }) => (notes ? notes.role !== 'answers' : isDialling)),
  };
  const loopMs = options.isLoop ? Math.max(1000, Math.ceil((recorded.traffic.at(-1)?.afterUs ?? 0) / 1000)) : null;
  const all = new Set<DeviceReports>();
  const gone = { said: 0, acknowledged: 0, forgotten: 0 };
  const talking = new Set<DeviceSession>();
  const closers: (() => Promise<void>)[] = [];
  const standing: DeviceServer = {
    devices: [],
    counts() {
      const counts: DeviceServerCounts = { ...gone, unanswered: 0, connections: talking.size };
      for (const reports of all) {
        for (const key of ['said', 'acknowledged', 'forgotten'] as const) counts[key] += reports[key];
        counts.unanswered += reports.kept().length;
      }
      return counts;
    },
    close: async () => { await Promise.all(closers.map((close) => close())); },
  };

  for (let number = 0; number < options.times; number += 1) {
    const facts: SimulatedDeviceOptions = { script, reading, number };
    const random = seededRandom(options.seed + number);
    const reportsFrom = (startsAt: number) => {
      const reports = new DeviceReports(facts, { laterMs: startsAt - recorded.startsAt, loopMs });
      all.add(reports);
      return { reports, startsAt };
    };
    const talk = (
      socket: Socket,
      { reports, startsAt }: ReturnType<typeof reportsFrom>,
      trouble: MessageFault | null,
      onOver: () => void,
    ) => {
      const one = new DeviceSession(socket, {
        standIn: new SimulatedDevice(facts),
        reports,
        startsAt,
        random,
        trouble,
        againAfterMs: reading.recording.keeps?.againAfterMs ?? null,
        onSettled: (report) => options.onSettled?.(number, report),
        onOver() {
          talking.delete(one);
          onOver();
        },
      });
      talking.add(one);
    };
    const identities = new SimulatedDevice(facts).identities();
    if (isDialling) {
      const delayMs = number === 0 ? 0 : random.next() * Math.min(SPREAD_MS, options.times * 20);
      // A device that dials again goes on where it was.
      const life = reportsFrom(Date.now() + delayMs);
      let calls = 0;
      closers.push(
        dial(options, random, delayMs, (socket, whenOver) => talk(socket, life, (calls += 1) === 1 ? options.trouble : null, whenOver)),
      );
      standing.devices.push({ number, port: options.port, identities });
    } else {
      // Whoever connects hears the recording from its beginning.
      const { port, close } = await listenOn(options.host, options.port === 0 ? 0 : options.port + number, (socket) => {
        const life = reportsFrom(Date.now());
        talk(socket, life, options.trouble, () => {
          all.delete(life.reports);
          for (const key of ['said', 'acknowledged', 'forgotten'] as const) gone[key] += life.reports[key];
        });
      });
      closers.push(close);
      standing.devices.push({ number, port, identities });
    }
  }
  return standing;
}

/** Dials, talks, and dials again when the connection went, until closed. */
function dial(
  { host, port, redialMs = REDIAL_MS }: DeviceServerOptions,
  random: Random,
  delayMs: number,
  talk: (socket: Socket, whenOver: () => void) => void,
): () => Promise<void> {
  let isOver = false;
  let timer = setTimeout(attempt, delayMs);
  let socket: Socket | null = null;
  const redial = () => { if (!isOver) timer = setTimeout(attempt, redialMs * (1 + random.next() * (REDIAL_SPREAD - 1))); };
  function attempt(): void {
    const mine = connect({ host, port });
    socket = mine;
    mine.once('error', redial);
    mine.once('connect', () => {
      mine.removeListener('error', redial);
      talk(mine, redial);
    });
  }
  return async () => {
    isOver = true;
    clearTimeout(timer);
    socket?.destroy();
  };
}

async function listenOn(host: string, port: number, take: (socket: Socket) => void): Promise<{ port: number; close(): Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    take(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new FaultError('CV_API_LISTEN', { address: `${host}:${port}`, detail: error.message }, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    }),
  };
}
