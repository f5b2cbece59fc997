/**
 * A gateway that misbehaves on purpose, for tests of the edge's forwarding: a real MQTT broker and an ordinary client
 * behind it that takes batches in, and loses, delays, repeats or refuses its answers by a seeded chance.
 */
import { createHash } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import mqtt, { type MqttClient } from 'mqtt';
import { eventId, type Event, type Stream } from '../../core/event.ts';
import { freePort } from '../../core/free-port.ts';
import { addRange, missingRanges, toMark, type SeqRange } from '../../log/ranges.ts';
import { decodeBatch, type Batch } from '../../core/wire/batch.ts';
import type { Ack, EdgeState, RefusedRange } from '../../core/wire/messages.ts';
import { edgeTopic, EDGE_FILTER, parseEdgeTopic, WIRE_VERSION, type EdgeAddress } from '../../core/wire/topics.ts';
import { seededRandom } from '../../core/world.ts';

export interface GatewayBehaviour {
  seed?: number;
  /** Part of the batches that never arrive, arrive but are not answered, are answered twice. */
  lose?: number;
  forget?: number;
  repeat?: number;
  /** Batches above this many bytes never arrive. */
  maxBytes?: number;
  /** A code: the payload is refused with it. */
  refuse?(batch: Batch): string | null;
  /** Events that are quarantined one by one, and acknowledged as refused. */
  quarantine?(event: Event): boolean;
  /** Answers `state` with a clock that is this much ahead. */
  clockAheadMs?: number;
}

export interface ReceivedBatch {
  lane: 'up' | 'late';
  stream: Stream;
  epoch: number;
  from: number;
  to: number;
}

export class FakeGateway {
  readonly broker: Aedes;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #marks = new Map<string, SeqRange[]>();
  readonly events = new Map<string, Event>();
  readonly arrivals: ReceivedBatch[] = [];
  readonly states: EdgeState[] = [];
  twice = 0;
  behaviour: GatewayBehaviour;
  readonly #random;
  #client: MqttClient | null = null;
  port = 0;

  constructor(broker: Aedes, behaviour: GatewayBehaviour) {
    this.broker = broker;
    this.behaviour = behaviour;
    this.#random = seededRandom(behaviour.seed ?? 1);
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      broker.handle(socket);
    });
  }

  /** @param at absent: any that one can come back to later */
  static async open(behaviour: GatewayBehaviour = {}, at?: number): Promise<FakeGateway> {
    const gateway = new FakeGateway(await Aedes.createBroker(), behaviour);
    const port = at ?? await freePort();
    await new Promise<void>((resolve) => { gateway.#server.listen(port, '127.0.0.1', resolve); });
    gateway.port = (gateway.#server.address() as AddressInfo).port;
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.port}`, {
      protocolVersion: 4,
      clientId: 'gateway',
      reconnectPeriod: 20,
    });
    (client.stream as Socket).setNoDelay(true);
    client.on('message', (topic, payload) => gateway.#take(topic, payload));
    await client.subscribeAsync(EDGE_FILTER, { qos: 1 });
    gateway.#client = client;
    return gateway;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  /** Cuts the connections of edges, in the middle of whatever they were doing. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    await this.#client?.endAsync(true);
    await new Promise<void>((resolve) => { this.broker.close(resolve); });
    await new Promise<void>((resolve) => { this.#server.close(() => resolve()); });
  }

  #take(topic: string, payload: Buffer): void {
    const address = parseEdgeTopic(topic);
    if (!address) return;
    if (address.leaf === 'state' && payload.length > 0) this.#takeState(address, JSON.parse(payload.toString()) as EdgeState);
    if (address.leaf !== 'up' && address.leaf !== 'late') return;
    if (this.#chance(this.behaviour.lose) || payload.length > (this.behaviour.maxBytes ?? Infinity)) return;
    const batch = decodeBatch(payload);
    const code = this.behaviour.refuse?.(batch);
    if (code) return this.#answer(address, { v: WIRE_VERSION, error: code, sha256: createHash('sha256').update(payload).digest('hex') });
    this.#accept(address, address.leaf, batch);
  }

  #accept(address: EdgeAddress, lane: 'up' | 'late', batch: Batch): void {
    const { stream, epoch, seq, events } = batch;
    const key = `${stream}|${epoch}`;
    const last = seq + events.length - 1;
    const before = this.#marks.get(key) ?? [];
    this.arrivals.push({ lane, stream, epoch, from: seq, to: last });
    this.twice += events.length - missingRanges(before, seq, last).reduce((sum, [a, b]) => sum + b - a + 1, 0);
    const refused: RefusedRange[] = [];
    for (const event of events) {
      if (this.behaviour.quarantine?.(event)) refused.push({ from: event.seq, to: event.seq, code: 'CV_EVENT_INVALID' });
      else this.events.set(eventId(event), event);
      const { gap } = event;
      if (gap && gap.fromSeq > 0)
        this.#marks.set(
          `${gap.stream}|${gap.epoch}`,
          addRange(this.#marks.get(`${gap.stream}|${gap.epoch}`) ?? [], gap.fromSeq, gap.toSeq),
        );
    }
    this.#marks.set(key, addRange(this.#marks.get(key) ?? [], seq, last));
    if (this.#chance(this.behaviour.forget)) return;
    const ack: Ack = { v: WIRE_VERSION, stream, epoch, ...toMark(this.#marks.get(key) ?? []), refused, gateway: 'gw', at: 1 };
    this.#answer(address, ack);
    if (this.#chance(this.behaviour.repeat)) this.#answer(address, ack);
  }

  #takeState(address: EdgeAddress, state: EdgeState): void {
    this.states.push(state);
    const ahead = this.behaviour.clockAheadMs;
    if (ahead !== undefined && state.sentAt !== undefined)
      this.#answer(address, { v: WIRE_VERSION, clock: { echo: state.sentAt, at: state.sentAt + ahead } });
  }

  #answer(address: EdgeAddress, body: object): void {
    this.#client?.publish(edgeTopic(address.centre, address.edge, 'ack'), JSON.stringify(body), { qos: 1 });
  }

  #chance(part: number | undefined): boolean {
    return part !== undefined && this.#random.next() < part;
  }
}
