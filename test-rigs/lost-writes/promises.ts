/** Everything that says "on disk when it resolves": what is done, and how it is found again by a process that comes later. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../../core/event.ts';
import { makeFolder } from '../../core/folder.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { readSecretFile, writeSecretFile } from '../../log/at-rest/secret-file.ts';
import { EvidenceFolder } from '../../log/evidence/evidence-folder.ts';
import { openJournal } from '../../log/journal.ts';
import { readClockFile, writeClockFile } from '../../log/clock-file.ts';
import { openEdgeLog } from '../../log/edge-log.ts';
import { StorageEngine } from '../../log/storage-engine.ts';
import { openGatewayLog } from '../../log/gateway-log.ts';
import { LOG_START } from '../../log/types.ts';
import { directStorage } from '../../log/worker-storage.ts';
import { testDraft, testDrafts } from '../../core/testing/drafts.ts';
import { acceptedGroup } from '../../log/testing/gateway-log-contract.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { decodeBatch } from '../../core/wire/batch.ts';
import { realWorld } from '../../core/world.ts';
import { ownCertificates } from '../../drivers/opcua/own-certificate.ts';
import { AuditRecord } from '../../gateway/audit/audit-record.ts';
import { publicKeysIn } from '../../gateway/audit/key.ts';
import { verifyAuditRecord } from '../../gateway/audit/verify-record.ts';
import { openBindingFile } from '../../gateway/bindings/file.ts';
import { HeldEvents } from '../../gateway/bindings/held.ts';
import { openQuarantine } from '../../gateway/intake/quarantine.ts';
import { SetAsideFile } from '../../gateway/sinks/set-aside.ts';
import { SqliteFile } from '../../gateway/sqlite/file.ts';
import { initialVersion } from '../../gateway/sqlite/migrations.ts';

interface Promised {
  act(dir: string): Promise<unknown>;
  /** @throws when it is not there */
  find(dir: string): Promise<void>;
}

const ALL = { maxGroups: 10_000, maxBytes: 1 << 30 };
const EDGE_LOG = { edge: 'pump-07', centre: '500112001', maxBytes: 64 << 20, maxFileBytes: 64 << 10 };
const GATEWAY_LOG = { gateway: 'town-1', maxBytes: 64 << 20, keepMs: 3_600_000, maxFileBytes: 64 << 10 };
const MIGRATIONS = initialVersion('CREATE TABLE t (x)');
const EVIDENCE_FOLDER = { maxBytes: 1000, keepMs: Infinity };
const AT_REST_KEYS = new AtRestKeys({ algorithm: 'aes-256-gcm', key: Buffer.alloc(32, 1).toString('base64'), oldKeys: [] });
const picture = Buffer.from('a picture');
const evidence = { sha256: createHash('sha256').update(picture).digest('hex'), mime: 'image/jpeg' as const, atMs: 1 };
const event: Event = {
  edge: 'gate',
  stream: 'measurement',
  epoch: 1,
  seq: 1,
  device: 'plc',
  point: 'level',
  indicator: 'YJ-FLD-001',
  centre: '500112001',
  kind: 'measurement',
  value: 1,
  unit: 'm',
  occurredAt: 1,
  observedAt: 1,
  clock: 'edge',
  quality: 'good',
  origin: 'live',
};

/** Below one that is new as well. */
export const folderOf = (root: string, name: string): string => join(root, name.replaceAll(/[^a-z]+/g, '-'), 'part');

export const DURABILITY_PROMISES: Record<string, Promised> = {
  'a first group of an edge\'s log': {
    act: async (dir) => (await openEdgeLog({ ...EDGE_LOG, dir }, realWorld(() => {}))).append([testDraft(1)]),
    find: async (dir) => assert.deepEqual(await valuesOfEdge(dir), [1]),
  },
  'groups of an edge\'s log over many files': {
    async act(dir) {
      const log = await openEdgeLog({ ...EDGE_LOG, dir }, realWorld(() => {}));
      for (let index = 0; index < 60; index += 1) await log.append(testDrafts(index * 100, 100, { subject: String(index).repeat(2000) }));
    },
    async find(dir) {
      assert.ok(readdirSync(dir).filter((name) => /^measurement-.*\.db$/.test(name)).length > 2, readdirSync(dir).join(' '));
      assert.deepEqual(await valuesOfEdge(dir), Array.from({ length: 6000 }, (_, index) => index));
    },
  },
  'what was found in a damaged file of an edge\'s log, and the damaged one beside it': {
    async act(dir) {
      const log = await openEdgeLog({ ...EDGE_LOG, dir }, realWorld(() => {}), directStorage());
      await log.append(testDrafts(1, 20));
      await log.close();
      const fd = openSync(join(dir, fileOf(dir)), 'r+');
      writeSync(fd, Buffer.alloc(100), 0, 100, 0);
      fsyncSync(fd);
      closeSync(fd);
      await openEdgeLog({ ...EDGE_LOG, dir }, realWorld(() => {}), directStorage());
    },
    async find(dir) {
      const [damaged, whole] = [`${fileOf(dir)}.damaged-1`, fileOf(dir)].map((name) =>
        readFileSync(join(dir, name)).subarray(0, 15).toString('latin1'),
      );
      assert.deepEqual([damaged, whole], ['\0'.repeat(15), 'SQLite format 3']);
      assert.deepEqual(await valuesOfEdge(dir), Array.from({ length: 20 }, (_, index) => index + 1));
    },
  },
  'an event that was set aside': {
    async act(dir) {
      const engine = new StorageEngine();
      engine.open({ dir, chains: ['log'], origins: false, maxBytes: 64 << 20, nowMs: 1 });
      engine.setAside({ line: 'first' });
      engine.setAside({ line: 'second' });
    },
    find: async (dir) => assert.equal(readFileSync(join(dir, 'quarantine.jsonl'), 'utf8'), 'first\nsecond\n'),
  },
  'groups and marks of a gateway\'s log over many files': {
    async act(dir) {
      const log = await openGatewayLog({ ...GATEWAY_LOG, dir }, testWorld());
      for (let seq = 1; seq < 12_000; seq += 100) await log.accept([acceptedGroup('a', seq, 100)]);
      await log.accept([], [{ sender: 'b', stream: 'state', epoch: 7, from: 1, to: 9 }]);
    },
    async find(dir) {
      assert.ok(readdirSync(dir).filter((name) => /^log-.*\.db$/.test(name)).length > 2, readdirSync(dir).join(' '));
      const log = await openGatewayLog({ ...GATEWAY_LOG, dir }, testWorld(), directStorage());
      const groups = await log.read(LOG_START, ALL);
      assert.deepEqual(
        [groups.reduce((sum, { count }) => sum + count, 0), log.mark('a', 'measurement', 7).upTo, log.mark('b', 'state', 7).upTo],
        [12_000, 12_000, 9],
      );
      await log.close();
    },
  },
  'a line of a journal': {
    act: async (dir) => (await openJournal(dir)).append({ at: 1, word: 'done' }),
    async find(dir) {
      const journal = await openJournal(dir);
      assert.deepEqual([journal.lines.map(({ word }) => word), journal.faults], [['done'], []]);
      await journal.close();
    },
  },
  'lines of a journal over many files': {
    async act(dir) {
      const journal = await openJournal(dir, { maxFileBytes: 300 });
      for (let index = 0; index < 6; index += 1) await journal.append({ at: index, word: 'done' });
    },
    find: async (dir) => assert.deepEqual([readdirSync(dir).length > 1, (await openJournal(dir)).lines.at(-1)?.at], [true, 5]),
  },
  'a transaction of a database of the gateway': databasePromise({}),
  'a transaction of a database that several connections read': databasePromise({ shared: true }),
  'what was refused': {
    act: async (dir) =>
      (await openQuarantine({ dir }, testWorld())).add([
        { at: 1, sender: 'pump', code: 'CV_WIRE_NOT_JSON', detail: '', payload: Buffer.from('refused') },
      ]),
    async find(dir) {
      const quarantine = await openQuarantine({ dir }, testWorld());
      assert.deepEqual(quarantine.list(null, 9).map(({ excerpt }) => excerpt), ['refused']);
      await quarantine.close();
    },
  },
  'what is held of another\'s device': {
    async act(dir) {
      const held = new HeldEvents(dir);
      await held.open();
      await held.add('gate', [event]);
    },
    async find(dir) {
      const held = new HeldEvents(dir);
      await held.open();
      assert.deepEqual(held.groups(), [{ sender: 'gate', groups: [{ device: 'plc', centre: '500112001', count: 1 }] }]);
    },
  },
  'bindings': {
    async act(dir) {
      const { file } = await openBindingFile(join(dir, 'bindings.jsonl'));
      file.add({ at: 1, edge: 'pump-07', device: 'plc' });
      await file.written();
    },
    find: async (dir) =>
      assert.deepEqual((await openBindingFile(join(dir, 'bindings.jsonl'))).lines, [{ at: 1, edge: 'pump-07', device: 'plc' }]),
  },
  'a picture': {
    act: async (dir) =>
      (await EvidenceFolder.open({ dir, maxBytes: 1000, keepMs: Infinity }, testWorld().clock)).put(evidence, picture, 'kept'),
    async find(dir) {
      const folder = await EvidenceFolder.open({ dir, maxBytes: 1000, keepMs: Infinity }, testWorld().clock);
      assert.deepEqual((await folder.get(evidence.sha256))?.content, picture);
      await folder.close();
    },
  },
  'an encrypted picture': {
    act: async (dir) =>
      (await EvidenceFolder.open({ ...EVIDENCE_FOLDER, dir, keys: AT_REST_KEYS }, testWorld().clock)).put(evidence, picture, 'kept'),
    async find(dir) {
      const folder = await EvidenceFolder.open({ ...EVIDENCE_FOLDER, dir, keys: AT_REST_KEYS }, testWorld().clock);
      assert.deepEqual((await folder.get(evidence.sha256))?.content, picture);
      await folder.close();
    },
  },
  'an encrypted secret': {
    async act(dir) {
      await makeFolder(dir);
      await writeSecretFile({ path: join(dir, 'key'), name: 'secret:key' }, 'secret', AT_REST_KEYS);
    },
    find: async (dir) =>
      assert.equal((await readSecretFile({ path: join(dir, 'key'), name: 'secret:key' }, AT_REST_KEYS)).toString(), 'secret'),
  },
  'what is known of the clock': {
    act: (dir) => writeClockFile(dir, 'boots'),
    find: async (dir) => assert.equal(await readClockFile(dir), 'boots'),
  },
  'key and certificate of a box': {
    act: (dir) => ownCertificates(dir, testWorld()),
    async find(dir) {
      const [key, certificate] = readdirSync(join(dir, 'own')).toSorted().map((name) => statSync(join(dir, 'own', name)));
      assert.ok(key && certificate && key.size > 500 && certificate.size > 500 && (key.mode & 0o77) === 0);
    },
  },
  'entries of an audit record, and its key': {
    async act(dir) {
      const audit = auditIn(dir);
      await audit.open();
      audit.append({ kind: 'command', who: 'duty-1', from: '::1', what: 'done', outcome: 'done' });
      await audit.flush();
    },
    async find(dir) {
      const { faults, lines } = await verifyAuditRecord(join(dir, 'audit'), await publicKeysIn(join(dir, 'key')));
      assert.deepEqual([faults, lines > 2], [[], true]);
      const audit = auditIn(dir);
      await audit.open();
      const { items } = await audit.list({ filter: { kind: 'command' }, limit: 9, before: null });
      await audit.close();
      assert.deepEqual(items.map(({ what }) => what), ['done']);
    },
  },
  'what a sink could not take': {
    act: (dir) =>
      new SetAsideFile(join(dir, 'aside.jsonl'), 'influxdb').add({
        at: 1,
        kind: 'refused',
        event: 'e',
        cursor: '1-1',
        status: 400,
        detail: '',
        line: 'x',
      }),
    find: async (dir) => assert.match(readFileSync(join(dir, 'aside.jsonl'), 'utf8'), /"line":"x"/),
  },
};

const auditIn = (dir: string): AuditRecord =>
  new AuditRecord({ dir: join(dir, 'audit'), keyDir: join(dir, 'key'), gateway: 'town-1', keepMs: () => Infinity }, realWorld(() => {}));

function databasePromise(options: { shared?: boolean }): Promised {
  return {
    async act(dir) {
      const file = new SqliteFile(join(dir, 'a.db'), MIGRATIONS, options);
      file.open(() => {});
      for (let x = 0; x < 120; x += 1) file.transaction((db) => { db.prepare('INSERT INTO t VALUES (?)').run(String(x).repeat(2000)); });
    },
    async find(dir) {
      const file = new SqliteFile(join(dir, 'a.db'), MIGRATIONS, options);
      file.open(() => {});
      assert.deepEqual(
        file.read((db) => [
          db.prepare('SELECT count(*) AS n FROM t').get()?.['n'],
          db.prepare('PRAGMA integrity_check').get()?.['integrity_check'],
        ]),
        [120, 'ok'],
      );
      file.close();
    },
  };
}

const fileOf = (dir: string): string => readdirSync(dir).find((name) => /^measurement-.*\.db$/.test(name)) ?? '';

async function valuesOfEdge(dir: string): Promise<number[]> {
  const log = await openEdgeLog({ ...EDGE_LOG, dir }, testWorld(), directStorage());
  const groups = await log.read('measurement', LOG_START, ALL);
  const values = groups.flatMap(({ payload }) => decodeBatch(payload).events.map(({ value }) => value as number));
  await log.close();
  return values;
}
