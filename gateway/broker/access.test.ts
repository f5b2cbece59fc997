import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../core/faults.ts';
import { isLoopback } from '../../core/net.ts';
import {
  identify, isAdmittedAlike, mayPublish, mayReceive, maySubscribe, reasonParams, type Credentials, type Identity,
} from './access.ts';
import { noteTakeover, type Takeover } from './takeovers.ts';

const setup = {
  edges: [{ id: 'pump', token: 'secret' }, { id: 'bench', token: null }],
  consumers: [{ user: 'city', password: 'pw' }], anonymous: 'loopback' as const,
};
const given = (over: Partial<Credentials> & { secret?: string }): Credentials => ({
  clientId: 'x', user: null, address: '10.0.0.5', ...over, password: over.secret === undefined ? null : Buffer.from(over.secret),
});
const edge = (id: string): Identity => ({ kind: 'edge', id });

const let_in: [string, Credentials, Identity][] = [
  ['an edge with its token', given({ clientId: 'cv-pump', user: 'pump', secret: 'secret' }), edge('pump')],
  ['an edge without a token, from this machine', given({ clientId: 'cv-bench', address: '127.0.0.1' }), edge('bench')],
  ['a consumer with its password', given({ user: 'city', secret: 'pw' }), { kind: 'consumer', user: 'city' }],
  ['anyone on this machine, as a reader', given({ address: '::ffff:127.0.0.1' }), { kind: 'consumer', user: null }],
];
for (const [who, credentials, identity] of let_in) test(`lets in ${who}`, () => assert.deepEqual(identify(setup, credentials), identity));

const kept_out: [string, Credentials][] = [
  ['an edge with a wrong token', given({ clientId: 'cv-pump', user: 'pump', secret: 'Secret' })],
  ['an edge without its token', given({ clientId: 'cv-pump', user: 'pump' })],
  ['an edge under the id of another', given({ clientId: 'cv-bench', user: 'pump', secret: 'secret', address: '127.0.0.1' })],
  ['an edge without a token from elsewhere', given({ clientId: 'cv-bench', user: 'bench' })],
  ['an unknown edge', given({ clientId: 'cv-other', user: 'other', secret: 'secret', address: '127.0.0.1' })],
  ['a consumer that takes the client id of an edge', given({ clientId: 'cv-pump', user: 'city', secret: 'pw' })],
  ['a nameless reader that takes the client id of an edge', given({ clientId: 'cv-pump', address: '127.0.0.1' })],
  ['an edge under another client id', given({ user: 'pump', secret: 'secret' })],
  ['a consumer with a wrong password', given({ user: 'city', secret: 'p' })],
  ['a nameless reader from elsewhere', given({})],
];
for (const [who, credentials] of kept_out) test(`keeps out ${who}`, () => assert.equal(typeof identify(setup, credentials), 'string'));

test('whoever is kept out is told so in Chinese too', () => {
  for (const [who, credentials] of kept_out) {
    const reason = identify(setup, credentials) as string;
    const { message } = explain({ code: 'CV_CLIENT_REFUSED', params: { client: '1', address: '2', ...reasonParams(reason) } }, 'zh-CN');
    assert.doesNotMatch(message.replace(/cv-pump/, ''), /[a-z]/, who);
  }
  assert.equal(reasonParams('a shared subscription ($share)', 'what').whatZh, '共享订阅（$share）');
});

test('with anonymous: none even this machine needs a name', () => {
  assert.equal(typeof identify({ ...setup, anonymous: 'none' }, given({ address: '127.0.0.1' })), 'string');
});

test('an edge writes and reads its own topics only', () => {
  const may = (topic: string) => mayPublish(edge('pump'), topic);
  assert.deepEqual(
    ['up', 'late', 'state', 'rsp', 'evidence'].map((leaf) => may(`cv/v1/in/500112001/pump/${leaf}`)),
    [true, true, true, true, true],
  );
  for (const topic of [
    'cv/v1/in/500112001/pump/ack',
    'cv/v1/in/500112001/pump/cmd',
    'cv/v1/in/500112001/gate/up',
    'cv/v1/in/x/pump/up',
    'cv/v1/in/500112001/pump/up/x',
    'cv/v1/out/500112001/X',
    'cv/v2/in/500112001/pump/up',
    '$SYS/x',
    '',
  ])
    assert.equal(may(topic), false, topic);
  const reads = (filter: string) => maySubscribe(edge('pump'), filter);
  assert.deepEqual(['cv/v1/in/+/pump/ack', 'cv/v1/in/500112001/pump/cmd'].map(reads), [true, true]);
  for (const filter of [
    '#',
    '+/+/+/+/+/+',
    'cv/v1/in/+/+/ack',
    'cv/v1/in/+/pump/#',
    'cv/v1/in/+/pump/up',
    'cv/v1/in/+/gate/ack',
    'cv/v1/out/#',
    'cv/v1/in/#',
  ])
    assert.equal(reads(filter), false, filter);
});

test('a consumer reads what goes out, and writes nothing', () => {
  const consumer: Identity = { kind: 'consumer', user: null };
  assert.equal(maySubscribe(consumer, 'cv/v1/out/#'), true);
  assert.equal(maySubscribe(consumer, 'cv/v1/out/+/warnings/+'), true);
  for (const filter of ['#', 'cv/#', 'cv/v1/in/#', '+/v1/out/#', 'cv/v1/+/#', '$SYS/#'])
    assert.equal(maySubscribe(consumer, filter), false, filter);
  assert.equal(mayPublish(consumer, 'cv/v1/out/500112001/X'), false);
});

test('loopback is known in each of its forms', () => {
  assert.deepEqual(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '10.0.0.1', '::ffff:10.0.0.1', '1270.0.0.1'].map(isLoopback), [
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('the fourth change of hands within a minute is one too many', () => {
  let changes: Takeover[] = [];
  const verdicts = [0, 10_000, 20_000, 30_000, 85_000, 91_000].map((atMs) => {
    const noted = noteTakeover(changes, { atMs, from: 'a', to: 'b' });
    changes = noted.changes;
    return noted.tooMany;
  });
  assert.deepEqual(verdicts, [false, false, false, true, false, false]);
});

test('why somebody is refused is said in both languages, also where it names an edge or a number', () => {
  assert.deepEqual(reasonParams('wrong token'), { detail: 'wrong token', detailZh: '令牌错误' });
  assert.deepEqual(reasonParams('the client id of an edge is cv-pump', 'what'), {
    what: 'the client id of an edge is cv-pump',
    whatZh: '边缘节点的客户端标识应为 cv-pump',
  });
  assert.equal(reasonParams('a retained state has at most 1048576 bytes').detailZh, '保留的 state 最多 1048576 字节');
  assert.equal(reasonParams('retained states in more than 4 centres').detailZh, '在超过 4 个中心留有 state');
  assert.deepEqual(reasonParams('said by somebody else'), { detail: 'said by somebody else' });
});

test('a consumer of some centres reads these and those below them, by no wildcard, and loses the right with the setting', () => {
  const consumer: Identity = { kind: 'consumer', user: 'city', centres: ['500112', '500106002'] };
  for (const [filter, wanted] of [
    ['cv/v1/out/500112001/#', true], ['cv/v1/out/500112001/warnings/+', true],
    ['cv/v1/out/500112/YJ-FLD-001', true], ['cv/v1/out/500106002/#', true],
    ['cv/v1/out/500106/#', false], ['cv/v1/out/500106001/#', false],
    ['cv/v1/out/#', false], ['cv/v1/out/+/#', false], ['cv/v1/out/+/warnings/+', false],
    ['cv/v1/out', false], ['cv/v1/out/', false], ['cv/v1/in/500112001/#', false], ['#', false], ['+/v1/out/500112001/#', false],
  ] as const)
    assert.equal(maySubscribe(consumer, filter), wanted, filter);
  assert.deepEqual(['cv/v1/out/500112001/X', 'cv/v1/out/500106001/X'].map((topic) => mayReceive(consumer, topic)), [true, false]);
  const rights = (centres?: string[]) => ({
    edges: [],
    anonymous: 'none' as const,
    consumers: [{ user: 'city', password: 'pw', ...(centres && { centres }) }],
  });
  assert.equal(isAdmittedAlike(consumer, rights(['500112']), rights(['500112'])), true);
  assert.equal(isAdmittedAlike(consumer, rights(), rights(['500112'])), false);
  assert.deepEqual(identify(rights(['500112']), { clientId: 'c', user: 'city', password: Buffer.from('pw'), address: '10.0.0.1' }), {
    kind: 'consumer', user: 'city', centres: ['500112'],
  });
});
