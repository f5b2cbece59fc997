/** Stands as the devices of a case on real sockets: where they listened it listens, where they dialled it dials. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { bytesRecording } from '../../core/cases/replay-bytes.ts';
import { scriptOf } from '../../core/cases/script.ts';
import { FaultError } from '../../core/faults.ts';
import { seededRandom } from '../../core/world.ts';
import type { LoadedCase } from './cases.ts';
import { StandIn, type Reply, type StandInFacts } from './stand-in.ts';
import { Way, type Trouble } from './trouble.ts';

export interface ServeOptions {
  host: string;
  /** To listen on, the first of as many as there are devices; or to dial. 0 takes any (to listen). */
  port: number;
  /** As how many devices. */
  times: number;
  trouble: Trouble | null;
  seed: number;
  /** Said again from the beginning when it is over. */
  isLoop: boolean;
}

export interface Standing {
  devices: { number: number; port: number; identities: Record<string, string> }[];
  /** Reports said so far, and acknowledgements of them heard. */
  counts(): { said: number; acknowledged: number; connections: number };
  close(): Promise<void>;
}

const REDIAL_LEAST_MS = 1000;
const REDIAL_SPREAD_MS = 4000;
/** Those that dial do not all begin at once, nor longer apart than this. */
const SPREAD_MS = 10_000;

/** @throws CV_RECORDING_NOT_OFFERED for cases of frames, CV_API_LISTEN where the port is taken */
export async function standAs({ recorded, drivers }: LoadedCase, options: ServeOptions): Promise<Standing> {
  const [device] = recorded.devices;
  const driver = drivers.get(device.driver);
  if (!driver || recorded.level !== 'bytes') throw new FaultError('CV_RECORDING_NOT_OFFERED', { driver: device.driver, what: 'stand on a socket: its cases are frames', whatZh: '在套接字上重放：其案例为帧' });
  const reading = { recording: bytesRecording(driver), settings: driver.settings.parse(device.settings) };
  const whole = scriptOf(recorded.traffic, () => reading);
  const isDialling = whole.connections.some(({ by }) => by === 'device');
  // An answer whose question was not recorded answers nothing now; what is no message may be how a device registers.
  const script = { ...whole, spoken: whole.spoken.filter(({ notes }) => (notes ? notes.role !== 'answers' : isDialling)) };
  const lastMs = Math.floor((recorded.traffic.at(-1)?.afterUs ?? 0) / 1000);
  const said = { count: 0 };
  const talking = new Set<Talk>();
  const closers: (() => Promise<void>)[] = [];
  const standing: Standing = {
    devices: [],
    counts: () => ({ said: said.count, acknowledged: [...talking].reduce((sum, { standIn }) => sum + standIn.acknowledged, 0) + gone.acknowledged, connections: talking.size }),
    close: async () => { await Promise.all(closers.map((close) => close())); },
  };
  const gone = { acknowledged: 0 };

  for (let number = 0; number < options.times; number += 1) {
    const facts: StandInFacts = { script, reading, number };
    const random = seededRandom(options.seed + number);
    const startedAt = Date.now();
    const begin = (socket: Socket, from: number, whenOver: (unsaid: number) => void) => {
      const talk = new Talk(socket, new StandIn(facts), {
        // A device that redials goes on where it was; what it was saying is said again.
        from, random, trouble: from === 0 ? options.trouble : null, laterMs: startedAt - recorded.startsAt,
        loopMs: options.isLoop ? Math.max(1000, lastMs) : null, startedAt, count: () => { said.count += 1; },
        over: (unsaid) => {
          talking.delete(talk);
          gone.acknowledged += talk.standIn.acknowledged;
          whenOver(unsaid);
        },
      });
      talking.add(talk);
    };
    const { identities } = { identities: new StandIn(facts).identities() };
    if (isDialling) {
      closers.push(dial(options, random, number, begin));
      standing.devices.push({ number, port: options.port, identities });
    } else {
      const { port, close } = await listenOn(options.host, options.port === 0 ? 0 : options.port + number, (socket) => begin(socket, 0, () => {}));
      closers.push(close);
      standing.devices.push({ number, port, identities });
    }
  }
  return standing;
}

interface TalkFacts {
  from: number;
  random: ReturnType<typeof seededRandom>;
  trouble: Trouble | null;
  laterMs: number;
  loopMs: number | null;
  /** Wall clock of the first connection: what is said by itself counts from there. */
  startedAt: number;
  count(): void;
  /** @param unsaid which of its own messages comes next */
  over(unsaid: number): void;
}

/** One connection of one device. */
class Talk {
  readonly standIn: StandIn;
  readonly #socket: Socket;
  readonly #facts: TalkFacts;
  readonly #way: Way;
  readonly #begunMs = performance.now();
  readonly #timers = new Set<NodeJS.Timeout>();
  #next: number;
  #readyMs = 0;

  constructor(socket: Socket, standIn: StandIn, facts: TalkFacts) {
    this.standIn = standIn;
    this.#socket = socket;
    this.#facts = facts;
    this.#next = facts.from;
    this.#way = new Way(facts.trouble, facts.random);
    socket.setNoDelay(true);
    socket.on('error', () => { socket.destroy(); });
    socket.on('close', () => {
      for (const timer of this.#timers) clearTimeout(timer);
      facts.over(this.#next);
    });
    socket.on('data', (bytes) => { for (const reply of standIn.hear(bytes)) this.#answer(reply); });
    this.#speak(standIn.spoken(facts.laterMs), 0);
  }

  #answer({ bytes, afterMs }: Reply): void {
    const nowMs = performance.now();
    // Answers keep the order of their questions.
    this.#readyMs = Math.max(this.#readyMs, nowMs + afterMs);
    this.#after(this.#readyMs - nowMs, () => this.#send(bytes));
  }

  #speak(messages: readonly Reply[], turn: number): void {
    const message = messages[this.#next];
    if (!message) {
      const { loopMs } = this.#facts;
      if (loopMs === null || messages.length === 0) return;
      this.#next = 0;
      const again = turn + 1;
      this.#speak(this.standIn.spoken(this.#facts.laterMs + again * loopMs), again);
      return;
    }
    const dueMs = message.afterMs + turn * (this.#facts.loopMs ?? 0) - (Date.now() - this.#facts.startedAt);
    this.#after(dueMs, () => {
      if (!this.#send(message.bytes)) return;
      this.#next += 1;
      this.#facts.count();
      this.#speak(messages, turn);
    });
  }

  /** @returns false when the connection broke in the middle */
  #send(message: Buffer): boolean {
    for (const { bytes, laterMs, isLast } of this.#way.pass(message, performance.now() - this.#begunMs)) {
      if (laterMs > 0) this.#after(laterMs, () => this.#socket.write(bytes));
      else this.#socket.write(bytes);
      if (!isLast) continue;
      this.#socket.end(() => this.#socket.resetAndDestroy());
      return false;
    }
    return true;
  }

  #after(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#socket.destroyed) run();
    }, Math.max(0, delayMs));
    this.#timers.add(timer);
  }
}

type Begin = (socket: Socket, from: number, whenOver: (unsaid: number) => void) => void;

/** Dials, talks, and dials again when the connection went, until closed. */
function dial({ host, port, times }: ServeOptions, random: ReturnType<typeof seededRandom>, number: number, begin: Begin): () => Promise<void> {
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  let socket: Socket | null = null;
  const later = (delayMs: number, from: number) => { timer = setTimeout(() => attempt(from), delayMs); };
  const redial = (from: number) => { if (!isOver) later(REDIAL_LEAST_MS + random.next() * REDIAL_SPREAD_MS, from); };
  function attempt(from: number): void {
    const mine = connect({ host, port });
    socket = mine;
    const refused = () => redial(from);
    mine.once('error', refused);
    mine.once('connect', () => {
      mine.removeListener('error', refused);
      begin(mine, from, redial);
    });
  }
  later(times === 1 ? 0 : random.next() * Math.min(SPREAD_MS, times * 20) * (number === 0 ? 0 : 1), 0);
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
    server.once('error', (error) => reject(new FaultError('CV_API_LISTEN', { address: `${host}:${port}`, detail: error.message }, { cause: error })));
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
