/** Recordings of others' readers: every message is found, every tag read. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import { compared, timeOfRead, UNKNOWN_CLOCK, utcMsOf } from './reader-clock.ts';
import { readerEventOf } from './reader-event.ts';
import { MessageCutter, messageOf, TYPE, type Message } from './message.ts';
import { readsOf, type Read } from './reads.ts';

const folder = sharedFolder('traffic', 'vectors', 'llrp');
const skip = skipWithout(folder, 'traffic folder');

function messagesOf(...path: string[]): Message[] {
  const { messages, isOver } = new MessageCutter().feed(readFileSync(join(folder as string, ...path)));
  assert.ok(!isOver, path.join('/'));
  return messages;
}

function readsIn(messages: readonly Message[]): Read[] {
  return messages.filter(({ type }) => type === TYPE.report).flatMap(({ bytes }) => {
    const { reads, unreadable } = readsOf(bytes);
    assert.equal(unreadable, 0);
    return reads;
  });
}

test('recorded sessions: 934, 24 and 750 messages; 130, 132 and 237 tags', { skip }, () => {
  for (const [name, count, tags, epcs] of [['dx101_a', 934, 130, null], ['dx101_b', 24, 132, 130], ['dx101_e', 750, 237, 237]] as const) {
    const messages = messagesOf('ltk_tests', `${name}.bin`);
    assert.equal(messages.length, count, name);
    const reads = readsIn(messages);
    assert.equal(reads.length, tags, name);
    if (epcs !== null) assert.equal(new Set(reads.map(({ epc }) => epc)).size, epcs, name);
  }
});

test('reads are those that the recording\'s own text has', { skip }, () => {
  for (const name of ['dx101_a', 'dx101_b']) {
    const text = readFileSync(join(folder as string, 'ltk_tests', `${name}.xml`), 'utf8');
    const written = [...text.matchAll(/<TagReportData>([\s\S]*?)<\/TagReportData>/g)].map(([, tag]) => ({
      epc: /<EPC(?:Data)?[^>]*>([0-9A-Fa-f\s]+)</.exec(tag as string)?.[1]?.replaceAll(/\s/g, '').toUpperCase(),
      antenna: Number(/<AntennaID>\s*<AntennaID>(\d+)/.exec(tag as string)?.[1] ?? NaN),
    }));
    const reads = readsIn(messagesOf('ltk_tests', `${name}.bin`));
    assert.equal(reads.length, written.length, name);
    reads.forEach((read, at) => {
      if (written[at]?.epc) assert.equal(read.epc, written[at]?.epc);
      if (!Number.isNaN(written[at]?.antenna)) assert.equal(read.antenna, written[at]?.antenna);
    });
  }
});

test('single messages of a maker, without headers: each tag is the one its name says', { skip }, () => {
  const files = readdirSync(join(folder as string, 'edgex')).filter((name) => /^ROAccessReport.*\.bytes$/.test(name));
  assert.ok(files.length >= 8);
  for (const file of files) {
    const { reads, unreadable } = readsOf(messageOf(TYPE.report, 1, readFileSync(join(folder as string, 'edgex', file))));
    assert.deepEqual([reads.length, unreadable], [1, 0], file);
    const said = JSON.stringify(JSON.parse(readFileSync(join(folder as string, 'edgex', file.replace('.bytes', '.json')), 'utf8')));
    const wanted = Buffer.from(reads[0]?.epc ?? '', 'hex').toString('base64');
    assert.ok(said.includes(wanted) || said.toUpperCase().includes(reads[0]?.epc ?? '?'), `${file}: ${reads[0]?.epc}`);
  }
});

test('a capture\'s clock that counts 100 ns since 1601 is recognised; its reads, which count from elsewhere, get our time', { skip }, () => {
  const messages = messagesOf('wireshark_llrp_stream0_from_reader.bin');
  const hello = messages.find(({ type }) => type === TYPE.readerEvent);
  const event = readerEventOf(hello?.bytes ?? new Uint8Array());
  assert.equal(new Date(utcMsOf(event.utcUs ?? 0n)).toISOString(), '2007-11-02T20:24:57.226Z');
  const observedAt = Date.UTC(2026, 0, 1);
  const clock = compared(UNKNOWN_CLOCK, event, observedAt);
  for (const { firstUtcUs } of readsIn(messages)) assert.deepEqual(timeOfRead({ utcUs: firstUtcUs ?? 0n }, clock, observedAt), { at: observedAt, isSkewed: true });
});
