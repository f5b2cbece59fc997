/**
 * Folders of logs to be damaged: an edge's and a gateway's, each with several files, groups of one event and of hundreds,
 * once closed in order and once as a killed process leaves it, with a write-ahead log.
 */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openEdgeLog } from '../../log/edge-log.ts';
import { openGatewayLog } from '../../log/gateway-log.ts';
import { directStorage } from '../../log/worker-storage.ts';
import { TEST_CENTRE, testDrafts } from '../../core/testing/drafts.ts';
import { acceptedGroup } from '../../log/testing/gateway-log-contract.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';

export type LogFolderKind = 'edge' | 'gateway';

export const DAMAGED_STREAM = 'state';
export const DAMAGED_EDGE = { edge: 'pump-07', centre: TEST_CENTRE, maxBytes: 16 << 20, maxFileBytes: 96 << 10, ballastBytes: 0 };
export const DAMAGED_GATEWAY = { gateway: 'town-1', maxBytes: 16 << 20, maxFileBytes: 96 << 10, ballastBytes: 0, keepMs: 3600_000 };
export const DAMAGED_SENDER = 'edge-a';
export const SENDER_EPOCH = 7;
/** Numbers up to here were settled before (an edge's): they may be gone without a word. */
export const SETTLED_NUMBERS = 40;

export interface LogFolder {
  kind: LogFolderKind;
  dir: string;
  /** With a write-ahead log. */
  killed: boolean;
  epoch: number;
  lastSeq: number;
  /** First numbers of the groups, in order. */
  groups: number[];
}

/** Sizes of groups: most are small, some span many pages. */
const SIZES = [1, 3, 25, 1, 60, 7, 300, 1, 1, 12, 500, 2, 25, 25, 90, 1, 5, 40];
const ROUNDS = 8;

export async function makeLogFolder(parent: string, kind: LogFolderKind, killed: boolean): Promise<LogFolder> {
  const live = join(parent, `${kind}-${killed ? 'killed' : 'closed'}-live`);
  const dir = join(parent, `${kind}-${killed ? 'killed' : 'closed'}`);
  const sizes = Array.from({ length: ROUNDS }, (_, round) => SIZES.map((size, index) => 1 + ((size * (round + 2) + index) % 500))).flat();
  const groups: number[] = [];
  let lastSeq = 0;
  const world = testWorld();
  const log =
    kind === 'edge'
      ? await openEdgeLog({ ...DAMAGED_EDGE, dir: live }, world, directStorage())
      : await openGatewayLog({ ...DAMAGED_GATEWAY, dir: live }, world, directStorage());
  for (const size of sizes) {
    groups.push(lastSeq + 1);
    if ('append' in log) await log.append(testDrafts(lastSeq + 1, size, { kind: 'state' }));
    else await log.accept([acceptedGroup(DAMAGED_SENDER, lastSeq + 1, size, SENDER_EPOCH)]);
    lastSeq += size;
    if ('settle' in log) await log.settle(DAMAGED_STREAM, log.epoch, { upTo: Math.min(SETTLED_NUMBERS, lastSeq), have: [] });
  }
  if (killed) await copyFolder(live, dir);
  await log.close();
  if (!killed) await copyFolder(live, dir);
  const names = await readdir(dir);
  assert.equal(names.some((name) => name.endsWith('-wal')), killed);
  assert.ok(names.filter((name) => name.endsWith('.db') && name !== 'lock.db').length > 2, 'several files');
  return { kind, dir, killed, epoch: log.epoch, lastSeq, groups };
}

/** Reading a live file through the file system drops SQLite's lock on it; here nobody else is about to come. */
export async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) await copyFile(join(from, name), join(to, name));
}
