/** What is attacked: a gateway and an edge as processes of their own in a folder of their own, and an edge by hand that is honest. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import mqtt, { type MqttClient } from 'mqtt';
import { stringify } from 'yaml';
import type { DeviceView } from '../../api/devices.ts';
import type { EdgeView } from '../../api/status.ts';
import type { Draft } from '../../core/event.ts';
import { freePort } from '../../core/free-port.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { startChild, type ChildProcessHandle } from '../processes/child.ts';
import { firstAdministrator, plaintextUrl, type RigAdministrator } from '../processes/enrolment.ts';

export const ATTACK_CENTRE = '500112001';
export const ATTACK_OPERATOR = 'operator-token-of-the-attack-rig';
export const LOGGER_PASSWORD = '736211';
export const LOGGER_MN = 'MN-ATTACKED-0000000001';
/** `hostile` and `liar` have a valid token, and so has everybody else by hand; the real edge has a certificate. */
const EDGES = ['honest', 'hostile', 'liar'];

export interface AttackOutcome {
  held: boolean;
  detail: string;
}

export interface Attack {
  name: string;
  /** Of section 1 of what strangers found, or `own`. */
  clause: string;
  run(rig: AttackRig): Promise<AttackOutcome>;
}

export class AttackRig {
  readonly dir = mkdtempSync(join(tmpdir(), 'cv-attack-'));
  gateway!: ChildProcessHandle;
  edge!: ChildProcessHandle;
  administrator!: RigAdministrator;
  hj212Port = 0;
  honest!: AttackSender;
  readonly #senders: AttackSender[] = [];

  async open(): Promise<this> {
    return this.#open().catch(async (error: unknown) => {
      await this.close();
      throw error;
    });
  }

  async #open(): Promise<this> {
    this.hj212Port = await freePort();
    this.gateway = await this.startGateway('.', {
      gateway: 'attacked',
      broker: { embedded: { port: 0, edges: EDGES.map((id) => ({ id, token: tokenOf(id) })) } },
      // An administrator enrols boxes; whoever is on this machine reads without a name all the same.
      http: { port: 0, anonymous: 'loopback' },
      tls: { loopback: true, dir: './certificates' },
      operators: [{ name: 'duty-1', token: ATTACK_OPERATOR }],
      evidence: { maxBytes: '16MB' },
    });
    this.administrator = await firstAdministrator(this.gateway.ready, ATTACK_CENTRE);
    await this.administrator.enrol('real', join(this.dir, 'identity'));
    const edgePath = join(this.dir, 'edge.yaml');
    writeFileSync(
      edgePath,
      stringify({
        edge: 'real',
        centre: ATTACK_CENTRE,
        gateway: { url: `mqtts://127.0.0.1:${this.brokerPort}`, identity: './identity' },
        log: { dir: './edge-log', maxBytes: '64MB' },
        http: { host: '127.0.0.1', port: 0 },
        devices: [
          {
            id: 'logger',
            driver: 'hj212',
            every: '1m',
            settings: { listen: `127.0.0.1:${this.hj212Port}`, mn: LOGGER_MN, password: LOGGER_PASSWORD },
            points: [
              { id: 'pm25', factor: 'a34004' },
              { id: 'interval', parameter: 'realtimeInterval', indicator: 'SS-CFG-001', write: { allow: true, range: [30, 3600] } },
            ],
          },
        ],
      }),
    );
    this.edge = await startChild({
      name: 'edge',
      module: join(import.meta.dirname, '..', 'commands', 'edge-main.ts'),
      args: [edgePath],
      logFile: join(this.dir, 'edge.txt'),
    });
    this.honest = await this.sender('honest');
    await this.honest.state(['honest-d']);
    await this.honest.send(1, 'honest-d');
    return this;
  }

  /** Plaintext, as what most attacks speak; TLS has the same port. */
  get brokerUrl(): string { return String(this.gateway.ready.brokerUrl).replace(/^mqtts:/, 'mqtt:'); }
  get brokerPort(): number { return Number(new URL(this.brokerUrl).port); }
  get gatewayUrl(): string { return plaintextUrl(this.gateway.ready.httpUrl); }
  get secureUrl(): URL { return new URL(String(this.gateway.ready.httpUrl)); }
  get edgeUrl(): string { return String(this.edge.ready.httpUrl).replace(/\/$/, ''); }

  async sender(edge: string): Promise<AttackSender> {
    const sender = await connectSender(this.brokerUrl, edge);
    this.#senders.push(sender);
    return sender;
  }

  /** What does not answer within the time has status 0. */
  async get(path: string, init: RequestInit = {}, base = this.gatewayUrl): Promise<{ status: number; body: unknown }> {
    try {
      const response = await fetch(`${base}${path}`, { signal: AbortSignal.timeout(5000), redirect: 'manual', ...init });
      const text = await response.text();
      return { status: response.status, body: isJson(response) ? JSON.parse(text) : text };
    } catch {
      return { status: 0, body: null };
    }
  }

  async device(id: string): Promise<DeviceView | null> {
    const { status, body } = await this.get(`/api/v1/devices/${id}`);
    return status === 200 ? (body as DeviceView) : null;
  }

  async edges(): Promise<EdgeView[]> {
    return ((await this.get('/api/v1/status')).body as { edges: EdgeView[] }).edges;
  }

  /** Both still run, answer, and acknowledge who is honest. */
  async alive(): Promise<AttackOutcome> {
    if (!this.gateway.running || !this.edge.running)
      return { held: false, detail: `${this.gateway.running ? 'the edge' : 'the gateway'} has ended` };
    const [gateway, edge] = await Promise.all([this.get('/healthz'), this.get('/healthz', {}, this.edgeUrl)]);
    if (gateway.status !== 200 || edge.status === 0)
      return { held: false, detail: `healthz: gateway ${gateway.status}, edge ${edge.status}` };
    const tookMs = await this.honest.send(1, 'honest-d');
    return {
      held: tookMs !== null && tookMs < 1000,
      detail: tookMs === null ? 'the honest edge gets no ack' : `ack of the honest edge after ${Math.round(tookMs)} ms`,
    };
  }

  /** A gateway more, with what it keeps in a folder below ours. */
  startGateway(folder: string, config: object): Promise<ChildProcessHandle> {
    const dir = join(this.dir, folder);
    mkdirSync(dir, { recursive: true });
    const path = join(dir, 'gateway.yaml');
    writeFileSync(path, stringify({ centre: ATTACK_CENTRE, log: { dir: './log', maxBytes: '1GB' }, store: { dir: './store' }, ...config }));
    return startChild({
      name: 'gateway',
      module: join(import.meta.dirname, '..', 'processes', 'gateway-main.ts'),
      args: [path],
      logFile: join(dir, 'gateway.txt'),
    });
  }

  rssMB(child: ChildProcessHandle): number {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
  }

  async close(): Promise<void> {
    for (const { client } of this.#senders) await client.endAsync(true);
    await this.edge?.stop();
    await this.gateway?.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export async function connectSender(brokerUrl: string, edge: string): Promise<AttackSender> {
  const client = await mqtt.connectAsync(brokerUrl, {
    clientId: `cv-${edge}`,
    username: edge,
    password: tokenOf(edge),
    protocolVersion: 4,
    reconnectPeriod: 0,
    connectTimeout: 5000,
  });
  const sender = new AttackSender(client, edge);
  await client.subscribeAsync(`cv/v1/in/${ATTACK_CENTRE}/${edge}/ack`, { qos: 1 });
  return sender;
}

/** An edge by hand. */
export class AttackSender {
  readonly client: MqttClient;
  readonly edge: string;
  readonly epoch = Date.now();
  readonly answers: Record<string, unknown>[] = [];
  readonly #waiting = new Set<{ upTo: number; done(): void }>();
  seq = 1;

  constructor(client: MqttClient, edge: string) {
    this.client = client;
    this.edge = edge;
    client.on('error', () => {});
    client.on('message', (_topic, payload) => {
      const answer = JSON.parse(payload.toString()) as Record<string, unknown>;
      this.answers.push(answer);
      if (this.answers.length > 1000) this.answers.shift();
      if (typeof answer.upTo !== 'number' || answer.epoch !== this.epoch) return;
      for (const one of this.#waiting) if (answer.upTo >= one.upTo) one.done();
    });
  }

  publish(leaf: string, payload: Uint8Array | string, retain = false): void {
    this.client.publish(`cv/v1/in/${ATTACK_CENTRE}/${this.edge}/${leaf}`, typeof payload === 'string' ? payload : Buffer.from(payload), {
      qos: 1,
      retain,
    });
  }

  /** @returns ms until its ack; null when none came within the time */
  send(count: number, device: string, over: Partial<Draft> = {}, withinMs = 5000): Promise<number | null> {
    const startedMs = performance.now();
    const upTo = this.seq + count - 1;
    const payload = encodeBatch(
      { from: this.edge, stream: 'measurement', epoch: this.epoch, seq: this.seq },
      Array.from({ length: count }, () => ({ ...draftOf(device), ...over })),
    );
    this.seq += count;
    return new Promise((resolve) => {
      const waiting = { upTo, done: () => end(performance.now() - startedMs) };
      const timer = setTimeout(() => end(null), withinMs);
      const end = (tookMs: number | null) => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        resolve(tookMs);
      };
      this.#waiting.add(waiting);
      this.publish('up', payload);
    });
  }

  async state(devices: readonly string[], over: Record<string, unknown> = {}): Promise<void> {
    this.publish('state', JSON.stringify({
      v: 1, edge: this.edge, centre: ATTACK_CENTRE, online: true, sentAt: Date.now(),
      devices: devices.map((id) => ({ id, driver: 'modbus', online: true, reason: '', lastAt: Date.now(), periodMs: 1000 })), ...over,
    }));
    await attackPauseMs(150);
  }
}

export const draftOf = (device: string): Draft => {
  const now = Date.now();
  return {
    device,
    point: 'p',
    indicator: 'YJ-FLD-001',
    centre: ATTACK_CENTRE,
    kind: 'measurement',
    value: 1,
    unit: 'm',
    occurredAt: now,
    clock: 'edge',
    observedAt: now,
    quality: 'good',
    origin: 'live',
  };
};

/** Bytes to a port of this machine. @returns what came back until it closed or the time was over */
export function exchangeBytes(port: number, bytes: Uint8Array | string, withinMs = 1500): Promise<Buffer> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(bytes));
    const timer = setTimeout(() => socket.destroy(), withinMs);
    socket.on('data', (part) => { parts.push(part); });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(Buffer.concat(parts));
    });
  });
}

export const portOf = (url: string): number => Number(new URL(url).port);
export const attackPauseMs = (durationMs: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, durationMs); });
export const tokenOf = (edge: string): string => `${edge}-token-of-the-attack-rig`;
const isJson = (response: Response): boolean => (response.headers.get('content-type') ?? '').includes('json');
