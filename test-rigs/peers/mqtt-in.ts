/** mosquitto and mosquitto_pub as the broker and the devices behind it: both versions, TLS, a session that is kept. */
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FaultError, type Fault } from '../../core/faults.ts';
import { linkFrames } from '../../core/link-frames.ts';
import { realWorld } from '../../core/world.ts';
import { decode } from '../../drivers/mqtt-in/decode.ts';
import type { MqttInFrame } from '../../drivers/mqtt-in/frame.ts';
import { open } from '../../drivers/mqtt-in/link.ts';
import { point, settings, type ConfiguredMqttPoint } from '../../drivers/mqtt-in/settings.ts';
import { mosquittoProgram } from '../processes/mosquitto.ts';
import { freePort } from '../../core/free-port.ts';

const run = promisify(execFile);
const FLOW: ConfiguredMqttPoint[] = [{ ...point.parse({ path: 'flow' }), id: 'flow' }];

export interface MqttInBench {
  port: number;
  publish(topic: string, payload: string | Buffer, ...more: string[]): Promise<void>;
}

export const peers: { name: string; needs?: string[]; run(): Promise<void> }[] = [
  { name: 'mqtt-in: 100 values by 3.1.1 and by 5 through mosquitto', run: () => withBroker([], bothVersions) },
  { name: 'mqtt-in: mosquitto keeps what is not on disk, and gives it to the next connection', run: () => withBroker([], keepsSession) },
  { name: 'mqtt-in: TLS to mosquitto, its certificate checked and refused', needs: ['openssl'], run: tls },
];

async function bothVersions({ port, publish }: MqttInBench): Promise<void> {
  for (const version of ['3.1.1', '5'] as const) {
    const { link, next } = await mqttInDevice({ url: `mqtt://127.0.0.1:${port}`, version, topic: 'site/+/data' });
    const values: unknown[] = [];
    const reading = (async () => {
      while (values.length < 100) {
        const frame = await next();
        values.push(valueOf(frame));
        link.confirmStored?.(frame);
      }
    })();
    for (let flow = 0; flow < 100; flow += 1)
      await publish(`site/${flow % 7}/data`, JSON.stringify({ flow }), '-V', version === '5' ? 'mqttv5' : 'mqttv311');
    await reading;
    assert.deepEqual(values, Array.from({ length: 100 }, (_, flow) => flow));
    await link.close();
  }
}

async function keepsSession({ port, publish }: MqttInBench): Promise<void> {
  for (const version of ['3.1.1', '5'] as const) {
    const kept = { url: `mqtt://127.0.0.1:${port}`, version, topic: 'kept', session: 'kept', clientId: `edge-${version}` };
    const first = await mqttInDevice(kept);
    for (const flow of [1, 2, 3]) await publish('kept', JSON.stringify({ flow }));
    const frames = [await first.next(), await first.next(), await first.next()];
    first.link.confirmStored?.(frames[0] as MqttInFrame);
    await first.link.close();
    await publish('kept', JSON.stringify({ flow: 4 }));
    const second = await mqttInDevice(kept);
    const values = [];
    for (let count = 0; count < 3; count += 1) {
      const frame = await second.next();
      second.link.confirmStored?.(frame);
      values.push(valueOf(frame));
    }
    assert.deepEqual(values, [2, 3, 4]);
    await second.link.close();
  }
}

async function tls(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-mqtt-tls-'));
  try {
    const [cert, key] = [join(dir, 'broker.pem'), join(dir, 'broker-key.pem')];
    await run('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      '-subj',
      '/CN=broker',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    ]);
    await withBroker([`certfile ${cert}`, `keyfile ${key}`], async ({ port, publish }) => {
      const url = `mqtts://127.0.0.1:${port}`;
      const { link, next } = await mqttInDevice({ url, topic: 'safe', tls: { ca: cert } });
      await publish('safe', JSON.stringify({ flow: 5 }), '--cafile', cert);
      assert.equal(valueOf(await next()), 5);
      await link.close();
      await assert.rejects(
        mqttInDevice({ url, topic: 'safe' }),
        (error) => error instanceof FaultError && error.fault.code === 'CV_MQTT_IN_TLS',
      );
      const faults: Fault[] = [];
      const unchecked = await mqttInDevice({ url, topic: 'safe', tls: { verify: false } }, FLOW, faults);
      await unchecked.link.close();
      assert.deepEqual(faults.map(({ code }) => code), ['CV_MQTT_IN_UNVERIFIED']);
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function mqttInDevice(config: Record<string, unknown>, points = FLOW, faults: Fault[] = []) {
  const link = await open(settings.parse(config), points, realWorld((event) => { if (event.kind === 'fault') faults.push(event.fault); }));
  const frames = linkFrames(link, new AbortController().signal);
  return { link, next: async () => (await frames.next()).value as MqttInFrame };
}

function valueOf(frame: MqttInFrame): unknown {
  const decoded = decode(frame);
  return decoded.ok ? decoded.values?.[0]?.value : decoded.fault.code;
}

export async function withBroker(lines: readonly string[], work: (bench: MqttInBench) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'cv-mqtt-in-'));
  const port = await freePort();
  const file = join(dir, 'mosquitto.conf');
  await writeFile(
    file,
    [
      `listener ${port} 127.0.0.1`,
      ...lines,
      'allow_anonymous true',
      'log_dest none',
      ...(process.getuid?.() === 0 ? ['user root'] : []),
      '',
    ].join('\n'),
  );
  const child = spawn(mosquittoProgram() as string, ['-c', file], { stdio: 'ignore' });
  try {
    await listening(port, child);
    await work({ port, publish: (topic, payload, ...more) => publish(port, topic, payload, more) });
  } finally {
    const gone = new Promise((resolve) => { child.once('close', resolve); });
    if (child.exitCode === null && child.kill()) await gone;
    await rm(dir, { recursive: true, force: true });
  }
}

async function publish(port: number, topic: string, payload: string | Buffer, more: readonly string[]): Promise<void> {
  const child = spawn('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(port), '-q', '1', '-t', topic, '-s', ...more], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  child.stdin.end(payload);
  const status = await new Promise((resolve) => { child.once('close', resolve); });
  assert.equal(status, 0, `mosquitto_pub ${topic}`);
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => { socket.destroy(); resolve(true); });
      socket.once('error', () => resolve(false));
    });
    if (isOpen) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error('mosquitto does not listen');
}
