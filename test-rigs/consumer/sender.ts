/** An outside program that sends under an edge's token, with nothing but MQTT and docs/events.md. */
import { connect } from 'mqtt';

/** As on the wire: a batch in rows, and the answers. */
export interface Rows {
  v: number;
  from: string;
  stream: string;
  epoch: number;
  seq: number;
  events: Record<string, unknown>[];
}
interface Answer {
  v: number;
  stream?: string;
  epoch?: number;
  upTo?: number;
  have?: [number, number][];
  refused?: { from: number; to: number; code: string }[];
  error?: string;
  sha256?: string;
}

export interface EventSender {
  /** Publishes bytes as they are; resolves with the first answer that comes after. */
  ask(payload: string | Uint8Array): Promise<Answer>;
  /** Sends a batch, again after each reconnect, until an ack has it settled. */
  send(batch: Rows): Promise<void>;
  close(): Promise<void>;
}

const CENTRE = '500112001';

/** Connects; resolves when it listens to its acks. */
export async function openSender(brokerUrl: string, edge: string, token: string): Promise<EventSender> {
  const topic = (leaf: string) => `cv/v1/in/${CENTRE}/${edge}/${leaf}`;
  const client = connect(brokerUrl, {
    protocolVersion: 4,
    clientId: `cv-${edge}`,
    username: edge,
    password: token,
    clean: true,
    reconnectPeriod: 100,
    queueQoSZero: false,
  });
  const open = new Set<{ batch: Rows; settle(): void }>();
  const curious: ((answer: Answer) => void)[] = [];
  const publish = (payload: string | Uint8Array) => {
    // What goes wrong here is sent again after the reconnect.
    if (client.connected) client.publish(topic('up'), Buffer.from(payload), { qos: 1 }, () => {});
  };
  // A refused connection is tried again by the client itself.
  client.on('error', () => {});
  client.on('message', (_topic, payload) => {
    const answer = JSON.parse(payload.toString()) as Answer;
    curious.shift()?.(answer);
    for (const one of open) if (isSettled(one.batch, answer)) one.settle();
  });
  await new Promise<void>((resolve) => {
    client.on('connect', () => {
      client.subscribe(topic('ack'), { qos: 1 }, () => {
        resolve();
        for (const { batch } of open) publish(JSON.stringify(batch));
      });
    });
  });
  return {
    ask: (payload) => new Promise((resolve) => {
      curious.push(resolve);
      publish(payload);
    }),
    send: (batch) => new Promise((resolve) => {
      const one = { batch, settle() { open.delete(one); resolve(); } };
      open.add(one);
      publish(JSON.stringify(batch));
    }),
    close: () => client.endAsync(true),
  };
}

function isSettled({ stream, epoch, seq, events }: Rows, answer: Answer): boolean {
  if (answer.stream !== stream || answer.epoch !== epoch) return false;
  const to = seq + events.length - 1;
  return to <= (answer.upTo ?? 0) || (answer.have ?? []).some(([from, until]) => from <= seq && to <= until);
}
