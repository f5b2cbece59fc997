/** MQTT 3.1.1 by bytes (conformance-cases.ts), against the embedded broker and against mosquitto, which must pass all: else the case is wrong. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { freePort } from '../../core/free-port.ts';
import { realWorld } from '../../core/world.ts';
import { openEmbeddedBroker } from '../../gateway/broker/embedded.ts';
import { mosquittoFiles } from '../../gateway/broker/mosquitto.ts';
import { startMosquitto } from '../processes/mosquitto.ts';
import { CASES, connectAction, CONFORMANCE_EDGE, type MqttActor, type ConformanceCase, type ConformanceStep } from './conformance-cases.ts';

export interface ConformanceBroker {
  /** A new connection under test. */
  open(): Duplex;
  /** A new connection with all rights, and what it says first. */
  openPeer(): { conn: Duplex; hello: Buffer };
  close(): Promise<void>;
}

/** Longer than the keep-alive case waits on mosquitto, which looks once a second. */
const WAIT_MS = 8000;
const CREDENTIALS = {
  edges: [{ id: CONFORMANCE_EDGE.user, token: CONFORMANCE_EDGE.password }],
  consumers: [
    { user: 'city', password: 'city-password' },
    { user: 'peer', password: 'peer-password' },
  ],
};

/** One end of a connection: packets in words, in order, `closed` last. */
class End {
  readonly #conn: Duplex;
  readonly #words: string[] = [];
  #wake: (() => void) | null = null;
  #rest: Buffer = Buffer.alloc(0);
  /** Of the last PUBLISH or PUBREL with an identifier. */
  identifier = Buffer.alloc(2);

  constructor(conn: Duplex) {
    this.#conn = conn;
    conn.on('data', (chunk: Buffer) => this.#take(chunk));
    conn.on('error', () => conn.destroy());
    conn.on('close', () => this.#say('closed'));
  }

  send(data: Buffer): void {
    this.#conn.write(data);
  }

  destroy(): void {
    this.#conn.destroy();
  }

  async next(): Promise<string> {
    const untilMs = Date.now() + WAIT_MS;
    while (this.#words.length === 0) {
      if (Date.now() >= untilMs) return 'nothing';
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, untilMs - Date.now());
      });
      clearTimeout(timer);
    }
    return this.#words.shift() as string;
  }

  #say(words: string): void {
    this.#words.push(words);
    this.#wake?.();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const end = this.#rest.subarray(1, 5).findIndex((byte) => byte < 128);
      if (end < 0) return;
      const length = [...this.#rest.subarray(1, 2 + end)].reduce((sum, byte, place) => sum + (byte & 127) * 128 ** place, 0);
      if (this.#rest.length < 2 + end + length) return;
      const [first, body] = [this.#rest[0] as number, this.#rest.subarray(2 + end, 2 + end + length)];
      this.#rest = this.#rest.subarray(2 + end + length);
      if (first >> 4 === 3 && first & 6) this.identifier = Buffer.from(body.subarray(2 + body.readUInt16BE(0)).subarray(0, 2));
      this.#say(packetWords(first, body));
    }
  }
}

/** A packet from a broker, in the words of the cases. */
export function packetWords(first: number, body: Buffer): string {
  const id = body.length >= 2 ? body.readUInt16BE(0) : null;
  switch (first >> 4) {
    case 2: return `CONNACK ${body[0]} ${body[1]}`;
    case 3: {
      const qos = (first >> 1) & 3;
      const topic = body.toString('utf8', 2, 2 + (id ?? 0));
      return `PUBLISH ${topic} q${qos}${first & 1 ? ' retain' : ''} ${body.toString('utf8', 2 + (id ?? 0) + (qos ? 2 : 0))}`;
    }
    case 4: return `PUBACK ${id}`;
    case 5: return `PUBREC ${id}`;
    case 6: return 'PUBREL';
    case 7: return `PUBCOMP ${id}`;
    case 9: return `SUBACK ${id} [${[...body.subarray(2)].join(',')}]`;
    case 11: return `UNSUBACK ${id}`;
    case 13: return 'PINGRESP';
    default: return `type ${first >> 4}`;
  }
}

/** @returns what went otherwise than the case wants, or null */
export async function runCase(broker: ConformanceBroker, one: ConformanceCase): Promise<string | null> {
  const ends = new Map<MqttActor, End>();
  const endOf = async (actor: MqttActor): Promise<End> => {
    const known = ends.get(actor);
    if (known) return known;
    const { conn, hello } = actor === 'peer' ? broker.openPeer() : { conn: broker.open(), hello: null };
    const end = new End(conn);
    ends.set(actor, end);
    if (hello) {
      end.send(hello);
      assert.equal(await end.next(), 'CONNACK 0 0');
    }
    return end;
  };
  try {
    for (const [index, step] of one.steps.entries()) {
      const end = await endOf(step.on);
      const problem = await play(end, step);
      if (problem) return `step ${index + 1}, ${step.on}: ${problem}`;
    }
    return null;
  } finally {
    for (const end of ends.values()) end.destroy();
  }
}

async function play(end: End, step: ConformanceStep): Promise<string | null> {
  if ('cut' in step) end.destroy();
  else if ('send' in step) end.send(step.send);
  else if ('acknowledge' in step) end.send(Buffer.concat([Buffer.from([step.acknowledge, 2]), end.identifier]));
  else {
    const got = await end.next();
    return got === step.want ? null : `wanted "${step.want}", got "${got}"`;
  }
  return null;
}

export async function embeddedBroker(): Promise<ConformanceBroker> {
  const broker = await openEmbeddedBroker(
    { kind: 'embedded', host: '127.0.0.1', port: 0, anonymous: 'none', maxConnections: 200, ...CREDENTIALS },
    realWorld(() => {}),
  );
  const port = Number(new URL(await broker.listen()).port);
  let peers = 0;
  return {
    open: () => dial(port, '127.0.0.1'),
    openPeer: () => ({ conn: broker.connectGateway(), hello: connectAction({ id: `gateway:${peers += 1}` }) }),
    close: () => broker.close(),
  };
}

async function mosquittoBroker(): Promise<ConformanceBroker> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-conformance-'));
  const files = await mosquittoFiles({ ...CREDENTIALS, gateway: { user: 'gateway', password: 'gateway-password' } });
  const mosquitto = await startMosquitto(dir, await freePort(), {
    ...files,
    acl: `${files.acl}\nuser peer\ntopic readwrite #\ntopic readwrite $test/#\n`,
  });
  let peers = 0;
  return {
    open: () => dial(mosquitto.port, '127.0.0.1'),
    openPeer: () => ({
      conn: dial(mosquitto.port, '127.0.0.1'),
      hello: connectAction({ id: `peer${(peers += 1)}`, user: 'peer', password: 'peer-password' }),
    }),
    async close() {
      await mosquitto.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function runAll(open: () => Promise<ConformanceBroker>): Promise<void> {
  const broker = await open();
  const failed: string[] = [];
  try {
    for (const one of CASES) {
      const problem = await runCase(broker, one);
      if (problem) failed.push(`${one.clause} ${one.name}: ${problem}`);
    }
  } finally {
    await broker.close();
  }
  process.stdout.write(`  ${CASES.length - failed.length} of ${CASES.length}\n`);
  assert.deepEqual(failed, []);
}

export const peers: { name: string; needs: string[]; run(): Promise<void> }[] = [
  { name: 'conformance: the embedded broker answers MQTT 3.1.1 byte by byte', needs: [], run: () => runAll(embeddedBroker) },
  { name: 'conformance: mosquitto passes every case', needs: ['mosquitto'], run: () => runAll(mosquittoBroker) },
];
