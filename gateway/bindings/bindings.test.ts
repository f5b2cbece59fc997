import assert from 'node:assert/strict';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { MAX_DEVICES_OF_EDGE } from '../presence/device-table.ts';
import { Bindings, type ConfiguredBindings } from './bindings.ts';
import { configuredBindings } from './configured.ts';

const NOTHING: ConfiguredBindings = { devices: [], centres: [], relays: [] };

async function folder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

async function opened(t: TestContext, path: string, configured: ConfiguredBindings = NOTHING, before?: Parameters<Bindings['open']>[0]) {
  const bindings = new Bindings({ path, configured: () => configured }, testWorld());
  await bindings.open(before);
  t.after(() => bindings.close());
  return bindings;
}

test('the first edge that is seen with a device has it, also after a restart and a line that was cut short', async (t) => {
  const path = join(await folder(t), 'kept', 'bindings.jsonl');
  const first = await opened(t, path);
  assert.equal(first.admit('plc', 'pump'), null);
  assert.deepEqual(first.admit('plc', 'gate'), { code: 'CV_DEVICE_FOREIGN', params: { device: 'plc', edge: 'gate', owner: 'pump' } });
  await first.written();
  await first.close();
  await appendFile(path, '{"at":1,"edge":"gate","dev');
  const second = await opened(t, path);
  assert.equal(second.admit('cam', 'gate'), null);
  await second.written();
  const third = await opened(t, path);
  assert.deepEqual([third.edgesOf('plc'), third.edgesOf('cam'), third.edgesOf('tag')], [['pump'], ['gate'], []]);
});

test('the configuration wins over whoever was first, and may name several edges', async (t) => {
  const path = join(await folder(t), 'bindings.jsonl');
  const first = await opened(t, path);
  first.admit('bus', 'gate');
  await first.written();
  const bindings = await opened(t, path, { ...NOTHING, devices: [{ device: 'bus', edges: ['bus-a', 'bus-b'] }] });
  assert.deepEqual(
    [bindings.admit('bus', 'bus-a'), bindings.admit('bus', 'bus-b'), bindings.admit('bus', 'gate')],
    [null, null, { code: 'CV_DEVICE_FOREIGN', params: { device: 'bus', edge: 'gate', owner: 'bus-a, bus-b' } }],
  );
});

test('an operator gives a device to another edge, and it stays there', async (t) => {
  const path = join(await folder(t), 'bindings.jsonl');
  const bindings = await opened(t, path);
  bindings.admit('plc', 'pump');
  await bindings.bind('plc', 'gate');
  assert.deepEqual([bindings.admit('plc', 'gate'), bindings.admit('plc', 'pump')?.params.owner], [null, 'gate']);
  assert.deepEqual((await opened(t, path)).edgesOf('plc'), ['gate']);
});

test('an edge speaks for one centre unless others are named; a gateway below for those of its edges', async (t) => {
  const bindings = await opened(t, join(await folder(t), 'bindings.jsonl'), {
    ...NOTHING,
    centres: [{ edge: 'bus', centres: ['500112001', '500112002'] }],
    relays: ['town'],
  });
  const codes = (edge: string) => ['500112001', '500112002', '500112003'].map((centre) => bindings.admitCentre(centre, edge)?.code ?? 'in');
  assert.deepEqual(codes('pump'), ['in', 'CV_CENTRE_FOREIGN', 'CV_CENTRE_FOREIGN']);
  assert.deepEqual(codes('bus'), ['in', 'in', 'CV_CENTRE_FOREIGN']);
  assert.deepEqual(bindings.admitCentre('500112003', 'bus')?.params, { centre: '500112003', edge: 'bus', own: '500112001, 500112002' });
  assert.deepEqual(codes('town'), ['in', 'in', 'in']);
  await bindings.move('pump', '500112003');
  assert.deepEqual(codes('pump'), ['CV_CENTRE_FOREIGN', 'CV_CENTRE_FOREIGN', 'in']);
});

test('an upgrade begins with what was known, once', async (t) => {
  const path = join(await folder(t), 'bindings.jsonl');
  const before = { devices: [{ device: 'plc', edge: 'pump' }], centres: [{ edge: 'pump', centre: '500112001' }] };
  const upgraded = await opened(t, path, NOTHING, before);
  assert.deepEqual([upgraded.edgesOf('plc'), upgraded.centresOf('pump')], [['pump'], ['500112001']]);
  await upgraded.bind('plc', 'gate');
  assert.deepEqual((await opened(t, path, NOTHING, before)).edgesOf('plc'), ['gate']);
});

test('an edge that invents devices fills no memory: those beyond its part are nobody\'s', () => {
  const bindings = new Bindings({ path: null, configured: () => NOTHING }, testWorld());
  for (let at = 0; at < MAX_DEVICES_OF_EDGE + 10; at += 1) assert.equal(bindings.admit(`d${at}`, 'liar'), null);
  assert.deepEqual([bindings.edgesOf(`d${MAX_DEVICES_OF_EDGE - 1}`), bindings.edgesOf(`d${MAX_DEVICES_OF_EDGE}`)], [['liar'], []]);
});

test('a disk that cannot be written is said, and what waits is written once it can', async (t) => {
  const dir = await folder(t);
  await assert.rejects(opened(t, join(dir)), (error: FaultError) => error.fault.code === 'CV_BINDINGS_UNSAVED');
  const path = join(dir, 'bindings.jsonl');
  const bindings = await opened(t, path);
  bindings.admit('plc', 'pump');
  bindings.admit('cam', 'pump');
  await Promise.all([bindings.written(), bindings.written()]);
  assert.equal(bindings.written(), null);
  assert.equal((await readFile(path, 'utf8')).split('\n').filter(Boolean).length, 2);
});

test('a changed configuration is seen at once', () => {
  const setup = {
    bindings: [{ device: 'plc', edges: ['pump'] }],
    relays: [],
    broker: { kind: 'external' as const, url: '', user: null, password: null },
  };
  const bindings = new Bindings({ path: null, configured: configuredBindings(setup) }, testWorld());
  assert.equal(bindings.admit('plc', 'gate')?.code, 'CV_DEVICE_FOREIGN');
  setup.bindings = [{ device: 'plc', edges: ['gate'] }];
  assert.deepEqual([bindings.admit('plc', 'gate'), bindings.admit('plc', 'pump')?.code], [null, 'CV_DEVICE_FOREIGN']);
});

test('what is configured is made anew only when it changes: it is asked for with each event', () => {
  const setup = { broker: { kind: 'external' as const, url: '', user: null, password: null }, relays: [] };
  let enrolled: { edge: string; centres: string[] }[] | undefined;
  const configured = configuredBindings(setup, () => enrolled);
  assert.equal(configured(), configured());
  enrolled = [{ edge: 'pump', centres: ['500112001'] }];
  assert.deepEqual(configured().centres, enrolled);
  assert.equal(configured(), configured());
});
