/** One chaos run: start, give numbers, kill and start again, stop the numbers, drain, verify. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../core/world.ts';
import { mosquittoFiles } from '../../gateway/broker/mosquitto.ts';
import { slowDisk } from '../fsync-shim/shim.ts';
import { startChild, type ChildProcessHandle } from '../processes/child.ts';
import { firstAdministrator, plaintextUrl } from '../processes/enrolment.ts';
import { runMosquitto, startMosquitto, type Mosquitto } from '../processes/mosquitto.ts';
import { NumberSet } from '../processes/number-set.ts';
import { freePort } from '../../core/free-port.ts';
import {
  CHAOS_CENTRE, CHAOS_EDGE, chaosAccess, chaosEdgeYaml, chaosGatewayYaml, FOR_BROKER, type ChaosPlan,
} from './configuration.ts';
import { writeMosquittoWithCertificates } from './mosquitto-with-certificates.ts';
import { planFreezes, planKills, type Freeze, type Kill, type Victim } from './plan.ts';
import { verifyChaos } from './verify.ts';

export interface ChaosOptions {
  events: number;
  kills: number;
  /** Times that a process is stopped for some seconds and then goes on. */
  freezes?: number;
  broker: 'embedded' | 'mosquitto';
  /** The edge is enrolled by a code, has no token, and speaks TLS. */
  tls?: boolean;
  seed: number;
  perSecond: number;
  /** The gateway compacts what it has all the time, and is killed while it does. */
  compaction?: boolean;
  /** Ms that each fsync of edge and gateway takes longer. */
  fsyncMs?: number;
  /** Of a rig that does more than this one: what it adds, and when it is called. */
  beside?: ChaosExtras;
  dir: string;
  say(line: string): void;
}

/** Edge and gateway each have a folder of their own, with all that they keep. */
export interface ChaosExtras {
  /** Settings of the gateway and the edge, and devices, beside those of the run. */
  gateway: object;
  edge: object;
  devices: readonly object[];
  env(who: 'edge' | 'gateway', dir: string): Promise<Record<string, string>>;
  /** It was killed and does not run. */
  killed(who: 'edge' | 'gateway'): void;
  /** Both run for the first time. */
  started(gatewayUrl: string): void;
  /** The numbers have come to their end; what this one has under way ends as well. */
  settle(): Promise<void>;
  /** The numbers were looked for; both still run. */
  looked(): Promise<void>;
}

export interface ChaosOutcome {
  witnessed: number;
  stored: number;
  missing: number;
  duplicates: number;
  disordered: number;
  kills: number;
  killsBy: Record<Victim, number>;
  /** Kills while batches were on their way. */
  killsInFlight: number;
  /** Kills of the gateway while it moved rows into chunks. */
  killsInCompaction: number;
  seed: number;
  seconds: number;
}

const STALL_MS = 90_000;
/** Devices beside the numbers go on, so that something always moves. */
const DRAIN_MOST_MS = 180_000;
/** On a machine that has much other work. */
const READY_MS = 120_000;
/** Most compactions of a run take about so long. */
const COMPACTION_MS = 40;

export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const startedAt = Date.now();
  const run = new ChaosRun(options);
  try {
    await run.start();
    await run.rage();
    await run.drain();
    if (options.beside) await run.killAll(options.beside);
    const { missingFirst, ...verdict } = await verifyChaos(run.gatewayUrl, run.witness);
    await options.beside?.looked();
    if (missingFirst.length > 0) options.say(`first missing numbers: ${missingFirst.join(' ')}`);
    return {
      witnessed: run.witness.size,
      ...verdict,
      kills: Object.values(run.killsBy).reduce((sum, count) => sum + count, 0),
      killsBy: run.killsBy,
      killsInFlight: run.killsInFlight,
      killsInCompaction: run.killsInCompaction,
      seed: options.seed,
      seconds: Math.round((Date.now() - startedAt) / 100) / 10,
    };
  } finally {
    await run.close();
  }
}

class ChaosRun {
  readonly witness = new NumberSet();
  readonly killsBy: Record<Victim, number> = { edge: 0, gateway: 0, broker: 0 };
  killsInFlight = 0;
  killsInCompaction = 0;
  readonly #options: ChaosOptions;
  #issued = 0;
  #underWay = false;
  #isCompacting = false;
  #onCompacting = () => {};
  #env: Record<'edge' | 'gateway', Record<string, string>> = { edge: {}, gateway: {} };
  #onUnderWay = () => {};
  #depth = 0;
  #edge: ChildProcessHandle | null = null;
  #gateway: ChildProcessHandle | null = null;
  #mosquitto: Mosquitto | null = null;

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  get gatewayUrl(): string {
    return plaintextUrl(this.#gateway?.ready.httpUrl);
  }

  async start(): Promise<void> {
    const { dir, broker, compaction = false, fsyncMs, tls = false, beside } = this.#options;
    const brokerPort = await freePort();
    const isByCertificate = tls && broker === 'mosquitto';
    const plan: ChaosPlan = {
      broker, compaction, brokerPort, edgePort: isByCertificate ? await freePort() : brokerPort, httpPort: await freePort(),
      token: tls ? null : randomBytes(8).toString('hex'), gatewayPassword: randomBytes(8).toString('hex'),
    };
    for (const who of ['edge', 'gateway']) mkdirSync(join(dir, who));
    writeFileSync(join(dir, 'gateway', 'gateway.yaml'), chaosGatewayYaml(plan, beside?.gateway));
    writeFileSync(join(dir, 'edge', 'edge.yaml'), chaosEdgeYaml(plan, beside?.devices, beside?.edge));
    for (const who of ['edge', 'gateway'] as const)
      this.#env[who] = { ...(fsyncMs ? await slowDisk({ delayMs: fsyncMs }) : {}), ...(await beside?.env(who, join(dir, who))) };
    if (broker === 'mosquitto' && !tls)
      this.#mosquitto = await startMosquitto(join(dir, 'mosquitto'), brokerPort, await mosquittoFiles(chaosAccess(plan)));
    if (isByCertificate) mkdirSync(join(dir, 'gateway', FOR_BROKER));
    this.#gateway = await this.#startGateway();
    if (tls) {
      const administrator = await firstAdministrator(this.#gateway.ready, CHAOS_CENTRE);
      await administrator.enrol(CHAOS_EDGE, join(dir, 'edge', 'identity'));
    }
    // The gateway has written what mosquitto shows, and finds it when it is there.
    if (isByCertificate) {
      const conf = writeMosquittoWithCertificates(join(dir, 'mosquitto'), plan, {
        files: await mosquittoFiles(chaosAccess(plan)), certificates: join(dir, 'gateway', FOR_BROKER), passwordPort: await freePort(),
      });
      this.#mosquitto = await runMosquitto(conf, plan.edgePort);
    }
    this.#edge = await this.#startEdge();
    beside?.started(this.gatewayUrl);
  }

  async #startGateway(): Promise<ChildProcessHandle> {
    const { dir, compaction } = this.#options;
    const gateway = await startChild({
      name: 'gateway',
      module: join(import.meta.dirname, '..', 'processes', 'gateway-main.ts'),
      args: [join(dir, 'gateway', 'gateway.yaml'), ...(compaction ? ['--tell-compaction'] : [])],
      logFile: join(dir, 'gateway.log'),
      readyMs: READY_MS,
      env: this.#env.gateway,
    });
    this.#isCompacting = false;
    gateway.onMessage((message) => {
      if (message.kind !== 'compaction') return;
      this.#isCompacting = Number(message.left) > 0;
      if (this.#isCompacting) this.#onCompacting();
    });
    return gateway;
  }

  #startEdge(): Promise<ChildProcessHandle> {
    const { dir, perSecond } = this.#options;
    return startChild({
      name: 'edge',
      module: join(import.meta.dirname, 'edge-main.ts'),
      args: [join(dir, 'edge', 'edge.yaml'), String(this.#issued + 1), String(perSecond)],
      logFile: join(dir, 'edge.log'),
      readyMs: READY_MS,
      env: this.#env.edge,
      onLine: (line) => this.#receive(line),
    });
  }

  #receive(line: string): void {
    const [word, first, second] = line.split(' ');
    if (word === 'k') for (let number = Number(first); number <= Number(second); number += 1) this.#see(number);
    else if (word === 'i') this.#issued = Math.max(this.#issued, Number(first));
    else if (word === 'f') this.#setUnderWay(first !== '0');
    else if (word === 'd') this.#depth = Number(first);
  }

  #setUnderWay(underWay: boolean): void {
    this.#underWay = underWay;
    if (underWay) this.#onUnderWay();
  }

  #see(number: number): void {
    // What a process finds on disk at its start may have been told before.
    if (!this.witness.has(number)) this.witness.add(number);
  }

  async rage(): Promise<void> {
    const { events, kills, freezes = 0, broker, seed, compaction = false, say } = this.#options;
    const random = seededRandom(seed);
    const victims: Victim[] = broker === 'embedded' ? ['edge', 'gateway'] : ['edge', 'broker', 'gateway'];
    const plan = [...planKills(events, kills, victims, random, compaction), ...planFreezes(events, freezes, victims)];
    for (const kill of plan.toSorted((one, other) => one.atWitnessed - other.atWitnessed)) {
      await this.#until(() => this.witness.size >= kill.atWitnessed, `number ${kill.atWitnessed} witnessed`);
      if ('forMs' in kill) {
        await this.#freeze(kill);
        continue;
      }
      // Not always at the same moment of a batch's way.
      await new Promise((resolve) => { setTimeout(resolve, random.next() * 30); });
      if (kill.inFlight) await this.#batchesLeave();
      if (kill.inCompaction) {
        await this.#compacting();
        await new Promise((resolve) => { setTimeout(resolve, random.next() * COMPACTION_MS); });
      }
      await this.#strike(kill);
      say(
        `killed ${kill.victim} (${Object.values(this.killsBy).reduce((sum, count) => sum + count, 0)}/${kills}) at ${this.witness.size} witnessed, ${this.#depth} not settled`,
      );
    }
    await this.#until(() => this.witness.size >= events, `${events} numbers witnessed`);
    this.#edge?.send({ kind: 'stop-numbers' });
  }

  /** Resolves in the very turn in which the edge says that a batch is on its way. */
  #batchesLeave(): Promise<void> {
    if (this.#underWay) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no batch left the edge for ${STALL_MS / 1000} s`)), STALL_MS);
      this.#onUnderWay = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Resolves in the very turn in which the gateway says that it moves rows into chunks. */
  #compacting(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing was compacted for ${STALL_MS / 1000} s`)), STALL_MS);
      this.#onCompacting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #freeze({ victim, forMs }: Freeze): Promise<void> {
    const pid = { edge: this.#edge, gateway: this.#gateway, broker: this.#mosquitto }[victim]?.pid as number;
    process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => { setTimeout(resolve, forMs); });
    process.kill(pid, 'SIGCONT');
    this.#options.say(`${victim} stood still for ${forMs / 1000} s at ${this.witness.size} witnessed`);
  }

  async #strike({ victim }: Kill): Promise<void> {
    this.killsBy[victim] += 1;
    if (this.#underWay) this.killsInFlight += 1;
    if (victim === 'gateway' && this.#isCompacting) this.killsInCompaction += 1;
    if (victim === 'broker') {
      await this.#mosquitto?.kill();
      await this.#mosquitto?.start();
    } else if (victim === 'gateway') {
      await this.#gateway?.kill();
      this.#options.beside?.killed('gateway');
      this.#gateway = await this.#startGateway();
    } else {
      await this.#edge?.kill();
      this.#options.beside?.killed('edge');
      this.#underWay = false;
      this.#edge = await this.#startEdge();
    }
  }

  /** What is looked at in the end is what both find at a start. */
  async killAll(beside: ChaosExtras): Promise<void> {
    await beside.settle();
    await this.drain();
    await this.#edge?.kill();
    await this.#gateway?.kill();
    for (const who of ['edge', 'gateway'] as const) beside.killed(who);
    this.#gateway = await this.#startGateway();
    this.#edge = await this.#startEdge();
    this.#edge.send({ kind: 'stop-numbers' });
    await this.drain();
  }

  /** Everything the edge holds is settled, and the store has read all of the log. */
  async drain(): Promise<void> {
    this.#depth = -1;
    await this.#until(() => this.#depth === 0, 'the edge log is empty', DRAIN_MOST_MS);
    for (const untilMs = Date.now() + STALL_MS; ;) {
      const answer = await fetch(`${this.gatewayUrl}/api/v1/status`);
      const { path } = (await answer.json()) as { path: { storeLag: number } };
      if (path.storeLag === 0) return;
      if (Date.now() > untilMs) throw new Error(`the store is still ${path.storeLag} events behind`);
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  async #until(met: () => boolean, what: string, mostMs = Infinity): Promise<void> {
    const startedAt = Date.now();
    let size = this.witness.size;
    let depth = this.#depth;
    for (let movedAt = Date.now(); !met();) {
      if (this.witness.size !== size || this.#depth !== depth) {
        size = this.witness.size;
        depth = this.#depth;
        movedAt = Date.now();
      }
      if (Date.now() - movedAt > STALL_MS)
        throw new Error(`nothing moved for ${STALL_MS / 1000} s while waiting for: ${what} (witnessed ${size}, not settled ${depth})`);
      if (Date.now() - startedAt > mostMs)
        throw new Error(`not within ${mostMs / 1000} s: ${what} (witnessed ${size}, not settled ${depth})`);
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
    }
  }

  async close(): Promise<void> {
    await this.#edge?.stop();
    await this.#gateway?.stop();
    await this.#mosquitto?.stop();
  }
}
