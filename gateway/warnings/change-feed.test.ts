import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { warningChanges } from '../http/warning-changes.ts';
import type { Cursor } from '../../log/types.ts';
import type { OutboxEntry, StateBatch } from './database.ts';
import { StateDatabase } from './database.ts';

const NOTHING: StateBatch = {
  upTo: null,
  series: [],
  keys: [],
  warnings: [],
  warningChanges: [],
  findings: [],
  outbox: [] as OutboxEntry[],
};

function opened(path: string, nowMs: number) {
  const database = new StateDatabase();
  database.operations.open({ path });
  let head: Cursor = database.operations.beginFeed({ nowMs });
  return {
    ...database.operations,
    say(id: string, condition: string): void {
      head = { ...head, seq: head.seq + 1 };
      database.operations.commit({
        ...NOTHING,
        feed: { published: [JSON.stringify({ id, condition, cursor: `${head.epoch}-${head.seq}` })], last: head.seq },
      });
    },
    after: (epoch: number, seq: number, limit = 10) => warningChanges({
      warningChangesHead: () => head,
      async warningChanges(after, most) {
        const { items, oldest } = database.operations.feed({ after, limit: most });
        return { items: items.map((json) => JSON.parse(json)), oldest };
      },
    }, { epoch, seq }, limit),
  };
}

const said = ({ items }: { items: { id: string; condition: string }[] }) => items.map(({ id, condition }) => `${id} ${condition}`);

test('what opened and closed during an absence is found by the cursor, in order, page by page, also after a restart', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const path = join(dir, 'state.db');
  let state = opened(path, 1000);
  state.say('a', 'active');
  const { next: mine } = await state.after(0, 0);
  assert.equal(mine, '1000-1');
  state.say('b', 'active');
  state.say('b', 'cleared');
  state.close();
  state = opened(path, 2000);
  state.say('a', 'cleared');
  const first = await state.after(1000, 1, 2);
  assert.deepEqual([said(first), first.next], [['b active', 'b cleared'], '1000-3']);
  assert.deepEqual(said(await state.after(1000, 3)), ['a cleared']);
  assert.deepEqual(await state.after(1000, 4), { items: [], next: '1000-4' });
  state.close();
});

test('a cursor of another gateway is refused ahead and behind, with the oldest to go on from', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const state = opened(join(dir, 'state.db'), 1000);
  state.say('a', 'active');
  const codeOf = (epoch: number, seq: number) =>
    state.after(epoch, seq).then(
      () => 'taken',
      (error: { fault: { code: string }; extra: { oldest: string } }) => `${error.fault.code} ${error.extra.oldest}`,
    );
  assert.deepEqual(await Promise.all([codeOf(1000, 2), codeOf(2000, 1), codeOf(999, 1), codeOf(1000, 1)]), [
    'CV_API_CURSOR_AHEAD 0-0',
    'CV_API_CURSOR_AHEAD 0-0',
    'CV_API_CURSOR_GONE 0-0',
    'taken',
  ]);
  state.close();
});
