/** Cutters and decoders of the drivers, and readers of captures, each as something that is fed with bytes. */
import { conversationsOf } from '../record/capture/conversations.ts';
import { readCapture, type Packet } from '../record/capture/file.ts';
import { FrameCutter } from '../../drivers/frame/cutter.ts';
import { readHeadFields } from '../../drivers/frame/read-fields.ts';
import { loadDescription, shippedDescriptions } from '../../drivers/frame/load-description.ts';
import { parseHj212Message } from '../../drivers/hj212/message.ts';
import { packetData, encodeHj212Packet, Hj212PacketCutter, type Hj212Segment } from '../../drivers/hj212/packet-cutter.ts';
import { LlrpMessageCutter } from '../../drivers/llrp/message.ts';
import { registrationFrom, withoutHeartbeats } from '../../drivers/modbus/dtu/identity.ts';
import { mbapFraming, type PendingExchange, type ModbusFraming } from '../../drivers/modbus/framing.ts';
import { rtuFraming } from '../../drivers/modbus/rtu.ts';
import { mbapThroughDtu } from '../../drivers/modbus/dtu/heartbeat-removal.ts';
import { decode as decodeMessage } from '../../drivers/mqtt-in/decode.ts';
import { frameReader as mqttIn } from '../../drivers/mqtt-in/frame-reader.ts';
import { MQTT_PROFILES } from '../../drivers/mqtt-in/settings.ts';

export interface LinearTarget {
  name: string;
  families: Readonly<Record<string, Buffer>>;
  /** Of which inputs are made at random. */
  words: readonly Buffer[];
  /** @returns takes what comes; `end` where something is done when nothing more does */
  make(): ((bytes: Buffer) => void) & { end?(): void };
}

const text = (...all: string[]) => all.map((one) => Buffer.from(one, 'latin1'));
const hex = (...all: string[]) => all.map((one) => Buffer.from(one, 'hex'));
const [heads, halfHeads, longHeads] = text('##9999&&0000', '##99', '\r\n##9999') as [Buffer, Buffer, Buffer];

const hj212: LinearTarget = {
  name: 'hj212',
  families: {
    'heads and ends': heads,
    'half heads': halfHeads,
    'heads on lines': longHeads,
    'heads alone': Buffer.from('##9999'),
    'heads without data': Buffer.from('##0000&&FFFF'),
    'ends alone': Buffer.from('&&0000'),
    packets: encodeHj212Packet('QN=1;ST=22;CN=2011;PW=1;MN=1;Flag=4;CP=&&a=1;b=2&&'),
    fields: encodeHj212Packet(`CN=2011;CP=&&${'a=1;'.repeat(200)}&&`),
  },
  words: text('##', '##9999', '##0012', '&&', '&&0000', '&&FFFF', '\r\n', 'CP=&&', ';', '=', 'x'.repeat(80)),
  make() {
    const cutter = new Hj212PacketCutter();
    const read = (cuts: readonly Hj212Segment[]) => {
      for (const cut of cuts) if (cut.is === 'packet') parseHj212Message(packetData(cut.bytes) ?? new Uint8Array());
    };
    return Object.assign((bytes: Buffer) => read(cutter.feed(bytes)), { end: () => read(cutter.end()) });
  },
};

const frames = shippedDescriptions().flatMap((name): LinearTarget[] => {
  const { protocol } = loadDescription(`shipped:${name}`);
  if (!protocol) return [];
  const { header, terminator } = protocol;
  const words = [
    header,
    header.subarray(0, 1),
    terminator,
    ...hex('00', 'ff', '0010', '7d01', '7d02', 'ffff'),
    ...text('0', '9', 'x'.repeat(40)),
  ].filter(({ length }) => length > 0);
  return [
    {
      name: `frame ${name}`,
      families: Object.fromEntries(
        words
          .map((word, at) => [`word ${at}`, word])
          .concat([['header and end', Buffer.concat([header, terminator, Buffer.from('0')])]]) as [string, Buffer][],
      ),
      words,
      make() {
        const cutter = new FrameCutter(protocol);
        const feed = (bytes: Buffer) => {
          for (const cut of cutter.feed(bytes)) if (cut.is === 'frame') readHeadFields(cut.bytes, protocol);
        };
        return Object.assign(feed, {
          end: () => {
            cutter.end();
          },
        });
      },
    },
  ];
});

const LLRP_KEEPALIVE = Buffer.from('043e0000000a00000001', 'hex');
const llrp: LinearTarget = {
  name: 'llrp',
  families: {
    keepalives: LLRP_KEEPALIVE,
    'a long message': Buffer.concat([Buffer.from('043d0007ffff00000001', 'hex'), Buffer.alloc(512 * 1024)]),
  },
  words: [LLRP_KEEPALIVE, ...hex('043d0000001400000001', '00000000', '00f0000e')],
  make() {
    const cutter = new LlrpMessageCutter();
    return (bytes) => {
      cutter.feed(bytes);
    };
  },
};

const ASKED: PendingExchange = { expected: { unit: 1, fc: 3, count: 10 }, transaction: 7, sent: Buffer.from('01030000000ac5cd', 'hex') };
/** As a port keeps bytes while it waits for an answer: never more than so many. */
const MOST_HELD = 2048;

function modbus(name: string, framing: ModbusFraming): LinearTarget {
  return {
    name: `modbus ${name}`,
    families: Object.fromEntries(
      Object.entries({
        heads: '010314',
        exceptions: '0183',
        'transactions of others': '0008000000050103020000',
        'own transaction': '0007000000050103020000',
        heartbeats: 'fe',
      }).map(([family, bytes]) => [family, Buffer.from(bytes, 'hex')]),
    ),
    words: hex('01', '0103', '010314', '0183', 'fe', 'fe00fe', '000700000017', '0007', '00'),
    make() {
      let held = Buffer.alloc(0);
      return (bytes) => {
        for (let at = 0; at < bytes.length; at += MOST_HELD / 2) {
          held = Buffer.concat([held, bytes.subarray(at, at + MOST_HELD / 2)]).subarray(-MOST_HELD);
          const cut = framing.cut(held, ASKED, false);
          if (cut.kind === 'broken') return;
          if (cut.kind !== 'wait') held = Buffer.from(cut.rest);
        }
      };
    },
  };
}

const registration: LinearTarget = {
  name: 'modbus registration',
  families: { heartbeats: Buffer.from('fe'), text: Buffer.from('DTU-1 ') },
  words: hex('fe', 'fe00fe', '0103', '44'),
  make: () => (bytes) => {
    for (let at = 0; at < bytes.length; at += 512) registrationFrom(withoutHeartbeats(bytes.subarray(at, at + 512), hex('fe', '00')));
  },
};

const STEP = 7;
/** Its input says in which order segments of one byte come behind a hole: `+` the next, `-` one from behind, `=` the newest again. */
const capture: LinearTarget = {
  name: 'captures',
  families: {
    'after a hole': Buffer.from('+'),
    'from behind': Buffer.from('-'),
    'again and again': Buffer.from('+=='),
    'by turns': Buffer.from('+-'),
  },
  words: [Buffer.from('+'), Buffer.from('-'), Buffer.from('='), Buffer.from('++--')],
  make() {
    return (bytes) => {
      let [ahead, behind] = [0, 0];
      // A packet costs as much as many bytes; by an odd step no family loses its turns.
      const packets = Array.from(
        bytes.filter((_, at) => at % STEP === 0),
        (byte, at): Packet => ({
          atUs: at,
          linkType: 101,
          bytes: segment(byte === 0x2b ? 2 ** 30 + (ahead += 1) : byte === 0x2d ? 2 ** 30 - (behind += 1) : 2 ** 30 + ahead),
        }),
      );
      conversationsOf([{ atUs: 0, linkType: 101, bytes: segment(1) }, ...packets]);
    };
  },
};

/** IPv4 and TCP without checksums, and a byte. */
function segment(seq: number): Buffer {
  const bytes = Buffer.from('450000290000000040060000c0000201c0000202c35001f60000000000000000501000000000000041', 'hex');
  bytes.writeUInt32BE(seq, 24);
  return bytes;
}

/** Files: what is fed in one write is one. */
const captureFiles: LinearTarget[] = [
  'd4c3b2a1020004000000000000000000ffff000001000000',
  '0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000',
].map((head, at) => ({
  name: `capture file ${at === 0 ? 'pcap' : 'pcapng'}`,
  families: {
    'empty packets': Buffer.alloc(16),
    'short blocks': hex('060000000c0000000c000000')[0] as Buffer,
    interfaces: hex('0100000014000000010000000000000014000000')[0] as Buffer,
  },
  words: hex('00000000', '06000000', '0c000000', '01000000', '14000000', 'ffffffff'),
  make: () => (bytes) => {
    readCapture('rig', Buffer.concat([Buffer.from(head, 'hex'), bytes]));
  },
}));

/** Whole messages: nested parts, long names, numbers without end. */
const messages: LinearTarget[] = MQTT_PROFILES.map((profile) => ({
  name: `mqtt-in ${profile}`,
  families: {
    arrays: Buffer.from('['),
    objects: Buffer.from('{"a":'),
    strings: Buffer.from('"\\'),
    digits: Buffer.from('[1234567890'),
    varints: hex('80')[0] as Buffer,
    'nested fields': hex('1202')[0] as Buffer,
  },
  words: [...text('[', '{"', '":', ',', '1', 'e9'), ...hex('12', '0a', '80', 'ff', '08')],
  make: () => (bytes) => {
    const [read] = mqttIn.read(
      [
        {
          topic: profile === 'sparkplug' ? 'spBv1.0/g/DDATA/n/d' : 'application/a/device/d/event/up',
          base64: Buffer.from(bytes).toString('base64'),
          profile,
        },
      ],
      [],
    );
    if (read && !read.fault) decodeMessage(read.frame);
  },
}));

const patterns = () => hex('fe', 'fe00fe');
export const LINEAR_TARGETS: readonly LinearTarget[] = [
  hj212,
  ...frames,
  llrp,
  modbus('tcp', mbapFraming),
  modbus('rtu', rtuFraming()),
  modbus('rtu through a unit', rtuFraming({ patterns })),
  modbus('tcp through a unit', mbapThroughDtu(patterns)),
  registration,
  capture,
  ...captureFiles,
  ...messages,
];
