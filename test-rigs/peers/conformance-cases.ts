/**
 * MQTT 3.1.1 as bytes: what is sent, and what a broker must answer or close for. Each case names the clause it holds a
 * broker to. `a` and `b` are connections under test, `peer` is one with all rights that is already connected.
 *
 * @see MQTT Version 3.1.1, OASIS Standard, and for the one case of MQTT 5 its section 3.2.2.2
 */

export type MqttActor = 'a' | 'b' | 'peer';
export type ConformanceStep =
  | { on: MqttActor; send: Buffer }
  /** An acknowledgement (first byte given) of what came last with an identifier. */
  | { on: MqttActor; acknowledge: number }
  /** Packets as `packetWords` of conformance.ts puts them; `closed` when the broker ends the connection. */
  | { on: MqttActor; want: string }
  /** The connection breaks without DISCONNECT. */
  | { on: MqttActor; cut: true };

export interface ConformanceCase {
  name: string;
  clause: string;
  /** Waits for time to pass; left out where the suite must be quick. */
  isSlow?: true;
  steps: ConformanceStep[];
}

export const CONFORMANCE_EDGE = { id: 'cv-pump', user: 'pump', password: 'pump-token' };
const CITY = { id: 'reader', user: 'city', password: 'city-password' };
const ROOT = 'cv/v1/in/500112001/pump';
const [UP, STATE, CMD, ACK] = [`${ROOT}/up`, `${ROOT}/state`, `${ROOT}/cmd`, `${ROOT}/ack`];
const OUT = 'cv/v1/out/500112001/level';

export const packetBytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const text = (value: string | Buffer): Buffer => Buffer.concat([u16(Buffer.byteLength(value)), Buffer.from(value as string)]);
export function mqttPacket(first: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

interface Connect {
  id?: string | Buffer;
  user?: string;
  password?: string;
  name?: string;
  level?: number;
  /** In place of those that follow from the rest. */
  flags?: number;
  keepalive?: number;
  will?: { topic: string; payload: string; retain?: boolean };
  /** Bytes between keepalive and client id: properties of MQTT 5. */
  properties?: Buffer;
}
export function connectAction({
  id = '',
  user,
  password,
  name = 'MQTT',
  level = 4,
  flags,
  keepalive = 0,
  will,
  properties = Buffer.alloc(0),
}: Connect): Buffer {
  const own = 0x02 | (user === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40) | (will ? 0x0c | (will.retain ? 0x20 : 0) : 0);
  const fields = [
    text(id),
    ...(will ? [text(will.topic), text(will.payload)] : []),
    ...[user, password].filter((field) => field !== undefined).map(text),
  ];
  return mqttPacket(0x10, text(name), Buffer.from([level, flags ?? own]), u16(keepalive), properties, ...fields);
}
const publish = (first: number, topic: string | Buffer, id: number | null, payload = 'x'): Buffer =>
  mqttPacket(first, text(topic), ...(id === null ? [] : [u16(id)]), Buffer.from(payload));
const subscribe = (id: number, filter: string | Buffer, qos: number, first = 0x82): Buffer =>
  mqttPacket(first, u16(id), text(filter), Buffer.from([qos]));
const unsubscribe = (id: number, filter: string | Buffer): Buffer => mqttPacket(0xa2, u16(id), text(filter));
const PING = packetBytes('c000');
const DISCONNECT = packetBytes('e000');

const send = (on: MqttActor, data: Buffer): ConformanceStep => ({ on, send: data });
const want = (on: MqttActor, words: string): ConformanceStep => ({ on, want: words });
const ask = (on: MqttActor, data: Buffer, words: string): ConformanceStep[] => [send(on, data), want(on, words)];
/** The broker closes without an answer. */
const closesAt = (...data: Buffer[]): ConformanceStep[] => [...data.map((one) => send('a', one)), want('a', 'closed')];
const edge = (over: Connect = {}): Buffer => connectAction({ ...CONFORMANCE_EDGE, ...over });
const city = (over: Connect = {}): Buffer => connectAction({ ...CITY, ...over });
const isIn = (on: MqttActor, data: Buffer): ConformanceStep[] => ask(on, data, 'CONNACK 0 0');
const edgeIn = isIn('a', edge());
const cityIn = isIn('a', city());
const BAD_TEXT = Buffer.concat([Buffer.from('cv/v1/out/'), packetBytes('c328')]);
const NUL_TEXT = Buffer.from('cv/v1/out/\0');

export const CASES: ConformanceCase[] = [
  // The fixed header and identifiers.
  { name: 'a remaining length of five bytes', clause: '2.2.3', steps: closesAt(packetBytes('10 ffffffff7f')) },
  { name: 'packet type 0', clause: '2.2.1', steps: [...cityIn, ...closesAt(packetBytes('0000'))] },
  { name: 'reserved flags in PINGREQ', clause: 'MQTT-2.2.2-2', steps: [...cityIn, ...closesAt(packetBytes('c100'))] },
  { name: 'SUBSCRIBE with packet identifier 0', clause: 'MQTT-2.3.1-1', steps: [...cityIn, ...closesAt(subscribe(0, 'cv/v1/out/#', 1))] },
  { name: 'PUBLISH of QoS 1 with packet identifier 0', clause: 'MQTT-2.3.1-1', steps: [...edgeIn, ...closesAt(publish(0x32, UP, 0))] },
  // CONNECT.
  { name: 'a first packet that is not CONNECT', clause: 'MQTT-3.1.0-1', steps: closesAt(PING) },
  { name: 'a second CONNECT', clause: 'MQTT-3.1.0-2', steps: [...cityIn, ...closesAt(city())] },
  { name: 'another protocol name', clause: 'MQTT-3.1.2-1', steps: closesAt(city({ name: 'MQTX' })) },
  {
    name: 'protocol level 6 is answered with CONNACK 1',
    clause: 'MQTT-3.1.2-2',
    steps: [...ask('a', city({ level: 6 }), 'CONNACK 0 1'), want('a', 'closed')],
  },
  { name: 'the reserved flag of CONNECT', clause: 'MQTT-3.1.2-3', steps: closesAt(city({ flags: 0xc3 })) },
  { name: 'a will with QoS 3', clause: 'MQTT-3.1.2-14', steps: closesAt(edge({ will: { topic: STATE, payload: '{}' }, flags: 0xde })) },
  { name: 'QoS of a will without a will', clause: 'MQTT-3.1.2-13', steps: closesAt(city({ flags: 0xca })) },
  { name: 'a password without a user', clause: 'MQTT-3.1.2-22', steps: closesAt(connectAction({ id: 'reader', password: 'x' })) },
  {
    name: 'a CONNECT that ends within its client id',
    clause: 'MQTT-3.1.3-3',
    steps: closesAt(mqttPacket(0x10, text('MQTT'), packetBytes('04 02 0000 0009 61'))),
  },
  { name: 'an ill-formed client id', clause: 'MQTT-1.5.3-1', steps: closesAt(city({ id: packetBytes('c328') })) },
  {
    name: 'an empty client id with clean session is given one',
    clause: 'MQTT-3.1.3-6',
    steps: [...isIn('a', city({ id: '' })), ...ask('a', PING, 'PINGRESP')],
  },
  {
    name: 'an empty client id without clean session is answered with CONNACK 2',
    clause: 'MQTT-3.1.3-8',
    steps: [...ask('a', city({ id: '', flags: 0xc0 }), 'CONNACK 0 2'), want('a', 'closed')],
  },
  {
    name: 'a wrong password is refused',
    clause: '3.2.2.3',
    steps: [...ask('a', city({ password: 'no' }), 'CONNACK 0 5'), want('a', 'closed')],
  },
  {
    name: 'a clean session has no session present',
    clause: 'MQTT-3.2.2-1',
    steps: [...isIn('a', city()), send('a', DISCONNECT), want('a', 'closed'), ...isIn('b', city())],
  },
  {
    name: 'the newer connection under an id ends the older',
    clause: 'MQTT-3.1.4-2',
    steps: [...edgeIn, ...isIn('b', edge()), want('a', 'closed'), ...ask('b', PING, 'PINGRESP')],
  },
  {
    name: 'silence for one and a half times the keep-alive',
    clause: 'MQTT-3.1.2-24',
    isSlow: true,
    steps: [...isIn('a', city({ keepalive: 1 })), want('a', 'closed')],
  },
  // PUBLISH.
  { name: 'PUBLISH with QoS 3', clause: 'MQTT-3.3.1-4', steps: [...edgeIn, ...closesAt(publish(0x36, UP, 1))] },
  { name: 'DUP with QoS 0', clause: 'MQTT-3.3.1-2', steps: [...edgeIn, ...closesAt(publish(0x38, UP, null))] },
  { name: 'a wildcard in a topic', clause: 'MQTT-3.3.2-2', steps: [...edgeIn, ...closesAt(publish(0x30, `${ROOT}/+`, null))] },
  { name: 'an empty topic', clause: 'MQTT-4.7.3-1', steps: [...edgeIn, ...closesAt(publish(0x30, '', null))] },
  { name: 'U+0000 in a topic', clause: 'MQTT-1.5.3-2', steps: [...edgeIn, ...closesAt(publish(0x30, `${UP}\0`, null))] },
  {
    name: 'QoS 0 and QoS 1 of a publisher, in order',
    clause: 'MQTT-4.3.2-2',
    steps: [
      ...ask('peer', subscribe(1, UP, 1), 'SUBACK 1 [1]'),
      ...edgeIn,
      send('a', publish(0x30, UP, null, 'one')),
      want('peer', `PUBLISH ${UP} q0 one`),
      ...ask('a', publish(0x32, UP, 7, 'two'), 'PUBACK 7'),
      want('peer', `PUBLISH ${UP} q1 two`),
    ],
  },
  {
    name: 'QoS 2 of a publisher',
    clause: 'MQTT-4.3.3-2',
    steps: [
      ...cityIn,
      ...ask('a', subscribe(1, OUT, 0), 'SUBACK 1 [0]'),
      ...ask('peer', publish(0x34, OUT, 9, 'once'), 'PUBREC 9'),
      ...ask('peer', mqttPacket(0x62, u16(9)), 'PUBCOMP 9'),
      want('a', `PUBLISH ${OUT} q0 once`),
    ],
  },
  {
    name: 'QoS 2 to a subscriber',
    clause: 'MQTT-4.3.3-1',
    steps: [
      ...edgeIn,
      ...ask('a', subscribe(1, CMD, 2), 'SUBACK 1 [2]'),
      ...ask('peer', publish(0x34, CMD, 4, 'do'), 'PUBREC 4'),
      ...ask('peer', mqttPacket(0x62, u16(4)), 'PUBCOMP 4'),
      want('a', `PUBLISH ${CMD} q2 do`),
      { on: 'a', acknowledge: 0x50 },
      want('a', 'PUBREL'),
      { on: 'a', acknowledge: 0x70 },
      ...ask('a', PING, 'PINGRESP'),
    ],
  },
  {
    name: 'a retained message reaches who subscribes later, with the flag',
    clause: 'MQTT-3.3.1-6',
    steps: [
      ...ask('peer', publish(0x33, `${OUT}/kept`, 3, 'kept'), 'PUBACK 3'),
      ...cityIn,
      ...ask('a', subscribe(1, `${OUT}/kept`, 1), 'SUBACK 1 [1]'),
      want('a', `PUBLISH ${OUT}/kept q1 retain kept`),
      ...ask('peer', publish(0x33, `${OUT}/kept`, 4, ''), 'PUBACK 4'),
    ],
  },
  {
    name: 'an empty retained message removes the one that is kept',
    clause: 'MQTT-3.3.1-10',
    steps: [
      ...ask('peer', publish(0x33, `${OUT}/gone`, 3, 'kept'), 'PUBACK 3'),
      ...ask('peer', publish(0x33, `${OUT}/gone`, 4, ''), 'PUBACK 4'),
      ...cityIn,
      ...ask('a', subscribe(1, `${OUT}/gone`, 1), 'SUBACK 1 [1]'),
      ...ask('a', PING, 'PINGRESP'),
    ],
  },
  // Wills.
  {
    name: 'the will is published when the connection breaks',
    clause: 'MQTT-3.1.2-8',
    steps: [
      ...ask('peer', subscribe(1, STATE, 1), 'SUBACK 1 [1]'),
      ...isIn('a', edge({ will: { topic: STATE, payload: 'gone' } })),
      { on: 'a', cut: true },
      want('peer', `PUBLISH ${STATE} q1 gone`),
    ],
  },
  {
    name: 'no will after DISCONNECT',
    clause: 'MQTT-3.14.4-3',
    steps: [
      ...ask('peer', subscribe(1, STATE, 1), 'SUBACK 1 [1]'),
      ...isIn('a', edge({ will: { topic: STATE, payload: 'gone' } })),
      send('a', DISCONNECT),
      want('a', 'closed'),
      ...isIn('b', edge()),
      send('b', publish(0x30, STATE, null, 'after')),
      want('peer', `PUBLISH ${STATE} q0 after`),
    ],
  },
  // SUBSCRIBE and UNSUBSCRIBE.
  { name: 'reserved flags in SUBSCRIBE', clause: 'MQTT-3.8.1-1', steps: [...cityIn, ...closesAt(subscribe(1, 'cv/v1/out/#', 1, 0x80))] },
  { name: 'SUBSCRIBE without a filter', clause: 'MQTT-3.8.3-3', steps: [...cityIn, ...closesAt(mqttPacket(0x82, u16(1)))] },
  { name: 'SUBSCRIBE with QoS 3', clause: 'MQTT-3.8.3-4', steps: [...cityIn, ...closesAt(subscribe(1, 'cv/v1/out/#', 3))] },
  { name: 'ill-formed UTF-8 in a filter', clause: 'MQTT-1.5.3-1', steps: [...cityIn, ...closesAt(subscribe(1, BAD_TEXT, 1))] },
  { name: 'U+0000 in a filter', clause: 'MQTT-1.5.3-2', steps: [...cityIn, ...closesAt(subscribe(1, NUL_TEXT, 1))] },
  { name: '# that is not the last level', clause: 'MQTT-4.7.1-2', steps: [...cityIn, ...closesAt(subscribe(1, 'cv/v1/out/#/x', 1))] },
  {
    name: 'filters that overlap: each message comes, and each SUBSCRIBE is answered',
    clause: 'MQTT-3.8.4-1',
    steps: [
      ...cityIn,
      ...ask(
        'a',
        mqttPacket(0x82, u16(5), text('cv/v1/out/#'), Buffer.from([0]), text('cv/v1/out/+/level'), Buffer.from([0])),
        'SUBACK 5 [0,0]',
      ),
      send('peer', publish(0x30, OUT, null, 'both')),
      want('a', `PUBLISH ${OUT} q0 both`),
    ],
  },
  {
    name: 'UNSUBSCRIBE is answered, and ends what was subscribed',
    clause: 'MQTT-3.10.4-4',
    steps: [
      ...edgeIn,
      ...ask('a', subscribe(1, ACK, 0), 'SUBACK 1 [0]'),
      ...ask('a', unsubscribe(2, ACK), 'UNSUBACK 2'),
      ...ask('peer', publish(0x32, ACK, 6, 'late'), 'PUBACK 6'),
      ...ask('a', PING, 'PINGRESP'),
    ],
  },
  {
    name: '# does not reach topics that begin with $',
    clause: 'MQTT-4.7.2-1',
    steps: [
      ...ask('peer', subscribe(1, '#', 0), 'SUBACK 1 [0]'),
      send('peer', publish(0x30, '$test/1', null, 'hidden')),
      send('peer', publish(0x30, OUT, null, 'seen')),
      want('peer', `PUBLISH ${OUT} q0 seen`),
    ],
  },
];
