/** A Sparkplug node made of the npm library sparkplug-payload and an MQTT client, through mosquitto, read by our driver. */
import assert from 'node:assert/strict';
import mqtt, { type MqttClient } from 'mqtt';
import { decode } from '../../drivers/mqtt-in/decode.ts';
import type { MqttInFrame } from '../../drivers/mqtt-in/frame.ts';
import { point, type ConfiguredMqttPoint } from '../../drivers/mqtt-in/settings.ts';
import { peerRequire } from '../bench/peers/packages.ts';
import { mqttInDevice, withBroker, type MqttInBench } from './mqtt-in.ts';

interface Metric {
  name?: string;
  alias?: number;
  type: string;
  value: unknown;
  timestamp?: number;
  isHistorical?: boolean;
}
interface Payload {
  timestamp: number;
  seq?: number;
  metrics: Metric[];
}
interface Library {
  encodePayload(payload: Payload): Uint8Array;
  decodePayload(bytes: Uint8Array): { metrics: Metric[] };
}

const WAIT_MS = 10_000;
/** The device's metrics as they are born. */
const BORN: Required<Pick<Metric, 'name' | 'alias' | 'type' | 'value'>>[] = [
  { name: 'Outputs/Running', alias: 1, type: 'Boolean', value: true },
  { name: 'Inputs/Pressure', alias: 2, type: 'Double', value: 3.5 },
  { name: 'Inputs/Offset', alias: 3, type: 'Int16', value: -7 },
  { name: 'Total', alias: 4, type: 'UInt32', value: 4_000_000_000 },
  { name: 'State', alias: 5, type: 'String', value: '运行' },
];
const POINTS: ConfiguredMqttPoint[] = [
  ['running', 'Outputs/Running', 'bool'],
  ['pressure', 'Inputs/Pressure', 'number'],
  ['offset', 'Inputs/Offset', 'number'],
  ['total', 'Total', 'number'],
  ['state', 'State', 'text'],
].map(([id, metric, type]) => ({ ...point.parse({ metric, type }), id: String(id) }));

export const peers: { name: string; run(): Promise<void> }[] = [
  {
    name: 'sparkplug-payload: births, data by alias, a rebirth that we ask for, deaths, through mosquitto',
    run: () => withBroker([], livesOfANode),
  },
];

async function livesOfANode({ port }: MqttInBench): Promise<void> {
  const nodes = [await Node.join(port, 0)];
  const first = nodes[0] as Node;
  // Nobody heard these births: they are not retained.
  await first.born();
  const { link, next } = await mqttInDevice(
    { url: `mqtt://127.0.0.1:${port}`, profile: 'sparkplug', group: 'lab', node: 'gw1', device: 'pump' },
    POINTS,
  );
  try {
    await first.says('DDATA', [{ alias: 2, type: 'Double', value: 3.6 }]);
    assert.deepEqual(await until(next, 'CV_MQTT_IN_UNBORN'), []);
    assert.deepEqual(
      await first.asked(),
      [{ name: 'Node Control/Rebirth', type: 'Boolean', value: true }],
      'as the library reads our command',
    );
    await first.born();
    await first.says('DDATA', [{ alias: 2, type: 'Double', value: 3.75 }, { alias: 1, type: 'Boolean', value: false }]);
    const at = Math.floor(Date.now() / 1000) * 1000 - 3_600_000;
    await first.says('DDATA', [{ alias: 3, type: 'Int16', value: -8, timestamp: at, isHistorical: true }]);
    await first.says('DDEATH', []);
    assert.deepEqual(await until(next, 'CV_MQTT_IN_DEAD'), [
      ...BORN.map(({ value }, nth) => [POINTS[nth]?.id, value]), ['pressure', 3.75], ['running', false], ['offset', -8, at],
    ]);

    // The node comes back before its broker notices that it was gone.
    const second = await Node.join(port, 1);
    nodes.push(second);
    await second.born();
    first.breakOff();
    await first.isDead;
    await second.says('DDATA', [{ alias: 4, type: 'UInt32', value: 7 }]);
    second.breakOff();
    assert.deepEqual(
      await until(next, 'CV_MQTT_IN_DEAD'),
      [...BORN.map(({ value }, nth) => [POINTS[nth]?.id, value]), ['total', 7]],
      "the first session's death says nothing of the second",
    );
  } finally {
    await link.close();
    for (const node of nodes) node.end();
  }
}

/** What came before this fault: point, value, and the time of what is history. */
async function until(next: () => Promise<MqttInFrame>, fault: string): Promise<unknown[][]> {
  const values: unknown[][] = [];
  for (;;) {
    const decoded = decode(await within(next(), fault));
    if (decoded.ok)
      values.push(
        ...(decoded.values ?? []).map(({ point: id, value, origin, deviceAt }) =>
          origin === 'backfill' ? [id, value, deviceAt] : [id, value],
        ),
      );
    else if (decoded.fault.code === fault) return values;
    else assert.fail(decoded.fault.code);
  }
}

/** An edge node as the specification has it: its death is its will, it counts its messages, and it is born again when told to. */
class Node {
  readonly #client: MqttClient;
  readonly #watcher: MqttClient;
  readonly #bdSeq: number;
  readonly #told: Promise<Metric[]>;
  /** The broker has given out its will. */
  readonly isDead: Promise<unknown>;
  #seq = 0;

  private constructor(client: MqttClient, watcher: MqttClient, bdSeq: number) {
    this.#client = client;
    this.#watcher = watcher;
    this.#bdSeq = bdSeq;
    this.#told = new Promise((resolve) => {
      client.once('message', (_topic, payload) => resolve(library().decodePayload(payload).metrics));
    });
    this.isDead = new Promise((resolve) => {
      watcher.once('message', resolve);
    });
  }

  static async join(port: number, bdSeq: number): Promise<Node> {
    const url = `mqtt://127.0.0.1:${port}`;
    const payload = Buffer.from(
      library().encodePayload({ timestamp: Date.now(), metrics: [{ name: 'bdSeq', type: 'UInt64', value: bdSeq }] }),
    );
    const client = await mqtt.connectAsync(url, {
      protocolVersion: 4,
      reconnectPeriod: 0,
      will: { topic: 'spBv1.0/lab/NDEATH/gw1', payload, qos: 1 },
    });
    client.on('error', () => {});
    const watcher = await mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
    await watcher.subscribeAsync('spBv1.0/lab/NDEATH/gw1', { qos: 1 });
    const node = new Node(client, watcher, bdSeq);
    await client.subscribeAsync('spBv1.0/lab/NCMD/gw1', { qos: 1 });
    return node;
  }

  async born(): Promise<void> {
    this.#seq = 0;
    await this.says('NBIRTH', [
      { name: 'bdSeq', type: 'UInt64', value: this.#bdSeq },
      { name: 'Node Control/Rebirth', type: 'Boolean', value: false },
    ]);
    await this.says('DBIRTH', BORN);
  }

  async says(type: string, metrics: readonly Metric[]): Promise<void> {
    const timestamp = Date.now();
    const seq = this.#seq;
    this.#seq = (this.#seq + 1) % 256;
    const payload = Buffer.from(library().encodePayload({ timestamp, seq, metrics: metrics.map((metric) => ({ timestamp, ...metric })) }));
    await this.#client.publishAsync(`spBv1.0/lab/${type}/gw1${type.startsWith('D') ? '/pump' : ''}`, payload, { qos: 1 });
  }

  /** The first command that it was given. */
  async asked(): Promise<Pick<Metric, 'name' | 'type' | 'value'>[]> {
    return (await within(this.#told, 'a command')).map(({ name, type, value }) => ({
      ...(name === undefined ? {} : { name }),
      type,
      value,
    }));
  }

  /** As a node whose power fails. */
  breakOff(): void {
    this.#client.stream.destroy();
  }

  end(): void {
    this.#client.end(true);
    this.#watcher.end(true);
  }
}

function library(): Library {
  return (peerRequire()('sparkplug-payload') as { get(space: string): Library }).get('spBv1.0');
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${WAIT_MS} ms: ${what}`)), WAIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
