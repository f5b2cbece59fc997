import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from './decode.ts';
import { frameReader } from './frame-reader.ts';
import { point, type Hj212Point } from './settings.ts';
import { hj212PacketBytes } from './testing/data-logger.ts';

const DATA = 'QN=20260101080001000;ST=22;CN=2011;PW=secret;MN=A1;Flag=4;CP=&&DataTime=20260101080000;a34004-Rtd=35.5,a34004-Flag=N&&';
const PACKET = hj212PacketBytes(DATA).subarray(0, -2);
const read = (...input: (Buffer | string)[]) => [...frameReader.read(input.map((one) => Buffer.from(one as string, 'latin1')), [])];

test('a packet is a frame with the time of its QN, with all its values or those of the points', () => {
  assert.equal(frameReader.level, 'bytes');
  const [whole, ...more] = read(PACKET.subarray(0, 50), PACKET.subarray(50));
  assert.deepEqual(more, []);
  assert.deepEqual(whole, { frame: { is: 'upload', packet: PACKET, observedAt: Date.UTC(2026, 0, 1, 0, 0, 1), pointMap: null } });
  const points = [{ id: 'pm', ...(point.parse({ factor: 'a34004' }) as Hj212Point) }];
  const [one] = frameReader.read([PACKET], points);
  const decoded = one && !one.fault ? decode(one.frame) : null;
  assert.ok(decoded?.ok);
  assert.deepEqual(decoded.values?.map(({ point: id, value }) => [id, value]), [['pm', 35.5]]);
  const [without] = read(hj212PacketBytes(DATA.replace('QN=20260101080001000;', '')));
  assert.equal(without && !without.fault && without.frame.is === 'upload' ? without.frame.observedAt : '', 0);
  assert.deepEqual(frameReader.read([{ json: 1 }], []), []);
});

test('an incomplete packet is a fault with what is missing and the first bytes, without a password', () => {
  const faults = (text: Buffer | string) => read(text).map(({ fault }) => [fault?.code, fault?.params?.detail, fault?.params?.detailZh]);
  const begin = (length: number) => PACKET.subarray(0, length);
  const shown = PACKET.toString('latin1', 0, 48).replace(/PW=.*/, 'PW=*');
  assert.deepEqual(faults(begin(5)), [
    [
      'CV_FRAME_LENGTH',
      'an HJ 212 packet cut short after 5 bytes, without the four digits of its length: ##011',
      'HJ 212 报文不完整：只有 5 字节，缺少四位长度：##011',
    ],
  ]);
  const head = DATA.indexOf('CP=&&') + 6;
  assert.deepEqual(faults(begin(head))[0], [
    'CV_FRAME_LENGTH',
    `an HJ 212 packet cut short after ${head} bytes, without \`CP=&&\`: ${shown}`,
    `HJ 212 报文不完整：只有 ${head} 字节，缺少 CP=&&：${shown}`,
  ]);
  assert.match(String(faults(begin(head + 5))[0]?.[1]), /without the closing `&&`: /);
  assert.match(String(faults(begin(head + 5))[0]?.[2]), /，缺少结尾的 &&：/);
  assert.match(String(faults(begin(PACKET.length - 2))[0]?.[1]), /without the four digits of its check value: /);
  assert.match(String(faults(begin(PACKET.length - 2))[0]?.[2]), /，缺少四位校验值：/);
  const broken = Buffer.from(PACKET);
  broken.write('FFFF', broken.length - 4);
  assert.deepEqual(faults(broken), [['CV_FRAME_CHECKSUM', shown, undefined]]);
  assert.deepEqual(faults('hello\x01PW=secret&MN=1'), [['CV_FRAME_INVALID', 'hello.PW=*&MN=1', undefined]]);
  assert.equal(String(faults('x'.repeat(60))[0]?.[1]).length, 48);
  assert.deepEqual(faults(Buffer.concat([PACKET, Buffer.from('~ \x7f')])).slice(1), [['CV_FRAME_INVALID', '~ .', undefined]]);
});

test('a packet without a command, or with a broken check value, gives no value but a fault', () => {
  const fault = (bytes: Buffer) => {
    const decoded = decode({ is: 'upload', packet: bytes, observedAt: 0, pointMap: null });
    return decoded.ok ? null : decoded.fault;
  };
  const broken = Buffer.from(PACKET);
  broken.write('FFFF', broken.length - 4);
  assert.deepEqual(fault(broken), {
    code: 'CV_FRAME_CHECKSUM',
    params: { detail: `HJ 212, ${PACKET.length} bytes`, detailZh: `HJ 212 报文，${PACKET.length} 字节` },
  });
  assert.deepEqual(fault(hj212PacketBytes('MN=A1').subarray(0, -2)), {
    code: 'CV_FRAME_INVALID',
    params: { detail: 'HJ 212 message without CN', detailZh: 'HJ 212 报文没有 CN' },
  });
});
