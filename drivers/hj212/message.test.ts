import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHj212Message, formatQn, parseHj212Message, formatHj212Time, parseHj212Time } from './message.ts';

const read = (text: string) => parseHj212Message(Buffer.from(text, 'latin1'));
const WHOLE = 'QN=20260101080000123;ST=22;CN=2011;PW=123456;MN=A1;Flag=7;PNUM=3;PNO=2;CP=&&DataTime=20260101080000;a=1&&';

test('a message is parsed into its fields and content, whatever the spacing', () => {
  const fields = {
    qn: '20260101080000123',
    st: '22',
    cn: '2011',
    pw: '123456',
    mn: 'A1',
    edition: '2017',
    wantsAnswer: true,
    fragment: { count: 3, number: 2 },
    content: 'DataTime=20260101080000;a=1',
  } as const;
  assert.deepEqual(read(WHOLE), fields);
  assert.deepEqual(
    read(
      WHOLE.replaceAll(';', ' ; ')
        .replace('CP=&&DataTime=20260101080000 ; a', 'CP=&&DataTime=20260101080000;a')
        .replaceAll('=', ' = ')
        .replace('CP = &&DataTime = 20260101080000;a = 1', 'CP=&&DataTime=20260101080000;a=1'),
    ),
    fields,
  );
  assert.deepEqual(read(`Other=1;noise;=x;${WHOLE}`), fields);
  const bare = { qn: '', st: '', cn: '9014', pw: '', mn: '', edition: '2005', wantsAnswer: false, content: '' } as const;
  assert.deepEqual(read('CN=9014'), bare);
  assert.deepEqual(read('CN=9014;CP=&&&&'), bare);
  assert.deepEqual(read('CN=9014;CP=&&'), bare);
  // Only the last && ends the content; without one all is content.
  assert.equal(read('CN=2011;CP=&&a=1&&b=2&&')?.content, 'a=1&&b=2');
  assert.equal(read('CN=2011;CP=&&a=1')?.content, 'a=1');
  assert.equal(read('CN=2011;CP=&&&')?.content, '');
  assert.deepEqual(parseHj212Message(Buffer.from(`xxCN=2011;MN=A1yy`).subarray(2, -2))?.mn, 'A1', 'reads only the given bytes');
});

test('a message needs a command of four digits', () => {
  for (const text of ['', 'CP=&&CN=2011&&', 'CP=&&;CN=2011;x&&', 'CN=', 'CN=201', 'CN=20111', 'CN=20x1', 'MN=A1'])
    assert.equal(read(text), null, text);
});

test('Flag gives edition, answer and packet number; an invalid one is ignored', () => {
  const of = (flag: string, more = '') => {
    const { edition, wantsAnswer, fragment } = read(`CN=2011;Flag=${flag};${more}CP=&&&&`) as NonNullable<ReturnType<typeof read>>;
    return [edition, wantsAnswer, fragment];
  };
  assert.deepEqual(
    ['0', '1', '3', '4', '5', '8', '9', '12', '255', '', 'x', '1234', '-1'].map((flag) => of(flag).slice(0, 2)),
    [
      ['2005', false],
      ['2005', true],
      ['2005', true],
      ['2017', false],
      ['2017', true],
      ['2025', false],
      ['2025', true],
      ['2025', false],
      ['2025', true],
      ['2005', false],
      ['2005', false],
      ['2005', false],
      ['2005', false],
    ],
  );
  assert.deepEqual(
    ['PNUM=2;PNO=1;', 'PNUM=1;PNO=1;', 'PNUM=2;PNO=0;', 'PNUM=0;PNO=1;', 'PNUM=2;', 'PNO=1;', 'PNUM=x;PNO=1;', ''].map(
      (more) => of('6', more)[2],
    ),
    [{ count: 2, number: 1 }, { count: 1, number: 1 }, undefined, undefined, undefined, undefined, undefined, undefined],
  );
  assert.equal(of('5', 'PNUM=2;PNO=1;')[2], undefined, 'without its bit');
});

test('a formatted message has its fields in the order of the standard; the password is optional', () => {
  const base = {
    qn: '20260101080000123',
    st: '22',
    cn: '1062',
    pw: 'x',
    mn: 'A1',
    edition: '2017',
    wantsAnswer: true,
    content: 'RtdInterval=30',
  } as const;
  assert.equal(formatHj212Message(base), 'QN=20260101080000123;ST=22;CN=1062;PW=x;MN=A1;Flag=5;CP=&&RtdInterval=30&&');
  assert.equal(
    formatHj212Message({ ...base, pw: '', edition: '2005', wantsAnswer: false, content: '' }),
    'QN=20260101080000123;ST=22;CN=1062;MN=A1;Flag=0;CP=&&&&',
  );
  assert.match(formatHj212Message({ ...base, edition: '2025' }), /;Flag=9;/);
});

test('a time is UTC+8, of fourteen or seventeen digits; an invalid one is null', () => {
  assert.equal(parseHj212Time('20260102030405'), Date.UTC(2026, 0, 1, 19, 4, 5));
  assert.equal(parseHj212Time('20260102030405678'), Date.UTC(2026, 0, 1, 19, 4, 5, 678));
  assert.equal(parseHj212Time('20240229000000'), Date.UTC(2024, 1, 28, 16));
  assert.equal(parseHj212Time('20261231235959999'), Date.UTC(2026, 11, 31, 15, 59, 59, 999));
  assert.equal(parseHj212Time('20000101080000'), Date.UTC(2000, 0, 1));
  for (const text of [
    '',
    '2026010203040',
    '202601020304056',
    '2026010203040567',
    '202601020304056789',
    '19991231235959',
    '20260001000000',
    '20261301000000',
    '20260100000000',
    '20260132000000',
    '20260229000000',
    '20260101240000',
    '20260101006000',
    '20260101000060',
    '20260101000061',
    'x0260101000000',
  ])
    assert.equal(parseHj212Time(text), null, text);
  const at = Date.UTC(2026, 0, 1, 19, 4, 5, 6);
  assert.deepEqual([formatHj212Time(at), formatQn(at)], ['20260102030405', '20260102030405006']);
});
