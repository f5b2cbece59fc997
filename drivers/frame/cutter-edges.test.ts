/** The edges of a cutter: limits to the byte, what is passed over and what is told of it, and what ends with its stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameCutter, findFrame, hasValidChecksum, unstuff } from './cutter.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';

function protocolOf(text: string): FrameProtocol {
  const loaded = readDescription('d.yaml', `version: 1\ntitle: { zh: 甲, en: a }\n${text}\nmessages: [{ name: m }]\n`);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

const shown = (cuts: ReturnType<FrameCutter['feed']>) => cuts.map(({ is, bytes }) => `${is} ${bytes.toString('hex')}`);
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** In one write; byte by byte gives the same. */
function cuts(protocol: FrameProtocol, hex: string): string[] {
  const [whole, single] = [new FrameCutter(protocol), new FrameCutter(protocol)];
  const all = [...whole.feed(bytesOf(hex)), ...whole.end()];
  assert.deepEqual(
    shown([...[...bytesOf(hex)].flatMap((byte) => single.feed(Uint8Array.of(byte))), ...single.end()]),
    shown(all),
    'byte by byte',
  );
  return shown(all);
}

const FIXED = protocolOf('header: "AA 55"\nfixed: 5\nchecksum: { type: sum8, from: 2 }');

test('noise is told once before the frame behind it, and in pieces of a kilobyte where no frame comes', () => {
  assert.deepEqual(cuts(FIXED, '01 02 AA55 03 04 07 09 AA55 01 01 02 0A'), [
    'noise 0102',
    'frame aa55030407',
    'noise 09',
    'frame aa55010102',
    'noise 0a',
  ]);
  const lengths = (count: number) => {
    const cutter = new FrameCutter(FIXED);
    const during = cutter.feed(Buffer.alloc(count, 1)).map(({ is, bytes }) => `${is} ${bytes.length}`);
    return [during, cutter.end().map(({ is, bytes }) => `${is} ${bytes.length}`)];
  };
  assert.deepEqual(lengths(1023), [[], ['noise 1023']]);
  assert.deepEqual(lengths(1024), [['noise 1024'], []]);
  assert.deepEqual(lengths(1025), [['noise 1024'], ['noise 1']]);
  assert.deepEqual(lengths(2500), [['noise 1024', 'noise 1024'], ['noise 452']]);
  const cutter = new FrameCutter(FIXED);
  assert.deepEqual(cutter.feed(Buffer.alloc(1000, 1)), []);
  assert.deepEqual(cutter.feed(Buffer.alloc(30, 2)).map(({ bytes }) => [bytes.length, bytes.at(-1)]), [[1024, 2]]);
  assert.deepEqual(shown(cutter.feed(bytesOf('AA55030407'))), [`noise ${'02'.repeat(6)}`, 'frame aa55030407']);
  assert.deepEqual(shown(cutter.feed(bytesOf('AA55030407'))), ['frame aa55030407'], 'told noise is not told again');
});

test('what was begun ends with its stream, once; a new question forgets it', () => {
  const cutter = new FrameCutter(FIXED);
  assert.deepEqual(cutter.feed(bytesOf('AA55')), []);
  assert.deepEqual(shown(cutter.end()), ['short aa55']);
  assert.deepEqual(cutter.end(), []);
  assert.deepEqual(shown(cutter.feed(bytesOf('030407 AA55030407'))), ['noise 030407', 'frame aa55030407'], 'the rest of it is no frame');
  cutter.feed(bytesOf('AA5503'));
  cutter.reset();
  assert.deepEqual(shown(cutter.feed(bytesOf('0407'))), []);
  assert.deepEqual(shown(cutter.end()), ['noise 0407']);
  assert.deepEqual(new FrameCutter(FIXED).end(), []);
});

test('a frame goes with its bytes as they came: what is idle before it is none of it', () => {
  const idle = protocolOf('header: "68"\nterminator: "16"\nidle: "FE 00"\nlength: { at: 1, plus: 3 }');
  const cutter = new FrameCutter(idle);
  const [cut, ...more] = cutter.feed(bytesOf('FE FE 00 68 01 07 16 FE 00'));
  assert.deepEqual(more, []);
  assert.ok(cut?.is === 'frame');
  assert.deepEqual([cut.bytes.toString('hex'), cut.raw.toString('hex')], ['68010716', '68010716']);
  assert.deepEqual(shown(cutter.end()), [], 'idle bytes are no noise');
  assert.deepEqual(cuts(idle, 'FE 01 FE 68 01 07 16'), ['noise 01', 'frame 68010716'], 'of noise they are left out');
});

test('of a frame with a wrong check value its head is passed over; the terminator that is left of it is not told', () => {
  const marked = protocolOf('header: "AA 55"\nfixed: 6\nterminator: "0D"\nchecksum: { type: sum8, from: 2 }');
  assert.deepEqual(cuts(marked, 'AA55 01 01 02 0D'), ['frame aa550101020d']);
  assert.deepEqual(cuts(marked, 'AA55 01 01 03 0D AA55 01 01 02 0D'), ['checksum aa550101030d', 'noise 0101030d', 'frame aa550101020d']);
  assert.deepEqual(cuts(marked, '0D AA55 01 01 02 0D'), ['frame aa550101020d'], 'a terminator alone');
  assert.deepEqual(cuts(marked, '0C AA55 01 01 02 0D'), ['noise 0c', 'frame aa550101020d']);
  assert.deepEqual(
    cuts(marked, 'AA55 AA55 01 01 02 0D'),
    ['noise aa55', 'frame aa550101020d'],
    'without its terminator it is no frame: what began it is noise',
  );
  assert.deepEqual(cuts(FIXED, 'AA55 AA55 01 01 02'), ['checksum aa55aa5501', 'frame aa55010102'], 'a good one within a bad one');
});

test('a frame may be a head and its check value alone; a value within the head is none', () => {
  const alone = protocolOf('header: "AA 55"\nfixed: 3\nchecksum: { type: sum8, from: 0 }');
  assert.deepEqual(cuts(alone, 'AA55FF'), ['frame aa55ff']);
  assert.deepEqual(cuts(alone, 'AA55FE'), ['checksum aa55fe', 'noise fe']);
});

test('one byte of a header is passed over at a time; after 32 broken in a row whole frames are', () => {
  const one = protocolOf('header: "AA"\nfixed: 3\nchecksum: { type: sum8, from: 1 }');
  const bad = 'AA 01 02';
  const of = (count: number) => cuts(one, `${bad.repeat(count)} AA AA AA 05 05`);
  assert.deepEqual(of(1).slice(-3), ['noise 0102', 'frame aaaaaa', 'noise 0505']);
  assert.equal(of(32).filter((cut) => cut.startsWith('noise 0102')).length, 32, 'of each the head alone');
  assert.equal(of(33).filter((cut) => cut.startsWith('noise 0102')).length, 32, 'the next as a whole');
  assert.equal(
    cuts(one, `${bad.repeat(20)} AA 05 05 ${bad.repeat(20)}`).filter((cut) => cut.startsWith('noise')).length,
    40,
    'a good one between begins anew',
  );
});

test('frames without header are found by their terminator or check value alone', () => {
  const line = protocolOf('terminator: "0D 0A"\nchecksum: { type: xor8, from: 0 }\nmax: 8');
  assert.deepEqual(cuts(line, '01 02 03 0D0A 05 06 03 0D0A'), ['frame 0102030d0a', 'frame 0506030d0a']);
  assert.deepEqual(
    cuts(line, '01 02 04 0D0A 05 06 03 0D0A'),
    ['noise 0102040d0a', 'frame 0506030d0a'],
    'a check value that is wrong is none',
  );
  const counted = protocolOf('fixed: 3\nchecksum: { type: sum8, from: 0 }');
  assert.deepEqual(cuts(counted, '01 02 03 09 01 02 03'), ['frame 010203', 'noise 09', 'frame 010203']);
  const text = protocolOf('terminator: "0A"\nmax: 5');
  assert.deepEqual(cuts(text, '41 42 43 44 0A 41 0A'), ['frame 414243440a', 'frame 410a'], 'as long as may be');
  assert.deepEqual(cuts(text, '40 41 42 43 44 0A 41 0A'), ['noise 40', 'frame 414243440a', 'frame 410a'], 'a byte too long');
  assert.deepEqual(cuts(text, '41 42 43 44'), ['short 41424344']);
  assert.deepEqual(cuts(text, '41 42 43 44 45'), ['noise 41', 'short 42434445']);
  assert.deepEqual(cuts(text, '0A 41 0A'), ['frame 0a', 'frame 410a'], 'nothing but its end');
  const wide = protocolOf('terminator: "0D 0A"\nmax: 5');
  assert.deepEqual(cuts(wide, '41 42 43 0D 0A'), ['frame 4142430d0a']);
  assert.deepEqual(cuts(wide, '41 42 43 44 0D 0A'), ['noise 41', 'frame 4243440d0a']);
});

test('a header of several bytes within a frame that has no end yet begins another; one of a single byte does not', () => {
  const long = protocolOf('header: "AA 55"\nterminator: "0D"\nmax: 12');
  assert.deepEqual(cuts(long, 'AA55 01 AA55 02 0D'), ['noise aa5501', 'frame aa55020d']);
  assert.deepEqual(cuts(long, 'AA55 01 0D AA55 02 0D'), ['frame aa55010d', 'frame aa55020d'], 'behind its end it is the next');
  assert.deepEqual(cuts(long, 'AA55 AA55 02 0D'), ['noise aa55', 'frame aa55020d'], 'at once');
  assert.deepEqual(cuts(long, 'AA55 01 AA55'), ['noise aa5501', 'short aa55']);
  const short = protocolOf('header: "24"\nterminator: "0D"\nmax: 12');
  assert.deepEqual(cuts(short, '24 01 24 02 0D'), ['frame 240124020d']);
  assert.deepEqual(cuts(short, '24 0D'), ['frame 240d'], 'an empty one');
  assert.deepEqual(cuts(short, '24 24 0D'), ['frame 24240d']);
  const same = protocolOf('header: "AA 55"\nterminator: "AA 55"\nmax: 12');
  assert.deepEqual(cuts(same, 'AA55 01 AA55'), ['frame aa5501aa55'], 'the next header is its end');
});

test('each byte of a header counts', () => {
  const wide = protocolOf('header: "AA 55 A5"\nfixed: 5');
  assert.deepEqual(cuts(wide, 'AA55A5 01 02'), ['frame aa55a50102']);
  for (const wrong of ['AB55A5', 'AA56A5', 'AA55A6']) assert.deepEqual(cuts(wide, `${wrong} 01 02`), [`noise ${wrong.toLowerCase()}0102`]);
  assert.deepEqual(cuts(wide, 'AA AA55A5 01 02'), ['noise aa', 'frame aa55a50102']);
  assert.deepEqual(cuts(wide, 'AA55'), ['short aa55'], 'its rest has not come');
  assert.deepEqual(findFrame(bytesOf('AA55'), wide), { is: 'more' });
  const closed = protocolOf('header: "AA"\nterminator: "0D 0A"\nfixed: 5');
  assert.deepEqual(cuts(closed, 'AA 01 02 0D0A'), ['frame aa01020d0a']);
  for (const wrong of ['0C0A', '0D0B']) assert.deepEqual(cuts(closed, `AA 01 02 ${wrong}`), [`noise aa0102${wrong.toLowerCase()}`]);
});

test('lengths from the least that a frame can have to the most that it may', () => {
  const counted = protocolOf('header: "AA"\nlength: { at: 1, plus: 0 }\nchecksum: { type: sum16, from: 1 }\nmax: 8');
  assert.deepEqual(cuts(counted, 'AA 04 00 04'), ['frame aa040004'], 'header, length and check value alone');
  assert.deepEqual(cuts(counted, 'AA 03 00 04'), ['checksum aa0300', 'noise 030004'], 'the least: a header and a check value');
  assert.deepEqual(cuts(counted, 'AA 02 00 04'), ['noise aa020004']);
  assert.deepEqual(cuts(counted, 'AA 08 01 01 01 01 00 0C'), ['frame aa0801010101000c'], 'the most');
  assert.deepEqual(cuts(counted, 'AA 09 01 01 01 01 01 00 0E'), ['noise aa090101010101000e']);
  const late = protocolOf('header: "AA"\nlength: { at: 3, plus: 0 }\nmax: 8');
  assert.deepEqual(cuts(late, 'AA 01 01 04'), ['frame aa010104'], 'a frame goes at least to the end of its length');
  assert.deepEqual(cuts(late, 'AA 01 01 03'), ['noise aa010103']);
  assert.deepEqual(cuts(late, 'AA 01 01'), ['short aa0101'], 'its length has not come');
  const tail = protocolOf('header: "AA"\nterminator: "0D"\ntail: 2\nmax: 8');
  assert.deepEqual(cuts(tail, 'AA 01 02 0D'), ['frame aa01020d']);
  assert.deepEqual(cuts(tail, 'AA 01 0D'), ['noise aa010d'], 'too short for what stands behind its body');
  assert.deepEqual(findFrame(bytesOf('AA 01 02 0D 99'), tail), { is: 'frame', bytes: bytesOf('AA01020D'), length: 4 });
  assert.deepEqual(findFrame(bytesOf('AB'), tail), { is: 'none' });
  assert.deepEqual(findFrame(bytesOf('AA'), tail), { is: 'more' });
});

test('bytes that were stuffed count as one; a pair that stands for nothing is as it is where a check value judges, else no frame', () => {
  const plain = protocolOf('header: "7E"\nterminator: "7E"\nescape: { "7D 02": "7E", "7D 01": "7D", "1B E5": "7E" }\nmax: 12');
  assert.deepEqual(cuts(plain, '7E 01 7D02 02 7E'), ['frame 7e017e027e']);
  assert.deepEqual(cuts(plain, '7E 7D01 1BE5 7E'), ['frame 7e7d7e7e']);
  assert.deepEqual(cuts(plain, '7E 7D03 7E'), ['noise 7e7d03', 'short 7e']);
  assert.deepEqual(cuts(plain, '7E 01 7D 7E'), ['noise 7e017d', 'short 7e'], 'the end is no second half of a pair');
  assert.deepEqual(cuts(plain, '7E 01 1B02 7E'), ['noise 7e011b02', 'short 7e'], 'the second of another pair');
  assert.deepEqual(cuts(plain, '7E 01 7E 7E 02 7E'), ['frame 7e017e', 'frame 7e027e'], 'two in a row are a close and an open');
  assert.deepEqual(cuts(plain, '7E 7E 02 7E'), ['frame 7e027e']);
  const checked = protocolOf(
    'header: "7E"\nterminator: "7E"\nescape: { "7D 02": "7E", "7D 01": "7D" }\nchecksum: { type: xor8, from: 1 }\nmax: 12',
  );
  assert.deepEqual(cuts(checked, '7E 7D 03 7D01 03 7E'), ['frame 7e7d037d037e'], 'some forget to stuff the escape itself');
  assert.deepEqual(cuts(checked, '7E 7D 03 7F 7E'), ['checksum 7e7d037f7e', 'noise 7d037f', 'short 7e']);
  assert.deepEqual(unstuff(bytesOf('7E 7D 05 7D 7E'), checked)?.toString('hex'), '7e7d057d7e');
  assert.deepEqual(unstuff(bytesOf('7E 7D02 7D01 7E'), checked)?.toString('hex'), '7e7e7d7e');
  assert.deepEqual(unstuff(bytesOf('AA 7D02'), FIXED)?.toString('hex'), 'aa7d02', 'without stuffing it is itself');
  assert.equal(unstuff(bytesOf('7E 7D 05 7E'), plain), null);
});

test('check values: of each width and order, as text, over part of a frame, never beyond it', () => {
  const of = (checksum: string) => protocolOf(`header: "AA"\nterminator: "0D"\nchecksum: ${checksum}`);
  const right = (checksum: string, hex: string) => hasValidChecksum(bytesOf(hex), of(checksum));
  for (const [checksum, hex, isSo] of [
    ['{ type: sum8 }', 'AA 01 AB 0D', true],
    ['{ type: sum8 }', 'AA 01 AC 0D', false],
    ['{ type: sum8, from: 1 }', 'AA 01 01 0D', true],
    ['{ type: sum8, to: 2 }', 'AA 01 07 AB 0D', true],
    ['{ type: sum8, to: -4 }', 'AA 01 07 AB 0D', false],
    ['{ type: sum8, to: -3 }', 'AA 01 07 AB 0D', true],
    ['{ type: sum8, to: 9 }', 'AA 01 AB 0D', false],
    ['{ type: sum8, from: 2, to: -3 }', 'AA 01 00 0D', false],
    ['{ type: sum16 }', 'AA 99 01 43 0D', true],
    ['{ type: sum16, order: little }', 'AA 99 43 01 0D', true],
    ['{ type: sum16 }', 'AA 99 43 01 0D', false],
    ['{ type: sum8, form: hex }', 'AA 01 41 42 0D', true],
    ['{ type: sum8, form: hex }', 'AA 01 61 62 0D', true],
    ['{ type: sum8, form: hex, from: 1 }', 'AA 01 30 31 0D', true],
    ['{ type: sum8, form: hex, from: 1 }', 'AA 01 20 31 0D', false],
    ['{ type: crc32, from: 1 }', 'AA 31 32 33 34 35 36 37 38 39 CB F4 39 26 0D', true],
    ['{ type: crc32, from: 1, order: little }', 'AA 31 32 33 34 35 36 37 38 39 26 39 F4 CB 0D', true],
    ['{ type: sum8, at: -3 }', 'AA 01 AB 99 0D', true],
    ['{ type: sum8, at: -4, to: 1 }', 'AA AA 99 99 0D', true],
    ['{ type: sum8, at: -5 }', 'AA 01 02 03 0D', false],
    ['{ type: sum8, at: -1, to: 1 }', 'AA AA', true],
    ['{ type: sum8, at: -2, to: 1 }', 'AA AA', false],
  ] as const)
    assert.equal(right(checksum, hex), isSo, `${checksum} ${hex}`);
  assert.equal(hasValidChecksum(bytesOf('AA'), protocolOf('header: "AA"\nfixed: 1')), true, 'where there is none, it is right');
});
