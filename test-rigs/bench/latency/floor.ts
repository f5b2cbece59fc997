/** What nothing durable over MQTT can be faster than: a bare QoS 1 round trip through a broker, then two forced writes. */
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { BENCH_PASSWORD, BENCH_USER, startOpenMosquitto } from '../peers/mosquitto.ts';
import type { Rig } from '../rig.ts';

const TOPIC = 'floor';
/** What a small commit of the log writes. */
const WRITE = Buffer.alloc(4096, 0x61);

export class Floor {
  readonly #client: MqttClient;
  readonly #file: FileHandle;

  private constructor(client: MqttClient, file: FileHandle) {
    this.#client = client;
    this.#file = file;
  }

  static async open(rig: Rig): Promise<Floor> {
    const mosquitto = await startOpenMosquitto(rig);
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${mosquitto.port}`, {
      username: BENCH_USER,
      password: BENCH_PASSWORD,
      clientId: 'floor',
      protocolVersion: 4,
    });
    rig.undo(() => client.endAsync(true));
    await client.subscribeAsync(TOPIC, { qos: 1 });
    const file = await open(join(rig.dir, 'floor'), 'a');
    rig.undo(() => file.close());
    return new Floor(client, file);
  }

  /** ms of one round trip and two writes. */
  async measure(): Promise<number> {
    const startedMs = performance.now();
    const heard = new Promise<void>((resolve) => { this.#client.once('message', () => resolve()); });
    await this.#client.publishAsync(TOPIC, WRITE.subarray(0, 300), { qos: 1 });
    await heard;
    for (let write = 0; write < 2; write += 1) {
      await this.#file.write(WRITE);
      await this.#file.datasync();
    }
    return performance.now() - startedMs;
  }
}
