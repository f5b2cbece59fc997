/** Files on their way to a gateway that says what a test wants. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EvidenceFile } from '../../log/evidence/evidence-file.ts';
import { FaultError } from '../../core/faults.ts';
import { settle, testWorld } from '../../core/testing/virtual-clock.ts';
import { MAX_EVIDENCE_BYTES, MAX_EVIDENCE_PART_BYTES } from '../../core/wire/limits.ts';
import type { EvidencePart } from '../../core/wire/messages.ts';
import { EvidenceSender } from './evidence-sender.ts';

type Waiting = Pick<EvidenceFile, 'sha256' | 'atMs' | 'mime'> & { content: Uint8Array };

const picture = (nth: number, bytes: number, mime: EvidenceFile['mime'] = 'image/jpeg'): Waiting => ({
  sha256: String(nth).padStart(64, '0'),
  atMs: nth,
  mime,
  content: Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + nth) & 255),
});

function withEvidence(...waiting: Waiting[]) {
  const world = testWorld();
  const parts: EvidencePart[] = [];
  const settled: string[] = [];
  const link = { mayGo: true };
  const unreadable = new Map<string, Error>();
  const folder = {
    newestWaiting: (matches: (file: EvidenceFile) => boolean) =>
      (waiting.find((file) => matches(file as unknown as EvidenceFile)) as unknown as EvidenceFile | undefined) ?? null,
    get: async (sha256: string) => {
      const error = unreadable.get(sha256);
      if (error) throw error;
      return (waiting.find((file) => file.sha256 === sha256) as never) ?? null;
    },
    markSent: (sha256: string) => {
      settled.push(sha256);
      waiting.splice(0, waiting.length, ...waiting.filter((file) => file.sha256 !== sha256));
      return Promise.resolve();
    },
  };
  const sender = new EvidenceSender(
    {
      folder: () => folder as never,
      maySend: () => link.mayGo,
      send: (text) => {
        parts.push(JSON.parse(text) as EvidencePart);
      },
    },
    world,
  );
  const answer = async (have: number, afterMs = 0, more: { sha256?: string; refused?: string } = {}) => {
    await world.clock.advanceMs(afterMs);
    sender.answer({ v: 1, evidence: { sha256: parts.at(-1)?.sha256 ?? '', have, ...more } } as never);
    await settle();
  };
  const pass = async (ms: number) => {
    await world.clock.advanceMs(ms);
    sender.tick();
    await settle();
  };
  const bytesOf = (part: EvidencePart | undefined) => Buffer.from(part?.data ?? '', 'base64').length;
  const connect = async (...takes: [boolean, boolean?]) => {
    sender.connected(...takes);
    await settle();
  };
  return { world, sender, parts, settled, waiting, unreadable, link, answer, pass, connect, bytesOf };
}

test('a file is asked for first, goes in parts from where the gateway is, and is let go of when all is there', async () => {
  const file = picture(1, MAX_EVIDENCE_PART_BYTES + 500);
  const { connect, parts, answer, settled, world, bytesOf } = withEvidence(file);
  await connect(true);
  assert.deepEqual(parts, [{ v: 1, sha256: file.sha256, mime: 'image/jpeg', bytes: file.content.length, at: 1, offset: 0, data: '' }]);
  await answer(100);
  assert.deepEqual([parts[1]?.offset, bytesOf(parts[1])], [100, MAX_EVIDENCE_PART_BYTES]);
  assert.deepEqual(Buffer.from(parts[1]?.data ?? '', 'base64').subarray(0, 9), Buffer.from(file.content.subarray(100, 109)));
  await answer(100 + MAX_EVIDENCE_PART_BYTES);
  assert.deepEqual([parts[2]?.offset, bytesOf(parts[2]), settled], [100 + MAX_EVIDENCE_PART_BYTES, 400, []]);
  await answer(1e9);
  assert.deepEqual(
    [settled, world.told, parts.length],
    [[file.sha256], [{ kind: 'evidence_sent', count: 1, bytes: file.content.length }], 3],
  );
});

test('one goes after the other, the next as soon as the gateway has the first', async () => {
  const { connect, parts, answer, settled } = withEvidence(picture(1, 10), picture(2, 10));
  await connect(true);
  await answer(10);
  assert.deepEqual([parts.map(({ at }) => at), settled.length], [[1, 2], 1]);
});

test('a gateway that takes none gets none, one of before clips gets pictures alone, and a link with live events waits', async () => {
  const { connect, sender, parts, link } = withEvidence(picture(1, 10, 'video/mp4'), picture(2, 10));
  sender.wake();
  await connect(false, true);
  assert.equal(parts.length, 0);
  link.mayGo = false;
  await connect(true);
  assert.equal(parts.length, 0);
  link.mayGo = true;
  sender.wake();
  await settle();
  assert.deepEqual(parts.map(({ mime }) => mime), ['image/jpeg']);
  sender.disconnected();
  sender.wake();
  await settle();
  assert.equal(parts.length, 1);
  await connect(true, true);
  assert.deepEqual(parts.slice(1).map(({ mime }) => mime), ['video/mp4'], 'the first of what it takes');
});

test('a slow part makes the next half as large, down to 4 kB, a quick one twice', async () => {
  const { connect, parts, answer, bytesOf } = withEvidence(picture(1, 1 << 20));
  await connect(true);
  await answer(0, 5000);
  assert.equal(bytesOf(parts.at(-1)), MAX_EVIDENCE_PART_BYTES, 'a question says nothing about the link');
  const after = async (tookMs: number) => {
    await answer(0, tookMs);
    return bytesOf(parts.at(-1));
  };
  const whole = MAX_EVIDENCE_PART_BYTES;
  assert.deepEqual(
    [await after(1000), await after(1001), await after(250), await after(249), await after(1)],
    [whole, whole / 2, whole / 2, whole, whole],
  );
  let last = whole;
  for (let turn = 0; turn < 12; turn += 1) last = await after(2000);
  assert.equal(last, 4096);
});

test('what is not answered is asked for again, less and less often; an answer ends the patience', async () => {
  const { connect, parts, answer, pass } = withEvidence(picture(1, 10_000));
  await connect(true);
  await pass(9999);
  assert.equal(parts.length, 1);
  await pass(1);
  assert.equal(parts.length, 2);
  await pass(19_999);
  assert.equal(parts.length, 2);
  await pass(1);
  assert.deepEqual(parts.map(({ data }) => data), ['', '', '']);
  for (let turn = 0; turn < 8; turn += 1) await pass(300_000);
  assert.equal(parts.length, 11, 'five minutes at most');
  await answer(0);
  await pass(10_000);
  assert.deepEqual([parts.length, parts.at(-1)?.data], [13, ''], 'ten seconds again');
});

test('an answer to another file, or to nothing, moves nothing', async () => {
  const { connect, parts, answer, sender } = withEvidence(picture(1, 10_000));
  await connect(true);
  await answer(5, 0, { sha256: 'f'.repeat(64) });
  assert.equal(parts.length, 1);
  await answer(5);
  assert.equal(parts.length, 2);
  sender.disconnected();
  await answer(10_000);
  assert.equal(parts.length, 2);
});

test('a file that the gateway refuses is lost with its reason; one that is gone or too large waits no longer', async () => {
  const refused = withEvidence(picture(1, 10), picture(2, 10));
  await refused.connect(true);
  await refused.answer(0, 0, { refused: 'CV_EVIDENCE_KIND' });
  assert.deepEqual(refused.world.told, [
    { kind: 'evidence_lost', count: 1, reason: 'refused' },
    {
      kind: 'fault',
      fault: { code: 'CV_EVIDENCE_REFUSED', params: { sha256: picture(1, 1).sha256, edge: '', detail: 'CV_EVIDENCE_KIND' } },
    },
  ]);
  assert.deepEqual([refused.settled, refused.parts.map(({ at }) => at)], [[picture(1, 1).sha256], [1, 2]]);
  const large = withEvidence(picture(3, MAX_EVIDENCE_BYTES + 1), picture(4, MAX_EVIDENCE_BYTES));
  await large.connect(true);
  assert.deepEqual([large.settled, large.parts.length], [[picture(3, 1).sha256], 0]);
  await large.pass(1000);
  assert.deepEqual(large.parts.map(({ at }) => at), [4]);
});

test('an encrypted file that is damaged is told and counted once, and waits no longer; one whose key is not there waits', async () => {
  const { world, unreadable, connect, pass, settled, parts } = withEvidence(picture(1, 10), picture(2, 10));
  const damaged = new FaultError('CV_AT_REST_DAMAGED', { path: 'a', key: 'k', detail: 'd' });
  unreadable.set(picture(1, 1).sha256, damaged);
  await connect(true);
  await pass(1000);
  assert.deepEqual(world.told, [
    { kind: 'evidence_lost', count: 1, reason: 'picture_unmade' },
    { kind: 'fault', fault: damaged.fault },
  ]);
  assert.deepEqual([settled, parts.map(({ at }) => at)], [[picture(1, 1).sha256], [2]]);
  const waits = withEvidence(picture(3, 10));
  waits.unreadable.set(picture(3, 1).sha256, new FaultError('CV_AT_REST_KEY', { path: 'a', key: 'k', count: 1 }));
  await waits.connect(true);
  assert.deepEqual([waits.settled, waits.parts, waits.world.told.map(({ kind }) => kind)], [[], [], ['fault']]);
});
