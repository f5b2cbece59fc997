/** Cutters and decoders of the drivers, each as something that is fed with bytes. */
import { FrameCutter } from '../../drivers/frame/cutter.ts';
import { readHead } from '../../drivers/frame/read.ts';
import { loadDescription, shippedNames } from '../../drivers/frame/load.ts';
import { readMessage } from '../../drivers/hj212/message.ts';
import { dataOf, packetOf, PacketCutter } from '../../drivers/hj212/packet.ts';
import { MessageCutter } from '../../drivers/llrp/message.ts';
import { registrationIn, withoutHeartbeats } from '../../drivers/modbus/dtu/recognition.ts';
import { mbapFraming, type Awaited, type Framing } from '../../drivers/modbus/framing.ts';
import { rtuFraming } from '../../drivers/modbus/rtu.ts';
import { mbapThroughUnit } from '../../drivers/modbus/stripping.ts';

export interface Target {
  name: string;
  families: Readonly<Record<string, Buffer>>;
  /** Of which inputs are made at random. */
  words: readonly Buffer[];
  make(): (bytes: Buffer) => void;
}

const text = (...all: string[]) => all.map((one) => Buffer.from(one, 'latin1'));
const hex = (...all: string[]) => all.map((one) => Buffer.from(one, 'hex'));
const [heads, halfHeads, longHeads] = text('##9999&&0000', '##99', '\r\n##9999') as [Buffer, Buffer, Buffer];

const hj212: Target = {
  name: 'hj212',
  families: {
    'heads and ends': heads, 'half heads': halfHeads, 'heads on lines': longHeads, 'heads alone': Buffer.from('##9999'), 'heads without data': Buffer.from('##0000&&FFFF'),
    'ends alone': Buffer.from('&&0000'), packets: packetOf('QN=1;ST=22;CN=2011;PW=1;MN=1;Flag=4;CP=&&a=1;b=2&&'), fields: packetOf(`CN=2011;CP=&&${'a=1;'.repeat(200)}&&`),
  },
  words: text('##', '##9999', '##0012', '&&', '&&0000', '&&FFFF', '\r\n', 'CP=&&', ';', '=', 'x'.repeat(80)),
  make() {
    const cutter = new PacketCutter();
    return (bytes) => { for (const cut of cutter.feed(bytes)) if (cut.is === 'packet') readMessage(dataOf(cut.bytes) ?? new Uint8Array()); };
  },
};

const frames = shippedNames().flatMap((name): Target[] => {
  const { protocol } = loadDescription(`shipped:${name}`);
  if (!protocol) return [];
  const { header, terminator } = protocol;
  const words = [header, header.subarray(0, 1), terminator, ...hex('00', 'ff', '0010', '7d01', '7d02', 'ffff'), ...text('0', '9', 'x'.repeat(40))].filter(({ length }) => length > 0);
  return [{
    name: `frame ${name}`,
    families: Object.fromEntries(words.map((word, at) => [`word ${at}`, word]).concat([['header and end', Buffer.concat([header, terminator, Buffer.from('0')])]]) as [string, Buffer][]),
    words,
    make() {
      const cutter = new FrameCutter(protocol);
      return (bytes) => { for (const cut of cutter.feed(bytes)) if (cut.is === 'frame') readHead(cut.bytes, protocol); };
    },
  }];
});

const LLRP_KEEPALIVE = Buffer.from('043e0000000a00000001', 'hex');
const llrp: Target = {
  name: 'llrp',
  families: { keepalives: LLRP_KEEPALIVE, 'a long message': Buffer.concat([Buffer.from('043d0007ffff00000001', 'hex'), Buffer.alloc(512 * 1024)]) },
  words: [LLRP_KEEPALIVE, ...hex('043d0000001400000001', '00000000', '00f0000e')],
  make() {
    const cutter = new MessageCutter();
    return (bytes) => { cutter.feed(bytes); };
  },
};

const ASKED: Awaited = { asked: { unit: 1, fc: 3, count: 10 }, transaction: 7, sent: Buffer.from('01030000000ac5cd', 'hex') };
/** As a port keeps bytes while it waits for an answer: never more than so many. */
const MOST_HELD = 2048;

function modbus(name: string, framing: Framing): Target {
  return {
    name: `modbus ${name}`,
    families: Object.fromEntries(Object.entries({ heads: '010314', exceptions: '0183', 'transactions of others': '0008000000050103020000', 'own transaction': '0007000000050103020000', heartbeats: 'fe' }).map(([family, bytes]) => [family, Buffer.from(bytes, 'hex')])),
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

const registration: Target = {
  name: 'modbus registration', families: { heartbeats: Buffer.from('fe'), text: Buffer.from('DTU-1 ') }, words: hex('fe', 'fe00fe', '0103', '44'),
  make: () => (bytes) => { for (let at = 0; at < bytes.length; at += 512) registrationIn(withoutHeartbeats(bytes.subarray(at, at + 512), hex('fe', '00'))); },
};

const patterns = () => hex('fe', 'fe00fe');
export const TARGETS: readonly Target[] = [
  hj212, ...frames, llrp, modbus('tcp', mbapFraming), modbus('rtu', rtuFraming()), modbus('rtu through a unit', rtuFraming({ patterns })), modbus('tcp through a unit', mbapThroughUnit(patterns)), registration,
];
