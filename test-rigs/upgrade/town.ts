/** A town whose gateway listens beyond its machine: edges that give numbers, each a process of its own, and what they have committed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { StatusView } from '../../api/status.ts';
import { freePort } from '../../core/free-port.ts';
import { CHAOS_DEVICES } from '../chaos/numbers.ts';
import { verifyChaos, type ChaosVerdict } from '../chaos/verify.ts';
import { startChild, type ChildProcessHandle } from '../processes/child.ts';
import { NumberSet } from '../processes/number-set.ts';

export const UPGRADE_CENTRE = '500112001';
const READER = 'reader-token-of-the-town';
const PER_SECOND = 200;
/** Numbers of one edge, so that no two give the same. */
const SPAN = 1_000_000;

interface NumberedEdge {
  id: string;
  child: ChildProcessHandle;
  /** Reserved so far. */
  issued: number;
  /** Events that are not settled. */
  depth: number;
}

export class UpgradedTown {
  readonly dir: string;
  readonly host: string;
  readonly edgeIds: readonly string[];
  readonly witness = new NumberSet();
  gateway!: ChildProcessHandle;
  brokerPort = 0;
  #httpPort = 0;
  readonly #edges = new Map<string, NumberedEdge>();

  constructor(dir: string, host: string, edgeIds: readonly string[]) {
    this.dir = dir;
    this.host = host;
    this.edgeIds = edgeIds;
  }

  get headers(): Record<string, string> { return { authorization: `Bearer ${READER}` }; }
  /** Plaintext, for as long as that is let in. */
  get url(): string { return `http://${this.host}:${this.#httpPort}`; }
  get gatewayFile(): string { return join(this.dir, 'gateway.yaml'); }
  get certificates(): string { return join(this.dir, 'certificates'); }
  tokenOf(edge: string): string { return `token-of-${edge}`; }

  async startGateway(tls: object = {}): Promise<void> {
    this.brokerPort ||= await freePort();
    this.#httpPort ||= await freePort();
    writeFileSync(this.gatewayFile, stringify({
      gateway: 'town', centre: UPGRADE_CENTRE,
      broker: { embedded: { host: this.host, port: this.brokerPort, edges: this.edgeIds.map((id) => ({ id, token: this.tokenOf(id) })) } },
      http: { host: this.host, port: this.#httpPort, readers: [{ name: 'reader', token: READER }] },
      tls: { dir: './certificates', ...tls }, log: { dir: './log' }, store: { dir: './store' },
    }));
    this.gateway = await startChild({
      name: 'gateway', module: join(import.meta.dirname, '..', 'processes', 'gateway-main.ts'), args: [this.gatewayFile],
      logFile: join(this.dir, 'gateway.txt'), readyMs: 120_000,
    });
  }

  /** What lies there is then what a version leaves that knew no certificates. */
  async stopAsOlderVersion(): Promise<void> {
    await this.gateway.stop(20_000);
    await rm(this.certificates, { recursive: true });
  }

  /** @param gateway of its configuration. One that runs is stopped first, and goes on with the next number */
  async startEdge(id: string, gateway: object): Promise<void> {
    const before = this.#edges.get(id);
    await before?.child.stop(20_000);
    const dir = join(this.dir, id);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'edge.yaml'), edgeYaml(id, gateway));
    const issued = before?.issued ?? this.edgeIds.indexOf(id) * SPAN;
    const edge: NumberedEdge = { id, issued, depth: -1, child: null as unknown as ChildProcessHandle };
    edge.child = await startChild({
      name: id, module: join(import.meta.dirname, '..', 'chaos', 'edge-main.ts'),
      args: [join(dir, 'edge.yaml'), String(issued + 1), String(PER_SECOND)],
      logFile: join(dir, 'edge.txt'), readyMs: 120_000, onLine: (line) => this.#receive(edge, line),
    });
    this.#edges.set(id, edge);
  }

  plaintext(edge: string): object {
    return { url: `mqtt://${this.host}:${this.brokerPort}`, token: this.tokenOf(edge) };
  }

  async status(): Promise<StatusView> {
    const answer = await fetch(`${this.url}/api/v1/status`, { headers: this.headers });
    if (!answer.ok) throw new Error(`status answered ${answer.status}`);
    return (await answer.json()) as StatusView;
  }

  /** Over TLS, by the CA that the gateway keeps for other programs. */
  async secureStatus(): Promise<StatusView> {
    const ca = await readFile(join(this.certificates, 'ca.pem'));
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const address = { host: this.host, port: this.#httpPort, path: '/api/v1/status' };
      request({ ...address, headers: this.headers, ca }, resolve).on('error', reject).end();
    });
    let text = '';
    for await (const part of answer) text += String(part);
    return JSON.parse(text) as StatusView;
  }

  stopNumbers(): void {
    for (const { child } of this.#edges.values()) child.send({ kind: 'stop-numbers' });
  }

  /** Whether edges hold nothing that is not settled. */
  get isDrained(): boolean {
    return [...this.#edges.values()].every(({ depth }) => depth === 0);
  }

  verdict(): Promise<ChaosVerdict> {
    return verifyChaos(this.url, this.witness, this.headers);
  }

  async close(): Promise<void> {
    for (const { child } of this.#edges.values()) await child.stop();
    await this.gateway?.stop();
  }

  #receive(edge: NumberedEdge, line: string): void {
    const [word, first, second] = line.split(' ');
    if (word === 'i') edge.issued = Math.max(edge.issued, Number(first));
    else if (word === 'd') edge.depth = Number(first);
    else if (word === 'k')
      // What a process finds on disk at its start may have been told before.
      for (let number = Number(first); number <= Number(second); number += 1) if (!this.witness.has(number)) this.witness.add(number);
  }
}

const edgeYaml = (id: string, gateway: object): string =>
  stringify({
    edge: id, centre: UPGRADE_CENTRE, gateway, log: { dir: './log', maxBytes: '64MB' }, http: { host: '127.0.0.1', port: 0 },
    devices: Array.from({ length: CHAOS_DEVICES }, (_, device) => ({
      id: `${id}-${device}`, driver: 'numbers', settings: { device }, every: '1h', points: [{ id: 'n', indicator: 'RIG-NUM-001' }],
    })),
  });
