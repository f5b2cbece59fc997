/** What each contender of the decode bench is given. */
import type { Decoded } from '../../../core/driver.ts';
import { settings as hj212Settings, point as hj212Point, type Hj212Point } from '../../../drivers/hj212/settings.ts';
import { hj212Crc } from '../../../drivers/hj212/crc.ts';
import { decode as decodeHj212 } from '../../../drivers/hj212/decode.ts';
import { uploadPointMap } from '../../../drivers/hj212/frame.ts';
import { hj212PacketBytes } from '../../../drivers/hj212/testing/data-logger.ts';
import { decode as decodeLlrp } from '../../../drivers/llrp/decode.ts';
import { encodeLlrpMessage, encodeParameter, LLRP_MESSAGE_TYPES, u16, u8 } from '../../../drivers/llrp/message.ts';
import { eachParameter } from '../../../drivers/llrp/parameters.ts';
import { UNKNOWN_CLOCK } from '../../../drivers/llrp/reader-clock.ts';
import { decode as decodeModbus } from '../../../drivers/modbus/decode.ts';
import { requests } from '../../../drivers/modbus/requests.ts';
import { point as modbusPoint, settings as modbusSettings, type ModbusPoint } from '../../../drivers/modbus/settings.ts';

export interface DecodeWorkload {
  name: string;
  unit: string;
  /** Things that one call decodes. */
  perCall: number;
  /** Each decodes one of the frames; `ours` is the driver's own. */
  contenders: Record<string, (turn: number) => unknown>;
}

export const FRAMES = 64;
export const DECODED_AT_MS = Date.UTC(2026, 0, 1);

/** No contender may go on with a frame that it did not read. */
export function isRead(decoded: Decoded, values: number): void {
  if (!decoded.ok || decoded.values?.length !== values) throw new Error('a frame of the bench is not decoded');
}

export function hj212Work(): DecodeWorkload {
  const codes = ['a34004', 'a34002', 'a05024', 'a21026', 'a21004', 'a21005', 'a01001', 'a01002', 'a01006', 'a01007'];
  const packets = Array.from({ length: FRAMES }, (_, turn) =>
    hj212PacketBytes(
      `QN=20260101080000${String(turn).padStart(3, '0')};ST=22;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&DataTime=20260101080000;${codes.map((code, at) => `${code}-Rtd=${turn + at / 10},${code}-Flag=N`).join(';')}&&`,
    ).subarray(0, -2),
  );
  const plan = uploadPointMap(
    codes.map((factor) => ({ id: factor, ...(hj212Point.parse({ factor }) as Hj212Point) })),
    hj212Settings.parse({ listen: '127.0.0.1:1', mn: '0' }),
  );
  return {
    name: 'hj212', unit: 'frames/s', perCall: 1,
    contenders: {
      ours: (turn) =>
        isRead(
          decodeHj212({ is: 'upload', packet: packets[turn % FRAMES] as Uint8Array, observedAt: DECODED_AT_MS, pointMap: plan }),
          codes.length,
        ),
      'bare-loop': (turn) => hj212Crc(packets[turn % FRAMES] as Uint8Array),
    },
  };
}

const TAGS = 20;

export function llrpWork(peer: NodeJS.Require): DecodeWorkload {
  const u64 = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    return bytes;
  };
  const messages = Array.from({ length: FRAMES }, (_, turn) =>
    encodeLlrpMessage(
      LLRP_MESSAGE_TYPES.report,
      turn,
      ...Array.from({ length: TAGS }, (_unused, at) =>
        encodeParameter(
          240,
          u8(0x8d),
          Buffer.from(`3074257BF7194E40${String(turn * TAGS + at).padStart(8, '0')}`, 'hex'),
          u8(0x81),
          u16(1 + (at % 4)),
          u8(0x86, 200),
          u8(0x87),
          u16(3),
          u8(0x82),
          u64(BigInt(DECODED_AT_MS) * 1000n),
          u8(0x84),
          u64(BigInt(DECODED_AT_MS) * 1000n),
          u8(0x88),
          u16(1),
        ),
      ),
    ),
  );
  const { LLRPMessage } = peer('llrpjs') as { LLRPMessage: new (bytes: Uint8Array) => { decode(): { toLLRPData(): unknown } } };
  const plan = { reads: [{ id: 'tag', antennas: [], prefix: '' }], inputs: [], antennasDown: [] };
  const clock = { ...UNKNOWN_CLOCK, utcOffsetMs: 0 };
  const none = new Set<number>();
  return {
    name: 'llrp', unit: 'tags/s', perCall: TAGS,
    contenders: {
      ours: (turn) =>
        isRead(
          decodeLlrp({
            is: 'message',
            bytes: messages[turn % FRAMES] as Uint8Array,
            observedAt: DECODED_AT_MS,
            clock,
            plan,
            repetitions: none,
            antennasDown: 0,
          }),
          TAGS,
        ),
      'bare-loop': (turn) => {
        const bytes = messages[turn % FRAMES] as Uint8Array;
        let seen = 0;
        eachParameter(bytes, 10, bytes.length, (_type, from, to) => eachParameter(bytes, from, to, () => { seen += 1; }));
        return seen;
      },
      llrpjs: (turn) => new LLRPMessage(Buffer.from(messages[turn % FRAMES] as Uint8Array)).decode().toLLRPData(),
    },
  };
}

const REGISTERS = 124;

export function modbusWork(): DecodeWorkload {
  const settings = modbusSettings.parse({ transport: 'tcp', host: '127.0.0.1' });
  const points = Array.from({ length: REGISTERS / 2 }, (_, at) => ({
    ...(modbusPoint.parse({ id: `p${at}`, address: `holding:${at * 2}`, type: 'float32' }) as ModbusPoint),
    id: `p${at}`,
  }));
  const [request] = requests(points, settings);
  if (!request) throw new Error('no request');
  const answers = Array.from({ length: FRAMES }, (_, turn) => {
    const pdu = Buffer.alloc(2 + REGISTERS * 2);
    pdu[0] = request.fc;
    pdu[1] = REGISTERS * 2;
    for (let at = 0; at < REGISTERS / 2; at += 1) pdu.writeFloatBE(turn + at / 8, 2 + at * 4);
    return pdu;
  });
  return {
    name: 'modbus', unit: 'frames/s', perCall: 1,
    contenders: {
      ours: (turn) => isRead(decodeModbus(answers[turn % FRAMES] as Uint8Array, request), REGISTERS / 2),
      'bare-loop': (turn) => {
        const pdu = answers[turn % FRAMES] as Buffer;
        let sum = 0;
        for (let at = 2; at < pdu.length; at += 4) sum += pdu.readFloatBE(at);
        return sum;
      },
    },
  };
}
