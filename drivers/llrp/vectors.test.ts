/** Recordings of real readers by others: every message and tag is parsed as their manifest and texts list them. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { goldenFrames, listedFacts, sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { parseRadio } from './commands.ts';
import { decode } from './decode.ts';
import { epcUri } from './epc.ts';
import { frameReader } from './frame-reader.ts';
import { updateReaderClock, timeOfRead, UNKNOWN_CLOCK, utcMsOf } from './reader-clock.ts';
import { parseReaderEvent, llrpStatus } from './reader-event.ts';
import { LlrpMessageCutter, encodeLlrpMessage, LLRP_MESSAGE_TYPES, type LlrpMessage } from './message.ts';
import { parseAccessReport, type LlrpTagRead } from './access-report.ts';

const folder = sharedFolder('traffic', 'vectors', 'llrp');
const skip = skipWithout(folder, 'traffic folder');

/** LLRP 16.1, table of message types; a response is 10 above its request. */
const TYPES: Readonly<Record<string, number>> = {
  GET_READER_CAPABILITIES: 1,
  GET_READER_CONFIG: 2,
  SET_READER_CONFIG: 3,
  ADD_ROSPEC: 20,
  DELETE_ROSPEC: 21,
  START_ROSPEC: 22,
  STOP_ROSPEC: 23,
  ENABLE_ROSPEC: 24,
  DISABLE_ROSPEC: 25,
  ADD_ACCESSSPEC: 40,
  RO_ACCESS_REPORT: 61,
  KEEPALIVE: 62,
  READER_EVENT_NOTIFICATION: 63,
  KEEPALIVE_ACK: 72,
  ERROR_MESSAGE: 100,
  CUSTOM_MESSAGE: 1023,
};
const typeOf = (name: string): number | undefined =>
  name.endsWith('_RESPONSE') ? (TYPES[name.replace('_RESPONSE', '')] ?? NaN) + 10 : TYPES[name];

const bytesOf = (...path: string[]): Buffer => readFileSync(join(folder as string, ...path));

function messagesOf(...path: string[]): LlrpMessage[] {
  const { messages, isInvalid } = new LlrpMessageCutter().feed(bytesOf(...path));
  assert.ok(!isInvalid, path.join('/'));
  return messages;
}

function readsIn(messages: readonly LlrpMessage[]): LlrpTagRead[] {
  return messages.filter(({ type }) => type === LLRP_MESSAGE_TYPES.report).flatMap(({ bytes }) => {
    const { reads, unreadable } = parseAccessReport(bytes);
    assert.equal(unreadable, 0);
    return reads;
  });
}

const streams = folder
  ? (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.endsWith('.bin')).toSorted()
  : ['streams of others'];

for (const name of streams) {
  test(`${name}: messages, tags and EPCs as listed`, { skip }, () => {
    const facts = listedFacts(`vectors/llrp/${name}`);
    const messages = messagesOf(name);
    assert.equal(messages.length, Number(/(\d+) LLRP messages/.exec(facts)?.[1]));
    for (const [, type, count] of (facts.split(';')[0] as string).matchAll(/([A-Z_]{4,}) x(\d+)/g))
      assert.equal(messages.filter((one) => one.type === typeOf(type as string)).length, Number(count), type);
    const epcs = readsIn(messages).map(({ epc }) => epc);
    const [, tags = '0', distinct = '0'] = /(\d+) TagReportData, (\d+) distinct EPCs/.exec(facts) ?? [];
    assert.deepEqual([epcs.length, new Set(epcs).size], [Number(tags), Number(distinct)]);
    for (const [, epc, count] of (facts.split(';')[1] ?? '').matchAll(/\b([0-9A-F]{2,}) x(\d+)/g))
      assert.equal(epcs.filter((one) => one === epc).length, Number(count), epc);
    // The driver gives a value for each read.
    const decoded = frameReader.read([bytesOf(name)], []).flatMap((read) => (read.fault ? [] : [decode(read.frame)]));
    assert.deepEqual(
      decoded
        .flatMap((one) => (one.ok ? (one.values ?? []) : []))
        .filter(({ point }) => point === 'read')
        .map(({ value }) => value),
      epcs,
    );
  });
}

test('reads are those that the text of the recording lists', { skip }, () => {
  for (const name of ['ltk_tests/dx101_a', 'ltk_tests/dx101_b', 'ltkjava/RO_ACCESS_REPORT']) {
    const text = bytesOf(`${name}.xml`).toString('utf8');
    const written = [...text.matchAll(/<(?:llrp:)?TagReportData>([\s\S]*?)<\/(?:llrp:)?TagReportData>/g)].map(([, tag]) => ({
      epc: /<(?:llrp:)?EPC(?:Data)?[^>]*>\s*([0-9A-Fa-f]+[0-9A-Fa-f\s]*)</.exec(tag as string)?.[1]?.replaceAll(/\s/g, '').toUpperCase(),
      antenna: Number(/<(?:llrp:)?AntennaID>\s*<(?:llrp:)?AntennaID>(\d+)/.exec(tag as string)?.[1] ?? NaN),
    }));
    const reads = readsIn(messagesOf(`${name}.bin`));
    assert.ok(written.length > 0);
    assert.equal(reads.length, written.length, name);
    reads.forEach((read, at) => {
      assert.equal(read.epc, written[at]?.epc);
      if (!Number.isNaN(written[at]?.antenna)) assert.equal(read.antenna, written[at]?.antenna);
    });
  }
});

/** A message of a maker's reader without its header, and what it says as JSON. */
const single = (type: number, name: string) => ({
  bytes: encodeLlrpMessage(type, 1, bytesOf('edgex', `${name}.bytes`)),
  said: JSON.parse(bytesOf('edgex', `${name}.json`).toString('utf8')) as Record<string, never>,
});

test('single messages of a maker: each tag with its antenna, signal and time', { skip }, () => {
  const names = readdirSync(join(folder as string, 'edgex'))
    .filter((name) => /^ROAccessReport.*\.bytes$/.test(name))
    .map((name) => name.replace('.bytes', ''));
  assert.equal(names.length, 9);
  for (const name of names) {
    const { bytes, said } = single(LLRP_MESSAGE_TYPES.report, name);
    const { reads, unreadable } = parseAccessReport(bytes);
    const tags = said.TagReportData as unknown as { EPC96: { EPC: string }; AntennaID: number; PeakRSSI: number; FirstSeenUTC: number }[];
    assert.equal(unreadable, 0);
    assert.deepEqual(
      reads.map(({ epc, antenna, rssiDbm, firstUtcUs }) => [epc, antenna, rssiDbm, firstUtcUs]),
      tags.map(({ EPC96, AntennaID, PeakRSSI, FirstSeenUTC }) => [
        Buffer.from(EPC96.EPC, 'base64').toString('hex').toUpperCase(),
        AntennaID,
        PeakRSSI,
        BigInt(FirstSeenUTC),
      ]),
    );
    assert.ok(listedFacts(`vectors/llrp/edgex/${name}.bytes`).includes(`EPC ${reads[0]?.epc}`));
  }
});

test('single messages of a maker: the response to a close, its power steps, transmitter settings of its antennas', { skip }, () => {
  const farewell = single(LLRP_MESSAGE_TYPES.readerEvent, 'ReaderEventNotification-000');
  const { UTCTimestamp } = farewell.said.ReaderEventNotificationData as unknown as { UTCTimestamp: number };
  assert.deepEqual(parseReaderEvent(farewell.bytes), { utcUs: BigInt(UTCTimestamp), isClosing: true });
  assert.deepEqual(llrpStatus(single(LLRP_MESSAGE_TYPES.closeResponse, 'CloseConnectionResponse-000').bytes), { code: 0, text: '' });
  const [capabilities, config] = [
    single(LLRP_MESSAGE_TYPES.capabilities, 'GetReaderCapabilitiesResponse-000'),
    single(LLRP_MESSAGE_TYPES.config, 'GetReaderConfigResponse-000'),
  ];
  const { steps, transmitters } = parseRadio(capabilities.bytes, config.bytes);
  const {
    UHFBandCapabilities: { TransmitPowerLevels },
  } = capabilities.said.RegulatoryCapabilities as unknown as {
    UHFBandCapabilities: { TransmitPowerLevels: { Index: number; TransmitPowerValue: number }[] };
  };
  assert.deepEqual(
    steps,
    TransmitPowerLevels.map(({ Index, TransmitPowerValue }) => ({ index: Index, dbm: TransmitPowerValue / 100 })),
  );
  const antennas = config.said.AntennaConfigurations as unknown as {
    AntennaID: number;
    RFTransmitter: { HopTableID: number; ChannelIndex: number; TransmitPowerIndex: number };
  }[];
  assert.deepEqual(
    [...transmitters],
    antennas.map(({ AntennaID, RFTransmitter: { HopTableID, ChannelIndex, TransmitPowerIndex } }) => [
      AntennaID,
      { hopTable: HopTableID, channel: ChannelIndex, power: TransmitPowerIndex },
    ]),
  );
});

test("a capture's clock in 100 ns since 1601 is recognised; its reads, of another epoch, get the edge's time", { skip }, () => {
  const messages = messagesOf('wireshark_llrp_stream0_from_reader.bin');
  const hello = messages.find(({ type }) => type === LLRP_MESSAGE_TYPES.readerEvent);
  const event = parseReaderEvent(hello?.bytes ?? new Uint8Array());
  assert.equal(new Date(utcMsOf(event.utcUs ?? 0n)).toISOString(), '2007-11-02T20:24:57.226Z');
  const observedAt = Date.UTC(2026, 0, 1);
  const clock = updateReaderClock(UNKNOWN_CLOCK, event, observedAt);
  for (const { firstUtcUs } of readsIn(messages))
    assert.deepEqual(timeOfRead({ utcUs: firstUtcUs ?? 0n }, clock, observedAt), { at: observedAt, isSkewed: true });
});

interface Golden {
  name: string;
  hex: string;
  expect: {
    type: number;
    id?: number;
    reply?: string;
    connectionAttempt?: string;
    time_us?: number;
    status?: number;
    tags?: {
      epc: string;
      uri?: string;
      antenna: number;
      rssi_dBm: number;
      channel?: number;
      firstSeen_us?: number;
      lastSeen_us?: number;
      count?: number;
    }[];
  };
}

/** Messages of this project, byte by byte after LLRP 1.1, 16 and 17: header, parameters with type and length, TVs with bit 8. */
const of = (...parts: string[]) => parts.join('');
const OWN: Golden[] = [
  { name: 'a sign of life and its answer', hex: '043E0000000A00000007', expect: { type: 62, id: 7, reply: '04480000000A00000007' } },
  {
    name: 'a reader that takes the connection',
    hex: of('043F0000002000000000', '00F60016', '0080000C', '000647480FCD0000', '01000006', '0000'),
    expect: { type: 63, id: 0, connectionAttempt: 'success', time_us: 0x000647480fcd0000 },
  },
  {
    name: 'a request that was carried out',
    hex: of('040D0000001200000009', '011F0008', '0000', '0000'),
    expect: { type: 13, id: 9, status: 0 },
  },
  {
    name: 'a request that was refused',
    hex: of('041E000000120000000A', '011F0008', '0064', '0000'),
    expect: { type: 30, id: 10, status: 100 },
  },
  {
    name: 'two reads of a report',
    hex: of(
      '043D0000005C00000001',
      '00F0002E',
      '8D3074257BF7194E4000001A85',
      '810003',
      '86C3',
      '870005',
      '82000647480FCD0000',
      '84000647480FCD0064',
      '880011',
      '00F00024',
      '00F1000F',
      '0048',
      'E28011052000000001',
      '810001',
      '86D0',
      '82000647480FCD0000',
      '880001',
    ),
    expect: {
      type: 61,
      id: 1,
      tags: [
        {
          epc: '3074257BF7194E4000001A85',
          antenna: 3,
          rssi_dBm: -61,
          channel: 5,
          count: 17,
          firstSeen_us: 0x000647480fcd0000,
          lastSeen_us: 0x000647480fcd0064,
        },
        { epc: 'E28011052000000001', antenna: 1, rssi_dBm: -48, count: 1, firstSeen_us: 0x000647480fcd0000 },
      ],
    },
  },
];

test('golden messages by others are available', { skip: skipWithout(sharedFolder('domain'), 'domain folder') }, () =>
  assert.ok(goldenFrames<Golden>('llrp').length > 0),
);

for (const { name, hex, expect } of [...OWN, ...goldenFrames<Golden>('llrp')]) {
  test(`golden message: ${name}`, () => {
    const { messages: [message, ...more], isInvalid } = new LlrpMessageCutter().feed(Buffer.from(hex, 'hex'));
    assert.ok(message && !isInvalid && more.length === 0);
    assert.equal(message.type, expect.type);
    if (expect.id !== undefined) assert.equal(message.id, expect.id);
    if (expect.reply)
      assert.equal(Buffer.from(encodeLlrpMessage(LLRP_MESSAGE_TYPES.keepaliveAck, message.id)).toString('hex').toUpperCase(), expect.reply);
    if (expect.connectionAttempt) assert.deepEqual(parseReaderEvent(message.bytes), { utcUs: BigInt(expect.time_us ?? 0), connection: 0 });
    if (expect.status !== undefined) assert.equal(llrpStatus(message.bytes)?.code, expect.status);
    if (!expect.tags) return;
    const big = (us: number | undefined) => (us === undefined ? undefined : BigInt(us));
    const { reads } = parseAccessReport(message.bytes);
    assert.deepEqual(
      reads.map(({ epc, antenna, rssiDbm, channel, count, firstUtcUs, lastUtcUs }) => [
        epc,
        antenna,
        rssiDbm,
        channel,
        count,
        firstUtcUs,
        lastUtcUs,
      ]),
      expect.tags.map((tag) => [tag.epc, tag.antenna, tag.rssi_dBm, tag.channel, tag.count, big(tag.firstSeen_us), big(tag.lastSeen_us)]),
    );
    for (const { epc, uri } of expect.tags) if (uri) assert.equal(epcUri(epc), uri);
  });
}

test('a long message that arrives in small pieces is joined once; an invalid one ends the stream for good', () => {
  const pieces = new LlrpMessageCutter();
  const message = encodeLlrpMessage(61, 7, Buffer.alloc(1_000_000));
  const found = [];
  const concat = Buffer.concat;
  let joined = 0;
  Buffer.concat = (list, total) => {
    const whole = concat(list, total);
    joined += whole.length;
    return whole;
  };
  try {
    for (let at = 0; at < message.length; at += 64) found.push(...pieces.feed(message.subarray(at, at + 64)).messages);
  } finally {
    Buffer.concat = concat;
  }
  assert.deepEqual(found.map(({ bytes }) => bytes.length), [message.length]);
  assert.ok(joined < 1.5 * message.length, `${joined} bytes were copied`);
  assert.equal(pieces.feed(Buffer.from([0xff])).isInvalid, true);
  assert.deepEqual(pieces.feed(message), { messages: [], isInvalid: true });
});
