import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WARNING_STATES as STATES } from './state.ts';
import { AUTO_CLOSE, isOpen, findTransition, TRANSITIONS, type WarningRole } from './lifecycle.ts';

/** As it is agreed with the centres: who may, from when its time counts, what is recorded. */
const AGREED = `
  –                     raised        engine, duty-officer  –           rule, inputs, place, evidence, unit
  raised                acknowledged  duty-officer          raised      channel, judgement
  raised, acknowledged  false_alarm   duty-officer          raised      cause, proof
  raised, acknowledged  merged        duty-officer, engine  –           survivor
  acknowledged          dispatched    duty-officer          raised      unit, plan, deadline, receipts
  dispatched            handling      responsible-unit      dispatched  person, place
  dispatched, handling  transferred   centre                proposed    unit, reason
  transferred           handling      responsible-unit      dispatched  person, place
  handling              handled       responsible-unit      dispatched  done, photos, readings
  handled               verified      centre                handled     check
  handled               handling      centre                –           reason
  verified              closed        centre                verified    class, loss, duration
  closed                reviewed      upper-centre          closed      causes, score, changes
  false_alarm           reviewed      quality               closed      ticket`;

const agreed = AGREED.trim()
  .split('\n')
  .flatMap((line) => {
    const [from = '', to, by = '', countedFrom, records = ''] = line.trim().split(/ {2,}/);
    return from
      .split(', ')
      .map((each) => ({
        from: each === '–' ? null : each,
        to,
        by: by.split(', '),
        countedFrom: countedFrom === '–' ? null : countedFrom,
        records: records.split(', '),
      }));
  });
const ROLES: WarningRole[] = ['engine', 'duty-officer', 'responsible-unit', 'centre', 'upper-centre', 'quality'];
const inOrder = (rows: readonly { from: string | null; to?: string | undefined }[]) =>
  rows.toSorted((a, b) => `${a.from} ${a.to}`.localeCompare(`${b.from} ${b.to}`));

test('every transition is the agreed one: who may, from when its time counts, what is recorded', () => {
  assert.deepEqual(inOrder(TRANSITIONS), inOrder(agreed));
});

test('a move is allowed when it is agreed for this role, and no other is', () => {
  for (const from of [null, ...STATES])
    for (const to of STATES)
      for (const by of ROLES) {
        const row = agreed.find((one) => one.from === from && one.to === to && one.by.includes(by)) ?? null;
        assert.deepEqual(findTransition(from, to, by), row, `${from} to ${to} by ${by}`);
      }
});

test('by itself a warning closes until somebody handles it, and only by the engine', () => {
  for (const from of STATES)
    for (const to of STATES)
      for (const by of ROLES) {
        const may = ['raised', 'acknowledged', 'dispatched', 'handled', 'verified'].includes(from) && to === 'closed' && by === 'engine';
        assert.deepEqual(
          findTransition(from, to, by, AUTO_CLOSE),
          may ? { from, to, by: ['engine'], countedFrom: null, records: ['clearedAt'] } : null,
          `${from} to ${to} by ${by}`,
        );
      }
});

test('closed, reviewed, false alarm and merged are over', () => {
  assert.deepEqual(
    STATES.filter((state) => !isOpen(state)),
    ['closed', 'reviewed', 'false_alarm', 'merged'],
  );
});
