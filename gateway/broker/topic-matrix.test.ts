/**
 * Every kind of topic × everybody who may come in × every scope. Who may what is stated here a second time, and a topic
 * that an edge gets or gives and that has no line here fails.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { edgeTopic, outTopic, warningTopic, type EdgeTopic } from '../../core/wire/topics.ts';
import { covers } from '../people/roles.ts';
import { EDGE_READS, EDGE_WRITES, mayPublish, mayReceive, maySubscribe, type Identity } from './access.ts';

const A = '500112001';
const B = '500106002';
const CENTRES = [A, B];
const EDGES = ['in-a-edge', 'in-b-edge'];
const SCOPES = ['*', '500000', '500112', A, '500106', '510000', B];
/** As the field engineer reads it. */
const OF_AN_EDGE: Record<EdgeTopic, 'writes' | 'reads'> = {
  up: 'writes', late: 'writes', state: 'writes', rsp: 'writes', evidence: 'writes', ack: 'reads', cmd: 'reads',
};

interface Somebody {
  name: string;
  who: Identity;
  /** Of an edge. */
  edge?: string;
  /** Of whoever reads what goes out. */
  scope?: string;
}

const EVERYBODY: Somebody[] = [
  ...EDGES.flatMap((edge): Somebody[] => [
    { name: `${edge} by token`, who: { kind: 'edge', id: edge }, edge },
    { name: `${edge} by certificate`, who: { kind: 'edge', id: edge, serialNumber: '01' }, edge },
  ]),
  { name: 'whoever is on this machine', who: { kind: 'consumer', user: null }, scope: '*' },
  { name: 'a consumer of all', who: { kind: 'consumer', user: 'city' }, scope: '*' },
  ...SCOPES.filter((scope) => scope !== '*').map((scope): Somebody => ({
    name: `a consumer of ${scope}`, who: { kind: 'consumer', user: scope, centres: [scope] }, scope,
  })),
];

const ALL_LEAVES = [...new Set([...EDGE_WRITES, ...EDGE_READS, ...(Object.keys(OF_AN_EDGE) as EdgeTopic[])])];

interface Topic {
  topic: string;
  centre: string;
  edge?: string;
  leaf?: EdgeTopic;
}
const TOPICS: Topic[] = CENTRES.flatMap((centre) => [
  ...EDGES.flatMap((edge) => ALL_LEAVES.map((leaf): Topic => ({ topic: edgeTopic(centre, edge, leaf), centre, edge, leaf }))),
  { topic: outTopic(centre, 'YJ-FLD-001'), centre },
  { topic: warningTopic(centre, 'w-1'), centre },
]);
/** What nobody but the gateway has, whatever they call themselves. */
const NOBODYS = [
  '', '$SYS/broker/uptime', 'cv/v1', 'cv/v2/out/500112001/x',
  'cv/v1/in/500112001/in-a-edge/other', 'cv/v1/in/500112001/in-a-edge/up/more',
];
const TOO_WIDE = [
  '#', '+/v1/out/#', 'cv/#', 'cv/v1/#', 'cv/v1/+/#', 'cv/v1/in/#', 'cv/v1/in/+/+/up', 'cv/v1/in/+/+/cmd',
  'cv/v1/in/+/in-a-edge/#', '$SYS/#',
];

test('every topic × everybody × every scope: who writes, who subscribes, who receives', () => {
  const unexpected: string[] = [];
  let count = 0;
  const expect = (is: boolean, should: boolean, what: string): void => {
    count += 1;
    if (is !== should) unexpected.push(`${what}: ${is}`);
  };
  for (const { topic, centre, edge, leaf } of TOPICS)
    for (const { name, who, edge: own, scope } of EVERYBODY) {
      const isOwn = leaf !== undefined && own !== undefined && own === edge;
      const isRead = leaf === undefined && scope !== undefined && covers(scope, centre);
      expect(mayPublish(who, topic), isOwn && OF_AN_EDGE[leaf] === 'writes', `${name} writes ${topic}`);
      expect(maySubscribe(who, topic), (isOwn && OF_AN_EDGE[leaf] === 'reads') || isRead, `${name} subscribes to ${topic}`);
      // What an edge gets is bound by its subscriptions, which are its own topics.
      if (scope !== undefined && leaf === undefined) expect(mayReceive(who, topic), isRead, `${name} receives ${topic}`);
    }
  for (const topic of NOBODYS)
    for (const { name, who } of EVERYBODY) {
      expect(mayPublish(who, topic), false, `${name} writes ${topic}`);
      expect(maySubscribe(who, topic), false, `${name} subscribes to ${topic}`);
    }
  assert.deepEqual(unexpected, []);
  assert.ok(count > 800, `${count} cases`);
});

test('filters with wildcards: the whole for whoever has all, own topics in any centre for an edge, nothing else', () => {
  const granted = (filter: string): string[] => EVERYBODY.filter(({ who }) => maySubscribe(who, filter)).map(({ name }) => name);
  const ofAll = ['whoever is on this machine', 'a consumer of all'];
  assert.deepEqual(granted('cv/v1/out/#'), ofAll);
  assert.deepEqual(granted('cv/v1/out/+/warnings/+'), ofAll);
  assert.deepEqual(granted(`cv/v1/out/${A}/#`), EVERYBODY.filter(({ scope }) => scope && covers(scope, A)).map(({ name }) => name));
  for (const leaf of EDGE_READS)
    assert.deepEqual(granted(`cv/v1/in/+/in-a-edge/${leaf}`), ['in-a-edge by token', 'in-a-edge by certificate'], leaf);
  for (const filter of TOO_WIDE) assert.deepEqual(granted(filter), [], filter);
});
