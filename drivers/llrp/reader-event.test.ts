import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReaderEvent, llrpStatus } from './reader-event.ts';

/** TLV: type, length including its own header, content. */
function tlv(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(4 + content.length, 2);
  return Buffer.concat([head, content]);
}

function message(...parameters: Buffer[]): Buffer {
  const head = Buffer.alloc(10);
  const whole = Buffer.concat([head, ...parameters]);
  whole.writeUInt16BE(0x043f, 0);
  whole.writeUInt32BE(whole.length, 2);
  return whole;
}

const status = (code: number, text: string, stated = Buffer.byteLength(text)) =>
  tlv(287, Buffer.concat([Buffer.from([code >> 8, code & 0xff, stated >> 8, stated & 0xff]), Buffer.from(text)]));

test('the status of a response is its first LLRPStatus, at any position; a truncated one is ignored', () => {
  assert.deepEqual(llrpStatus(message(status(0, ''))), { code: 0, text: '' });
  assert.deepEqual(llrpStatus(message(tlv(240, Buffer.from([1, 2, 3, 4, 5, 6])), status(100, 'no such ROSpec'), status(401, 'later'))), {
    code: 100,
    text: 'no such ROSpec',
  });
  assert.deepEqual(
    llrpStatus(message(status(100, 'short', 500))),
    { code: 100, text: 'short' },
    'a text that is stated longer ends with its parameter',
  );
  assert.equal(llrpStatus(message(tlv(287, Buffer.from([0, 100])))), null);
  assert.equal(llrpStatus(message(tlv(240, Buffer.from([0, 100, 0, 0])))), null);
});

test('an event of a reader is parsed parameter by parameter; those too short for their type are ignored', () => {
  const utc = Buffer.alloc(8);
  utc.writeBigUInt64BE(1_760_000_000_000_000n);
  const of = (...parameters: Buffer[]) => parseReaderEvent(message(tlv(246, Buffer.concat(parameters))));
  assert.deepEqual(of(tlv(128, utc), tlv(256, Buffer.from([0, 3]))), { utcUs: 1_760_000_000_000_000n, connection: 3 });
  assert.deepEqual(of(tlv(129, utc), tlv(255, Buffer.from([1, 0, 2]))), {
    uptimeUs: 1_760_000_000_000_000n,
    antenna: { isConnected: true, id: 2 },
  });
  assert.deepEqual(of(tlv(255, Buffer.from([0, 0, 4])), tlv(248, Buffer.from([0, 5, 0x80]))), {
    antenna: { isConnected: false, id: 4 },
    input: { port: 5, isHigh: true },
  });
  assert.deepEqual(of(tlv(248, Buffer.from([0, 5, 0x7f])), tlv(251, Buffer.alloc(0)), tlv(257, Buffer.alloc(0))), {
    input: { port: 5, isHigh: false },
    hasOverflowed: true,
    isClosing: true,
  });
  assert.deepEqual(
    of(
      tlv(128, utc.subarray(1)),
      tlv(129, utc.subarray(1)),
      tlv(256, Buffer.from([0])),
      tlv(255, Buffer.from([1, 0])),
      tlv(248, Buffer.from([0, 5])),
    ),
    {},
  );
  assert.deepEqual(parseReaderEvent(message(tlv(128, utc))), {}, 'outside of the event');
});
