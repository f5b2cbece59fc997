import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hj212Crc, crcKeyOfStart, crcKeyOfEnd, nextCrcSum } from './crc.ts';
import { packetData, encodeHj212Packet, Hj212PacketCutter, type Hj212Segment } from './packet-cutter.ts';

/** HJ 212-2017, annex A. */
const EXAMPLE = 'QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&';

const summaries = (segments: readonly Hj212Segment[]) =>
  segments.map((segment) => ({
    is: segment.is,
    text: segment.bytes.toString('latin1'),
    ...(segment.is === 'packet' ? { lengthIsRight: segment.lengthIsRight } : {}),
  }));
const cutAll = (bytes: Buffer) => summaries(new Hj212PacketCutter().feed(bytes));

test('the check value is the one of the standard\'s example', () => {
  assert.equal(hj212Crc(Buffer.from(EXAMPLE)), 0x1c80);
  assert.equal(encodeHj212Packet(EXAMPLE).toString(), `##0101${EXAMPLE}1C80\r\n`);
});

test('packets are found whatever is between them, and whatever their declared length', () => {
  const good = encodeHj212Packet(EXAMPLE).subarray(0, -2);
  const short = Buffer.from(`##0090${EXAMPLE}1C80`);
  const long = Buffer.from(`##0350${EXAMPLE}1c80`);
  const broken = Buffer.from(`##0101${EXAMPLE.replace('30&&', '31&&')}1C80`);
  const end = Buffer.from('\r\n');
  assert.deepEqual(
    cutAll(Buffer.concat([good, good, Buffer.from('\n\r'), short, end, long, end, Buffer.from('hello'), good])).map(
      ({ is, lengthIsRight }: { is: string; lengthIsRight?: boolean }) => [is, lengthIsRight],
    ),
    [
      ['packet', true],
      ['packet', true],
      ['packet', false],
      ['packet', false],
      ['noise', undefined],
      ['packet', true],
    ],
  );
  assert.deepEqual(
    cutAll(Buffer.concat([broken, end, good, end]))
      .map(({ is }) => is)
      .filter((is) => is !== 'noise'),
    ['crc', 'packet'],
  );
  // A length that swallows the next packet costs nothing but the broken one.
  const greedy = Buffer.from(`##9999${EXAMPLE.replace('30&&', '31&&')}1C80`);
  assert.deepEqual(cutAll(Buffer.concat([greedy, end, good])).filter(({ is }) => is !== 'noise').map(({ is }) => is), ['crc', 'packet']);
});

test('the same bytes give the same, however they are split', () => {
  const piece = fc.oneof(
    fc.constant(encodeHj212Packet(EXAMPLE)),
    fc.string({ maxLength: 60 }).map((text) => encodeHj212Packet(`ST=22;CN=2011;CP=&&${text}&&`)),
    fc.string({ maxLength: 12 }).map((text) => Buffer.from(text, 'latin1')),
    fc.constantFrom('##', '##01', '\r\n##', '##0003&&', '&&', '##9999', '#').map((text) => Buffer.from(text)),
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 12 }), (pieces, at) => {
    const bytes = Buffer.concat(pieces);
    const cutter = new Hj212PacketCutter();
    const places = [...new Set(at.filter((place) => place < bytes.length))].toSorted((a, b) => a - b);
    const split = [0, ...places].flatMap((from, index) => summaries(cutter.feed(bytes.subarray(from, places[index] ?? bytes.length))));
    assert.deepEqual(split, cutAll(bytes));
  }));
});

test('whatever follows a broken packet, the next whole one is found, and no byte is counted twice', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(100), fc.nat(7), (noise, place, bit) => {
      const flipped = encodeHj212Packet(EXAMPLE);
      const at = place % (flipped.length - 2);
      flipped[at] = (flipped[at] as number) ^ (1 << bit);
      const packets = new Hj212PacketCutter()
        .feed(
          Buffer.concat([flipped, noise, Buffer.from('\r\n'), encodeHj212Packet(EXAMPLE), Buffer.from('\r\n'), encodeHj212Packet(EXAMPLE)]),
        )
        .filter(({ is }) => is === 'packet');
      assert.ok(packets.length >= 2, `${packets.length} packets`);
      for (const { bytes } of packets) assert.ok(packetData(bytes));
    }),
  );
});

test('the end of a stream reports the unfinished packet: short, wrong check value, or noise; a valid one behind is found', () => {
  const good = encodeHj212Packet(EXAMPLE).toString('latin1').trimEnd();
  const ends = (text: string) => {
    const cutter = new Hj212PacketCutter();
    const cuts = [...cutter.feed(Buffer.from(text, 'latin1')), ...cutter.end()];
    assert.deepEqual(cutter.end(), [], 'once');
    return cuts.map(({ is, bytes }) => `${is} ${bytes.length}`);
  };
  assert.deepEqual(ends(`${good}\r\n`), ['packet 111']);
  for (const length of [1, 2, 5, 6, 60, 105, 107, 110])
    assert.deepEqual(ends(good + good.slice(0, length)), ['packet 111', `short ${length}`], `${length}`);
  assert.deepEqual(ends(`${good.slice(0, 60)}\r\n`), ['short 60']);
  assert.deepEqual(ends(good.slice(0, 60) + good), ['short 60', 'packet 111']);
  assert.deepEqual(ends(`##0300${EXAMPLE}FFFF\r\n`), ['crc 111']);
  assert.deepEqual(ends('hello'), ['noise 5']);
  assert.deepEqual(ends(`${good}\r\nhello##`), ['packet 111', 'noise 5', 'short 2']);
  assert.deepEqual(ends(''), []);
});

test('a broken packet is reported once, with all its bytes, and what follows separately', () => {
  const good = encodeHj212Packet(EXAMPLE).toString('latin1').trimEnd();
  const broken = `##0101${EXAMPLE}FFFF`;
  const greedy = `##9999${EXAMPLE}FFFF`;
  const lostByte = `##0101${EXAMPLE.replace('ST=', 'T=')}1C80`;
  const short = good.slice(0, 60);
  const cuts = (text: string) =>
    new Hj212PacketCutter().feed(Buffer.from(text, 'latin1')).map(({ is, bytes }) => `${is} ${bytes.toString('latin1')}`);
  assert.deepEqual(cuts(`${broken}\r\n${good}\r\n`), [`crc ${broken}`, `packet ${good}`]);
  assert.deepEqual(cuts(`${broken}\r\n${broken}${good}`), [`crc ${broken}`, `crc ${broken}`, `packet ${good}`]);
  assert.deepEqual(cuts(`${broken}hello${good}`), [`crc ${broken}`, 'noise hello', `packet ${good}`]);
  assert.deepEqual(cuts(`${greedy}\r\n${good}`), [`crc ${greedy}`, `packet ${good}`]);
  assert.deepEqual(cuts(`${lostByte}\r\n${good}`), [`crc ${lostByte}`, `packet ${good}`]);
  assert.deepEqual(cuts(`${short}\r\n${good}`), [`short ${short}`, `packet ${good}`]);
  // A head inside a broken packet is its text, unless a valid packet begins there.
  const text = `##0101${EXAMPLE.slice(0, -10)}##0003aa&&FFFF`;
  assert.deepEqual(cuts(`${text}\r\n${good}`), [`crc ${text}`, `packet ${good}`]);
  const inner = encodeHj212Packet('CN=9014').toString('latin1').trimEnd();
  const around = `##${String(20 + inner.length).padStart(4, '0')}${'x'.repeat(10)}${inner}${'y'.repeat(8)}&&FFFF`;
  assert.deepEqual(cuts(`${around}\r\n${good}`), [`crc ${around}`, `packet ${inner}`, `packet ${good}`]);
});

test('a head at the start of a line ends an unfinished packet before it', () => {
  const good = encodeHj212Packet(EXAMPLE).toString('latin1').trimEnd();
  for (const lineEnd of ['\n', '\r', '\r\n', '\n\r'])
    assert.deepEqual(
      cutAll(Buffer.from(`${good.slice(0, 60)}${lineEnd}${good}`)).map(({ is, text }) => `${is} ${text.length}`),
      ['short 60', 'packet 111'],
      JSON.stringify(lineEnd),
    );
  assert.deepEqual(cutAll(Buffer.from(`${good.slice(0, 60)}${good}`)), [], 'within a line it may be text');
});

test('an unfinished packet ends at the longest length of the standard plus some, or at its declared length', () => {
  const left = (text: string, more: number) =>
    cutAll(Buffer.from(text + 'x'.repeat(more))).map(({ is, text: one }) => `${is} ${one.length}`);
  // Six bytes of head, 1024 of data, four of check value, and 16.
  assert.deepEqual(left('##0100', 1043), []);
  assert.deepEqual(left('##0100', 1044), ['short 110']);
  assert.deepEqual(left('##1024', 1043), []);
  assert.deepEqual(left('##1024', 1044), ['short 1034']);
  assert.deepEqual(left('##2000', 2019), []);
  assert.deepEqual(left('##2000', 2020), ['short 2010']);
});

test('noise is reported in pieces of a kilobyte, the rest with the next head', () => {
  const noise = cutAll(Buffer.concat([Buffer.from('x'.repeat(2500)), encodeHj212Packet(EXAMPLE)])).map(
    ({ is, text }) => `${is} ${text.length}`,
  );
  assert.deepEqual(noise, ['noise 1024', 'noise 1024', 'noise 452', 'packet 111']);
  assert.deepEqual(cutAll(Buffer.from('x'.repeat(1023))), []);
  assert.deepEqual(cutAll(Buffer.from(`\r\n\n${'x'.repeat(1024)}`)).map(({ text }) => text.length), [1024]);
  // Noise is not searched twice: a late sign of a head in it is part of it.
  assert.deepEqual(
    cutAll(Buffer.from(`#x##x###${encodeHj212Packet(EXAMPLE).toString('latin1').slice(2)}`)).map(({ is, text }) => `${is} ${text.length}`),
    ['noise 6', 'packet 111'],
  );
});

test('packets without data, with one byte, and of the largest length that four digits can express', () => {
  const whole = (data: string) => {
    const packet = encodeHj212Packet(data).subarray(0, -2);
    return cutAll(Buffer.concat([packet, encodeHj212Packet(EXAMPLE)])).map(
      ({ is, text, lengthIsRight }: { is: string; text: string; lengthIsRight?: boolean }) => [is, text.length, lengthIsRight],
    );
  };
  for (const data of ['', 'x', '&&', 'x'.repeat(200), 'x'.repeat(9999)])
    assert.deepEqual(whole(data)[0], ['packet', data.length + 10, true], `${data.length}`);
  assert.equal(packetData(encodeHj212Packet('').subarray(0, -2))?.length, 0);
  assert.equal(packetData(encodeHj212Packet('x').subarray(0, -3)), null);
  assert.equal(packetData(Buffer.from('##0000')), null);
  const other = encodeHj212Packet('x').subarray(0, -2);
  other[0] = 0x24;
  assert.equal(packetData(other), null);
});

test('every byte but line ends is reported exactly once', () => {
  const line = fc.constantFrom('\r\n', '\n', '');
  const flipped = fc.tuple(fc.nat(110), fc.nat(6)).map(([place, bit]) => {
    const bytes = encodeHj212Packet(EXAMPLE).subarray(0, -2);
    bytes[2 + (place % 109)] = (bytes[2 + (place % 109)] as number) ^ (1 << bit);
    return bytes;
  });
  const piece = fc.oneof(
    flipped,
    fc.constant(encodeHj212Packet(EXAMPLE)),
    fc.constantFrom('##', '##01', '#', '##0003&&', '##9999').map((text) => Buffer.from(text)),
    fc.nat(105).map((length) => encodeHj212Packet(EXAMPLE).subarray(0, length)),
    fc.string({ maxLength: 12 }).map((text) => Buffer.from(text, 'latin1')),
  );
  const bare = (bytes: Uint8Array) => Buffer.from(bytes.filter((byte) => byte !== 0x0d && byte !== 0x0a)).toString('latin1');
  fc.assert(fc.property(fc.array(fc.tuple(piece, line), { maxLength: 8 }), (pieces) => {
    const bytes = Buffer.concat(pieces.flatMap(([one, end]) => [one, Buffer.from(end)]));
    const cutter = new Hj212PacketCutter();
    const cuts = [...cutter.feed(bytes), ...cutter.end()];
    // A valid packet inside a broken one is reported too.
    if (cuts.some((cut) => cut.is !== 'packet' && cut.bytes.includes(encodeHj212Packet(EXAMPLE).subarray(0, -2)))) return;
    assert.equal(cuts.map((cut) => bare(cut.bytes)).join(''), bare(bytes));
  }), { numRuns: 1000 });
});

test('the keys of start and end agree with the check value for every range of a stream', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(40), fc.nat(40), fc.nat(0xffff), (bytes, from, length, other) => {
      const sums = [0];
      bytes.forEach((byte, place) => {
        sums.push(nextCrcSum(sums[place] as number, place, byte));
      });
      const begin = Math.min(from, bytes.length - 1);
      const end = Math.min(begin + 1 + length, bytes.length);
      const crc = hj212Crc(bytes, begin, end);
      const key = crcKeyOfStart(sums[begin] as number, begin);
      assert.equal(crcKeyOfEnd(sums[end] as number, end, crc), key);
      if (other !== crc) assert.notEqual(crcKeyOfEnd(sums[end] as number, end, other), key);
    }),
  );
});

test('endless heads and ends cost no more than other bytes, at once and in pieces', () => {
  for (const unit of ['##9999&&0000', '##9999', '\r\n##9999', '##0000&&FFFF', '&&0000']) {
    const bytes = Buffer.from(unit.repeat(20_000));
    for (const piece of [bytes.length, 512]) {
      const cutter = new Hj212PacketCutter();
      // A check value over all that follows each head took minutes; the rig `linear` measures it.
      let packets = 0;
      for (let at = 0; at < bytes.length; at += piece)
        packets += cutter.feed(bytes.subarray(at, at + piece)).filter(({ is }) => is === 'packet').length;
      packets += cutter.end().filter(({ is }) => is === 'packet').length;
      assert.equal(packets, 0, `${unit} in pieces of ${piece}`);
    }
  }
});
