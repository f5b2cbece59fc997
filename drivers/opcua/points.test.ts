/** Points at a server: deadbands, arrays, slow sampling, limits of a call, reads as a fallback, writing, discovery. */
import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { StatusCodes } from 'node-opcua-client';
import { linkFrames } from '../../core/link-frames.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { realWorld } from '../../core/world.ts';
import { TEST_NAMESPACE, startOpcuaTestServer, type OpcuaTestServer } from './testing/server.ts';
import { decode } from './decode.ts';
import { discover } from './discover.ts';
import type { OpcuaMessage } from './frame.ts';
import { open } from './link.ts';
import { resumeStateOf } from './resume-state.ts';
import { point as pointSchema, settings as schema } from './settings.ts';
import { write } from './write.ts';

let rig: OpcuaTestServer;
before(async () => { rig = await startOpcuaTestServer({ maxSubscriptions: 1, itemsPerCall: 3 }); });
after(() => rig.stop());

const settingsOf = (more: Record<string, unknown> = {}) =>
  schema.parse({ endpoint: `opc.tcp://127.0.0.1:${rig.port}`, security: 'none', publishEvery: '50ms', sampleEvery: '50ms', ...more });
const pointOf = (id: string, more: Record<string, unknown> = {}) => ({
  id,
  ...pointSchema.parse({ node: `${TEST_NAMESPACE}s=${id}`, ...more }),
});

async function listening(points: ReturnType<typeof pointOf>[], more: Record<string, unknown> = {}) {
  const told: TelemetryEvent[] = [];
  const settings = settingsOf(more);
  const link = await open(settings, points, realWorld((event) => { told.push(event); }));
  const frames = linkFrames(link, new AbortController().signal);
  const words: string[] = [];
  const until = async (wanted: (words: readonly string[]) => boolean) => {
    while (!wanted(words)) {
      const decoded = decode((await frames.next()).value as OpcuaMessage);
      if (decoded.ok) words.push(...(decoded.values ?? []).map(({ point, value, quality }) => `${point} ${String(value)} ${quality}`));
      else words.push(`${decoded.points?.join() ?? ''} ${decoded.fault.code}`);
    }
  };
  return { link, settings, words, until, codes: () => told.flatMap((event) => (event.kind === 'fault' ? [event.fault.code] : [])) };
}

test('a deadband holds values back, and never a change of status', async () => {
  const { link, words, until, codes } = await listening([
    pointOf('Ranged', { serverDeadband: { percent: 10 } }),
    pointOf('Plain', { serverDeadband: 5 }),
  ]);
  await until((all) => all.length === 2);
  for (const [value, isGood] of [[4, true], [4, false], [4, true], [30, true]] as const) {
    rig.set('Plain', value, isGood);
    rig.set('Ranged', value, isGood);
    // The server is of this process: its sampling of 50 ms falls due first, however slow the machine is.
    await new Promise((resolve) => { setTimeout(resolve, 120); });
  }
  await until((all) => all.includes('Plain 30 good') && all.includes('Ranged 30 good'));
  for (const name of ['Plain', 'Ranged'])
    assert.deepEqual(
      words.filter((word) => word.startsWith(name)),
      [`${name} 0 good`, `${name} null bad`, `${name} 4 good`, `${name} 30 good`],
    );
  assert.deepEqual(codes(), []);
  await link.close();
});

test('a percent deadband where the server knows no range is left out, and told; slow sampling is told', async () => {
  const { link, words, until, codes } = await listening([pointOf('Plain', { serverDeadband: { percent: 10 } }), pointOf('Slow')]);
  await until((all) => all.length === 2);
  rig.set('Plain', 30.5);
  await until((all) => all.includes('Plain 30.5 good'));
  assert.deepEqual(codes().toSorted(), ['CV_OPCUA_DEADBAND', 'CV_OPCUA_SLOW_SAMPLING']);
  assert.ok(words.length >= 3);
  await link.close();
});

test("elements of an array by their index; an index beyond it is the point's own fault", async () => {
  const { link, words, until } = await listening([
    pointOf('List'),
    { ...pointOf('List', { index: 1 }), id: 'second' },
    { ...pointOf('List', { index: 3 }), id: 'fourth' },
  ]);
  await until((all) => all.length === 3);
  assert.deepEqual(words.toSorted(), ['List CV_OPCUA_TYPE', 'fourth null bad', 'second 8 good']);
  await link.close();
});

test('more points than a call may have, and a server that has no subscription left: its values are read', async () => {
  const points = ['Level', 'Plain', 'Ranged', 'Slow', 'Writable'].map((id) => pointOf(id));
  const first = await listening(points);
  await first.until((all) => all.length === 5);
  const second = await listening([...points, pointOf('Gone')]);
  await second.until((all) => all.length >= 6);
  assert.deepEqual(second.codes(), ['CV_OPCUA_NO_SUBSCRIPTIONS']);
  assert.ok(second.words.includes('Gone null bad'));
  rig.set('Plain', 77);
  await second.until((all) => all.includes('Plain 77 good'));
  await Promise.all([first.link.close(), second.link.close()]);
});

test('each word of a server that gives no subscription leads to reads; another error is the end', async (context: TestContext) => {
  const first = await listening([pointOf('Plain')], { mode: 'poll' });
  const session = Object.getPrototypeOf(resumeStateOf(first.settings).session) as { createSubscription(): Promise<unknown> };
  await first.link.close();
  let status: keyof typeof StatusCodes = 'BadServiceUnsupported';
  context.mock.method(session, 'createSubscription', async () => {
    throw Object.assign(new Error('no'), { statusCode: StatusCodes[status] });
  });
  for (status of [
    'BadServiceUnsupported',
    'BadNotImplemented',
    'BadNotSupported',
    'BadTooManySubscriptions',
    'BadUserAccessDenied',
  ] as const) {
    const { link, until, codes } = await listening([pointOf('Plain'), { ...pointOf('Plain'), id: 'nowhere', node: 'nsu=urn:unheard;s=x' }]);
    await until((all) => all.some((word) => word.startsWith('Plain ')) && all.includes('nowhere null bad'));
    assert.deepEqual(codes(), ['CV_OPCUA_NO_SUBSCRIPTIONS'], status);
    await link.close();
  }
  status = 'BadInternalError';
  await assert.rejects(listening([pointOf('Plain')]), { name: 'CV_OPCUA_SESSION' });
});

test('written, and read back; what the server or the type does not take is a fault with its StatusCode', async () => {
  const points = [pointOf('Writable'), pointOf('Plain'), pointOf('List')] as const;
  const { link } = await listening([...points], { mode: 'poll' });
  const outcome = async (point: (typeof points)[number], value: number | boolean | string) => {
    const decoded = [];
    for (const request of write(point, value)) decoded.push(decode(await link.exchange(request, new AbortController().signal)));
    return decoded.map((one) => (one.ok ? one.values?.[0]?.value ?? 'done' : one.fault.params.status));
  };
  assert.deepEqual(await outcome(points[0], 12.5), ['done', 12.5]);
  assert.deepEqual(await outcome(points[0], true), ['BadTypeMismatch', 12.5]);
  assert.deepEqual(await outcome(points[1], 1), ['BadNotWritable', 77]);
  assert.equal((await outcome(points[2], 1))[0], 'BadTypeMismatch');
  assert.throws(() => write({ ...points[2], index: 1 }, 1), { name: 'CV_OPCUA_WRITE' });
  await link.close();
});

test('discovery names every variable with its type and value, by namespace URI', async () => {
  const found = await discover(settingsOf(), realWorld(() => {}), new AbortController().signal);
  const level = found.find(({ name }) => name === 'Level');
  assert.deepEqual(level, { name: 'Level', point: { node: `${TEST_NAMESPACE}s=Level` }, type: 'Double', value: 0 });
  assert.deepEqual(found.find(({ name }) => name === 'List')?.type, 'Int32[]');
  assert.ok(found.some(({ name }) => name.startsWith('Ranged/')), 'what lies below a variable too');
});
