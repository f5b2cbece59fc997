/** What the record promises to those who write to it: nobody waits, nothing grows without bound, what is lost is said. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { recordForcedWrites } from '../../log/testing/forced-writes.ts';
import { mockFs } from '../../log/testing/mock-fs.ts';
import { openFiles } from '../../log/testing/open-files.ts';
import { auditFileName, CHAIN_START } from './audit-line.ts';
import { auditEntry, AUDIT_DAY_MS, foundIn, recordedFolder } from './testing/recorded-folder.ts';

const ALL = { filter: {}, limit: 1000, before: null };

test('entries come back in order over restarts, days and sizes; each follows the one before, and the whole verifies', async (t) => {
  const { open, verify, world, dir } = await recordedFolder(t);
  const written: string[] = [];
  for (const run of ['a', 'b', 'c']) {
    const audit = await open({ maxFileBytes: 2000 });
    for (let at = 0; at < 30; at += 1) {
      written.push(`${run}${at}`);
      audit.append(auditEntry(`${run}${at}`));
      if (at % 10 === 9) await world.clock.advanceMs(AUDIT_DAY_MS / 2);
    }
    await audit.close();
  }
  const audit = await open();
  const { items } = await audit.list(ALL);
  assert.deepEqual(items.filter(({ kind }) => kind === 'user_change').map(({ what }) => what), written.toReversed());
  const verified = await verify();
  assert.deepEqual([verified.faults, verified.from, verified.unconfirmed], [[], 1, 0]);
  assert.equal(verified.lines, verified.end.seq);
  const days = new Set((await readdir(dir)).map((name) => name.slice(13, 23)));
  assert.ok(days.size > 3 && verified.files > days.size, 'by day, and by size within one');
});

test('a line says who, from where, what and when, and has the hash of the one before; rights are this user alone', async (t) => {
  const { open, world, dir, keyDir } = await recordedFolder(t);
  const audit = await open();
  audit.append(auditEntry('a command', { kind: 'command', centre: '500112001', details: { reason: 'W-118' }, outcome: 'refused' }));
  await audit.close();
  const name = auditFileName(1, '2026-01-01');
  const [first = '', second = '', third = ''] = (await readFile(join(dir, name), 'utf8')).split('\n');
  const [checkpoint, note, entry] = [first, second, third].map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([checkpoint?.kind, checkpoint?.prev, note?.kind], ['checkpoint', CHAIN_START, 'record']);
  const at = world.clock.nowMs();
  const { prev, ...rest } = entry ?? {};
  const wanted = { seq: 3, at, kind: 'command', who: 'chief', from: '10.0.0.7', what: 'a command' };
  assert.deepEqual(rest, { ...wanted, outcome: 'refused', centre: '500112001', details: { reason: 'W-118' } });
  assert.match(String(prev), /^[0-9a-f]{64}$/);
  const rights = async (path: string) => (await stat(path)).mode & 0o777;
  assert.deepEqual(
    await Promise.all([dir, join(dir, name), join(dir, 'head.json'), keyDir, join(keyDir, 'private.pem')].map(rights)),
    [0o700, 0o600, 0o600, 0o700, 0o600],
  );
});

test('many entries are one write: lines are on disk before the head names them, and a new file with its name', async (t) => {
  const { open, world, dir } = await recordedFolder(t);
  const stillOpen = openFiles(t);
  const steps = recordForcedWrites(t);
  const audit = await open();
  steps.length = 0;
  for (let at = 0; at < 50; at += 1) audit.append(auditEntry(`of ${at}`));
  await world.clock.advanceMs(200);
  await audit.flush();
  const file = auditFileName(1, '2026-01-01');
  const head = ['force head.json.new', 'rename head.json.new head.json'];
  assert.deepEqual(steps.splice(0), [`force ${file}`, ...head]);
  await world.clock.advanceMs(AUDIT_DAY_MS);
  audit.append(auditEntry('of another day'));
  await audit.flush();
  const next = (await readdir(dir)).toSorted()[1] as string;
  assert.deepEqual(steps.splice(0), [`force ${file}`, `force ${basename(dir)}`, `force ${next}`, ...head]);
  await audit.close();
  assert.deepEqual(stillOpen(), []);
});

test('lengths are bounded, whatever is handed in, and a name that ends within a character is whole', async (t) => {
  const { open, verify } = await recordedFolder(t);
  const audit = await open();
  const long = '😀'.repeat(100_000);
  audit.append(auditEntry(long, { who: `x${long}`, from: long, centre: long, details: { [long]: long, n: 1 } }));
  audit.append(auditEntry('two\nlines', { who: '\u0000"\\' }));
  const { items } = await audit.list(ALL);
  assert.ok(JSON.stringify(items[1]).length < 2000);
  assert.ok(items[1]?.who.isWellFormed());
  assert.equal(items[0]?.what, 'two\nlines');
  await audit.close();
  assert.deepEqual((await verify()).faults, []);
});

test('a flood of refusals is a few lines and a count a minute: by network, and of all networks together', async (t) => {
  const { open, world } = await recordedFolder(t);
  const audit = await open();
  const refused = (from: string) => audit.append(auditEntry('password', { kind: 'sign_in', who: 'li', from, outcome: 'refused' }));
  for (let at = 0; at < 1000; at += 1) refused('10.0.0.1');
  refused('10.0.0.2');
  for (let at = 0; at < 1000; at += 1) refused(`2001:db8::${at.toString(16)}`);
  audit.append(auditEntry('in between'));
  await world.clock.advanceMs(60_000);
  const { items } = await audit.list(ALL);
  const sums = items.filter(({ what }) => what === 'repeated').map(({ from, details }) => [from, details?.repeated]);
  assert.deepEqual(sums.toSorted(), [['10.0.0.1', 995], ['2001:db8:0:0::/64', 995]]);
  assert.equal(items.filter(({ kind, what }) => kind === 'sign_in' && what === 'password').length, 11);
  assert.ok(items.some(({ what }) => what === 'in between'));
  await world.clock.advanceMs(1);
  for (let at = 0; at < 20_000; at += 1) refused(`10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`);
  await world.clock.advanceMs(60_000);
  const { items: more } = await audit.list({ ...ALL, filter: { since: world.clock.nowMs() - 60_000 } });
  assert.ok(more.length <= 130, `${more.length} lines`);
  const counted = more.reduce((sum, { kind, details }) => sum + (kind === 'sign_in' ? Number(details?.repeated ?? 1) : 0), 0);
  assert.equal(counted, 20_000, 'none is uncounted');
});

test('whoever reads the same evidence again and again is one line and a count; other evidence is a line of its own', async (t) => {
  const { open, world } = await recordedFolder(t);
  const audit = await open();
  for (let at = 0; at < 90; at += 1) audit.append(auditEntry(at % 3 === 0 ? 'clip a' : 'clip b', { kind: 'evidence_read' }));
  await world.clock.advanceMs(60_000);
  audit.append(auditEntry('clip a', { kind: 'evidence_read' }));
  const { items } = await audit.list({ ...ALL, filter: { kind: 'evidence_read' } });
  assert.deepEqual(
    items.map(({ what, details }) => [what, details?.repeated ?? 1]).toReversed(),
    [['clip a', 1], ['clip b', 1], ['clip a', 29], ['clip b', 59], ['clip a', 1]],
  );
});

test('a disk that is full is told once, what does not fit in the queue is counted in the record, and all of it verifies', async (t) => {
  const { open, verify, world, dir } = await recordedFolder(t);
  const audit = await open();
  audit.append(auditEntry('before'));
  await audit.flush();
  const { open: real } = fs.promises;
  const probe = await real(join(dir, 'head.json'), 'r');
  const prototype = Object.getPrototypeOf(probe) as typeof probe;
  await probe.close();
  const full = t.mock.method(prototype, 'datasync', () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })));
  for (let at = 0; at < 10_007; at += 1) audit.append(auditEntry(`while full ${at}`));
  await world.clock.advanceMs(200);
  await audit.flush();
  await world.clock.advanceMs(20_000);
  await audit.flush();
  const told = () =>
    world.told.map((one) => (one.kind === 'fault' ? one.fault.code : one.kind === 'fault_cleared' ? `${one.code} over` : one.kind));
  assert.deepEqual(told(), ['CV_AUDIT_UNWRITTEN']);
  full.mock.restore();
  await world.clock.advanceMs(5000);
  await audit.flush();
  assert.deepEqual(told(), ['CV_AUDIT_UNWRITTEN', 'CV_AUDIT_UNWRITTEN over']);
  const { items } = await audit.list({ ...ALL, filter: { kind: 'record' } });
  const lost = items[0];
  assert.deepEqual([lost?.what, lost?.details?.count], ['entries lost while it could not be written', 7]);
  await audit.close();
  const verified = await verify();
  assert.deepEqual(verified.faults, []);
  assert.ok(verified.lines > 10_000);
});

test('a folder that cannot be made is told, and the record begins when it can', async (t) => {
  const { open, verify, world, dir } = await recordedFolder(t);
  await writeFile(dir, 'in the way');
  const audit = await open();
  audit.append(auditEntry('kept meanwhile'));
  await audit.flush();
  assert.deepEqual(world.told.map((one) => one.kind === 'fault' && one.fault.code), ['CV_AUDIT_UNWRITTEN']);
  await fs.promises.rm(dir);
  await world.clock.advanceMs(5000);
  assert.ok((await audit.list(ALL)).items.some(({ what }) => what === 'kept meanwhile'));
  await audit.close();
  assert.deepEqual((await verify()).faults, []);
});

test('what is older than it is kept goes in whole files, with a signed note of where the chain begins', async (t) => {
  const { open, verify, world, dir } = await recordedFolder(t);
  const audit = await open({ keepMs: () => 180 * AUDIT_DAY_MS });
  for (let day = 0; day < 200; day += 1) {
    audit.append(auditEntry(`day ${day}`));
    await audit.flush();
    await world.clock.advanceMs(AUDIT_DAY_MS);
  }
  await audit.flush();
  const { items } = await audit.list(ALL);
  assert.ok(items.some(({ what }) => what === 'files older than they are kept were removed'));
  const kept = items.filter(({ kind }) => kind === 'user_change').map(({ what }) => what);
  assert.ok(kept.includes('day 25') && !kept.includes('day 10'), kept.at(-1));
  const first = (await readdir(dir)).toSorted()[0] as string;
  const verified = await verify();
  assert.deepEqual(verified.faults, []);
  assert.equal(verified.from, Number(first.slice(0, 12)));
  await audit.close();
  await fs.promises.rm(join(dir, 'begin.json'));
  assert.deepEqual(foundIn(await verify()), [`CV_AUDIT_MISSING 1 ${verified.from - 1}`]);
});

test('a clock that jumps removes nothing; one that then goes on for an hour does', async (t) => {
  const { open, world, dir } = await recordedFolder(t);
  const audit = await open({ keepMs: () => 180 * AUDIT_DAY_MS });
  audit.append(auditEntry('long ago'));
  await audit.flush();
  await world.clock.advanceMs(AUDIT_DAY_MS);
  audit.append(auditEntry('a day later'));
  await audit.flush();
  const before = (await readdir(dir)).length;
  const { nowMs } = world.clock;
  let aheadMs = 1000 * AUDIT_DAY_MS;
  t.mock.method(world.clock, 'nowMs', () => nowMs.call(world.clock) + aheadMs);
  await world.clock.advanceMs(3_600_000);
  aheadMs = 0;
  await world.clock.advanceMs(3_600_000);
  assert.equal((await readdir(dir)).length, before);
  aheadMs = 1000 * AUDIT_DAY_MS;
  await world.clock.advanceMs(2 * 3_600_000);
  await audit.flush();
  assert.ok((await audit.list(ALL)).items.some(({ what }) => what.startsWith('files older')));
});

test('a key that cannot be read any more is put aside; the record goes on under a new one, and the old part still verifies', async (t) => {
  const { open, verify, keyDir } = await recordedFolder(t);
  const audit = await open();
  audit.append(auditEntry('by the old key'));
  await audit.close();
  const path = join(keyDir, 'private.pem');
  await chmod(path, 0o600);
  await writeFile(path, 'no key');
  const again = await open();
  again.append(auditEntry('by the new key'));
  const { items } = await again.list(ALL);
  assert.equal(items.filter(({ what }) => what === 'signed by a new key from here on').length, 2);
  await again.close();
  assert.deepEqual((await verify()).faults, []);
  assert.ok((await readdir(keyDir)).some((name) => name.startsWith('private.pem.unreadable-')));
});

test('a list is filtered and cut in pages, by the number of the line', async (t) => {
  const { open, world } = await recordedFolder(t);
  const audit = await open({ maxFileBytes: 1000 });
  for (let at = 0; at < 40; at += 1) {
    const more = { who: at % 2 === 0 ? 'li' : 'wu', centre: at < 20 ? '500112001' : '500106002' };
    audit.append(auditEntry(`of ${at}`, { ...more, kind: at % 4 === 0 ? 'command' : 'binding' }));
    await world.clock.advanceMs(1000);
  }
  const startMs = Date.UTC(2026, 0, 1);
  const found = async (filter: object) => (await audit.list({ ...ALL, filter })).items.map(({ what }) => Number(what.slice(3)));
  assert.deepEqual(await found({ who: 'li', kind: 'command', centre: '500106002', outcome: 'done' }), [36, 32, 28, 24, 20]);
  assert.deepEqual(await found({ since: startMs + 5000, until: startMs + 8000 }), [7, 6, 5]);
  assert.deepEqual(await found({ outcome: 'refused' }), []);
  assert.ok((await audit.list({ ...ALL, filter: { kind: 'checkpoint' } })).items.length > 3);
  const seen: number[] = [];
  const isSeen = (centre: string | undefined) => centre === '500112001';
  for (let before: number | null = null; ;) {
    const page = await audit.list({ filter: {}, limit: 7, before, isSeen });
    seen.push(...page.items.map(({ what }) => Number(what.slice(3))));
    if (page.next === null) break;
    before = page.next;
  }
  assert.deepEqual(seen, Array.from({ length: 20 }, (_, at) => 19 - at));
});

test('a page reads so many bytes at most: what is rare is found over several', async (t) => {
  const { open, dir } = await recordedFolder(t);
  const audit = await open();
  audit.append(auditEntry('the rare one', { who: 'rare' }));
  await audit.close();
  let reads = 0;
  const { readFile: real } = fs.promises;
  const names = await readdir(dir);
  const name = names.find((one) => one.endsWith('.jsonl')) as string;
  for (let at = 1; at < 20; at += 1) await writeFile(join(dir, auditFileName(at * 1000, '2026-01-02')), '');
  mockFs(t, 'readFile', async (path: string, options: never) => {
    reads += 1;
    return path.endsWith(name) ? real(path, options) : Buffer.alloc(2 << 20, 'x');
  }, fs.promises);
  const { readEntries } = await import('./read-entries.ts');
  const first = await readEntries(dir, { ...ALL, filter: { who: 'rare' } }, null);
  assert.deepEqual([first.items, first.next, reads], [[], 12_000, 8]);
  const second = await readEntries(dir, { ...ALL, filter: { who: 'rare' }, before: first.next }, null);
  const third = await readEntries(dir, { ...ALL, filter: { who: 'rare' }, before: second.next }, null);
  assert.deepEqual([...second.items, ...third.items].map(({ what }) => what), ['the rare one']);
});
