/** What a server offers: every variable by its path, once, however its folders lead back to each other; a part of a list at a time. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { TEST_NAMESPACE, startOpcuaTestServer, type OpcuaTestServer } from './testing/server.ts';
import { discover, withNamespaceUri } from './discover.ts';
import { settings as schema } from './settings.ts';

let rig: OpcuaTestServer;
before(async () => { rig = await startOpcuaTestServer({ depth: 14, itemsPerCall: 2 }); });
after(() => rig.stop());

test('twelve levels are looked into, each variable is named once by its path, with type and value', async () => {
  const found = await discover(
    schema.parse({ endpoint: `opc.tcp://127.0.0.1:${rig.port}`, security: 'none' }),
    testWorld(),
    new AbortController().signal,
  );
  const deep = found.filter(({ name }) => /In\d+$/.test(name));
  const path = (level: number) => Array.from({ length: level + 1 }, (_, at) => `Folder${at}`).join('/');
  assert.deepEqual(
    deep,
    Array.from({ length: 11 }, (_, level) => ({
      name: `${path(level)}/In${level}`,
      point: { node: `${TEST_NAMESPACE}s=In${level}` },
      type: 'Int32',
      value: level,
    })),
  );
  assert.deepEqual(
    found.find(({ name }) => name === 'List'),
    { name: 'List', point: { node: `${TEST_NAMESPACE}s=List` }, type: 'Int32[]', value: null },
  );
  assert.deepEqual(
    found.find(({ name }) => name === 'Ranged'),
    { name: 'Ranged', point: { node: `${TEST_NAMESPACE}s=Ranged` }, type: 'Double', value: 0 },
  );
  assert.equal(
    found.some(({ name }) => name.startsWith('Server')),
    false,
    'the state of the server itself is no finding',
  );
  assert.equal(new Set(found.map(({ point }) => JSON.stringify(point))).size, found.length);
});

test('one that is called off ends with its reason', async () => {
  await assert.rejects(
    discover(
      schema.parse({ endpoint: `opc.tcp://127.0.0.1:${rig.port}`, security: 'none' }),
      testWorld(),
      AbortSignal.abort(new Error('enough')),
    ),
    /enough/,
  );
});

test('a node by the URI of its namespace; by its index where the URI cannot be written', () => {
  const namespaces = ['http://opcfoundation.org/UA/', 'urn:a', 'urn:b;c'];
  assert.deepEqual(
    ['ns=1;s=x;y', 'ns=0;i=7', 'i=7', 'ns=2;s=x', 'ns=9;s=x', 'ns=1;i=5'].map((node) => withNamespaceUri(node, namespaces)),
    ['nsu=urn:a;s=x;y', 'i=7', 'i=7', 'ns=2;s=x', 'ns=9;s=x', 'nsu=urn:a;i=5'],
  );
});
