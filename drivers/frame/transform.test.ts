import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { FrameCutter } from './cutter.ts';
import { decode } from './decode.ts';
import { readHeadFields } from './read-fields.ts';
import { readDescription } from './load-description.ts';
import type { FrameProtocol } from './protocol.ts';
import { recording } from './recording.ts';
import { settings } from './settings.ts';
import { fillTemplate } from './template.ts';
import { encodeIdentity, readIdentity } from './identity.ts';
import { undoTransform } from './transform.ts';

/** The meter of the guide, as its reader would copy it. */
const GUIDE_METER =
  /```yaml\nversion: 1\ntitle: \{ zh: 电能表[\s\S]*?```/
    .exec(readFileSync(new URL('../../docs/described-frames.md', import.meta.url), 'utf8'))?.[0]
    .slice(8, -3) ?? '';

function protocolOf(text: string): FrameProtocol {
  const loaded = readDescription('d.yaml', text);
  assert.deepEqual(loaded.faults, []);
  return loaded.protocol as FrameProtocol;
}

/** An answer as DL/T 645-2007 builds it: address and data low byte first, each data byte plus 33H, sum from the first 68. */
function answer(meter: string, control: number, item: string, data: string): Buffer {
  const low = (hex: string) => Buffer.from(Buffer.from(hex, 'hex').toReversed());
  const body = Buffer.concat([low(item), low(data)]).map((byte) => (byte + 0x33) & 0xff);
  const frame = Buffer.concat([Buffer.from([0x68]), low(meter), Buffer.from([0x68, control, body.length]), body]);
  return Buffer.concat([frame, Buffer.from([frame.reduce((sum, byte) => sum + byte, 0) & 0xff, 0x16])]);
}

function valuesOf(protocol: FrameProtocol, bytes: Buffer) {
  const cuts = new FrameCutter(protocol).feed(bytes);
  assert.deepEqual(cuts.map(({ is }) => is), ['frame']);
  const decoded = decode({ is: 'message', bytes: cuts[0]?.bytes as Buffer, pointMap: { protocol, byField: null } });
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return Object.fromEntries(
    (decoded.values ?? []).map(({ point, value, quality, fault }) => [point, quality === 'bad' ? (fault?.code ?? 'none') : value]),
  );
}

test('a meter of DL/T 645-2007: what is added to its data is taken away again, and never read as digits', () => {
  const protocol = protocolOf(GUIDE_METER);
  assert.equal(valuesOf(protocol, answer('000000000161', 0x91, '00010000', '00000026'))['energy.total'], 0.26);
  assert.equal(valuesOf(protocol, answer('000000000161', 0x91, '00010000', '12345678'))['energy.total'], 123_456.78);
  assert.equal(valuesOf(protocol, answer('000000000161', 0x91, '02010100', '1001'))['voltage.a'], 100.1);
  // The frames that others printed, byte by byte.
  assert.equal(valuesOf(protocol, Buffer.from('6861010000000068910833333433593333338a16', 'hex'))['energy.total'], 0.26);
  assert.equal(valuesOf(protocol, Buffer.from('fefefefe686101000000006891063334343534431016', 'hex'))['voltage.a'], 100.1);
  assert.equal(valuesOf(protocol, answer('000000000161', 0x91, '02030000', '801234'))['power.total'], -0.1234);
  assert.equal(valuesOf(protocol, Buffer.from('fefefefe68610100000000689107333336356745b3fa16', 'hex'))['power.total'], -0.1234);
  // No digits after the transform: a fault. FF of a phase that is not connected: said to mean none.
  assert.equal(valuesOf(protocol, answer('000000000161', 0x91, '00010000', '0000002A'))['energy.total'], 'CV_DESCRIBED_VALUE');
  assert.equal(valuesOf(protocol, answer('000000000161', 0x91, '02010100', 'FFFF'))['voltage.a'], 'none');
  assert.equal(valuesOf(protocol, answer('000000000161', 0xd1, '', '02'))['refused.noSuchData'], true);
});

test('without the transform, sent digits pass for digits: the same frame with and without it', () => {
  const plain = protocolOf(GUIDE_METER.replace(/^transform:.*\n/m, '').replaceAll('"00010000"', '"33343333"'));
  assert.equal(valuesOf(plain, answer('000000000161', 0x91, '00010000', '00000000'))['energy.total'], 333_333.33);
});

test('a question is sent with the transform, its checksum counts the bytes as sent, and what wakes the meter counts nowhere', () => {
  const protocol = protocolOf(GUIDE_METER);
  const [poll] = protocol.polls;
  assert.ok(poll);
  const asked = fillTemplate(poll.template, protocol, {
    field: () => new Uint8Array(),
    identity: encodeIdentity('000000000161', protocol) as Buffer,
    sequence: new Uint8Array(),
    nowMs: 0,
  });
  assert.equal(asked.toString('hex'), 'fefefefe68610100000000681104333334331416');
});

test('a question with a transform is known again in a recording', async () => {
  const { mkdtemp, writeFile, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const folder = await mkdtemp(join(tmpdir(), 'cityvitals-transform-'));
  try {
    await writeFile(join(folder, 'meter.yaml'), GUIDE_METER);
    const own = settings.parse({
      description: join(folder, 'meter.yaml'),
      transport: 'serial',
      port: '/dev/ttyUSB0',
      identity: '000000000161',
    });
    const asked = Buffer.from('fefefefe68610100000000681104333334331416', 'hex');
    assert.equal(recording.cut(asked, 'out', own), asked.length);
    const notes = recording.notes?.(asked, 'out', own);
    assert.equal(notes?.role, 'asks');
    assert.deepEqual(notes?.identities, [{ name: 'identity', at: 5, length: 6 }]);
    const other = Buffer.from('fefefefe68610100000000681104333334341516', 'hex');
    assert.notEqual(recording.notes?.(other, 'out', own)?.role, 'asks');
  } finally {
    await rm(folder, { recursive: true });
  }
});

const head = (transform: string) =>
  `version: 1\ntitle: { zh: 甲, en: a }\nheader: "AA"\nterminator: "0D"\nchecksum: { type: sum8 }\ntransform: ${transform}\nhead: [{ name: a }, { name: b, type: hex, size: rest }]\nidentity: b\nmessages: [{ name: m }]\n`;

test('add, subtract and xor, modulo 256; from a byte to a byte, never the check value nor the terminator', () => {
  const read = (transform: string, hex: string) => {
    const protocol = protocolOf(head(transform));
    const reading = readHeadFields(Buffer.from(hex, 'hex'), protocol);
    assert.ok(reading);
    return [reading.slots[0]?.value, readIdentity(reading, protocol)];
  };
  const frame = 'aa01fe10ff0d';
  assert.deepEqual(read('{ from: 2, add: 3 }', frame), [1, '0113']);
  assert.deepEqual(read('{ from: 2, subtract: 0xFF }', frame), [1, 'FF11']);
  assert.deepEqual(read('{ from: 1, xor: 0x55 }', frame), [0x54, 'AB45']);
  assert.deepEqual(read('{ from: 1, to: 3, xor: 0x55 }', frame), [0x54, 'AB10']);
  assert.deepEqual(read('{ from: 1, to: -3, xor: 0x55 }', frame), [0x54, 'AB10']);
  assert.deepEqual(read('{ from: 1, to: 60, xor: 0x55 }', frame), [0x54, 'AB45']);
  assert.deepEqual(read('{ from: 60, xor: 0x55 }', frame), [1, 'FE10']);
  const bytes = Buffer.from(frame, 'hex');
  undoTransform(bytes, protocolOf(head('{ from: 0, xor: 1 }')));
  assert.equal(bytes.toString('hex'), frame, 'what was heard stays as it is');
});

test('a transform that is described wrong is told with its line and what to do', () => {
  const long =
    'version: 1\ntitle: { zh: 甲, en: a }\nheader: "AA"\nlength: { at: 2, type: u16 }\ntransform: { from: 3, xor: 1 }\nmessages: [{ name: m }]\n';
  const rows: [text: string, line: number, words: RegExp][] = [
    [head('{ from: 2, add: 3, xor: 1 }'), 6, /exactly one of add, subtract and xor/],
    [head('{ from: 2 }'), 6, /exactly one of add, subtract and xor/],
    [head('{ from: 2, add: 0 }'), 6, /add/],
    [head('{ from: 2, xor: 256 }'), 6, /xor/],
    [long, 5, /begin after it/],
  ];
  for (const [text, line, words] of rows) {
    const [fault] = readDescription('d.yaml', text).faults;
    assert.equal(fault?.params.line, line, text);
    assert.match(`${fault?.params.problem} ${fault?.params.remedy}`, words);
    assert.match(String(fault?.params.problemZh), /[一-鿿]/);
  }
  assert.deepEqual(readDescription('d.yaml', long.replace('from: 3', 'from: 4')).faults, []);
  assert.deepEqual(readDescription('d.yaml', long.replace('from: 3', 'from: 1, to: 2')).faults, []);
});
