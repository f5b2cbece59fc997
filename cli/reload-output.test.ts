/** A setting that is changed in the file is taken in and named, or named as one that needs a restart: none is passed over in silence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReloadResult } from '../core/config/reload.ts';
import { edgeReloadPlan as edgePlanOf } from '../edge/config/reload.ts';
import { planOf as gatewayPlanOf } from '../gateway/config/reload.ts';
import { loadEdge, loadGateway } from './load.ts';

const FRAME = 'centre: "500112001"\nlog: { dir: ./log }\n';
const EDGE = `${FRAME}edge: e\ngateway: { url: mqtt://127.0.0.1, token: t }\nvision: { processes: 1 }\nevidence: { maxBytes: 1GB }\ndevices:
  - { id: d, driver: modbus, settings: { transport: tcp, host: 127.0.0.1, unit: 1 }, points: [{ id: level, address: "holding:0", type: float32, unit: m, indicator: YJ-FLD-001 }] }`;
const GATEWAY = `${FRAME}gateway: g\nname: { zh: 镇, en: town }\noperators: [{ name: duty, token: at-least-sixteen-letters }]\nrelays: [town]
sinks: [{ kind: influxdb, id: two, settings: { url: "http://127.0.0.1:1", org: o, bucket: b, token: t } }]\n`;
const EMBEDDED = `${GATEWAY}broker: { embedded: { edges: [{ id: e, token: t }], consumers: [{ user: c, password: p }] } }`;
const EXTERNAL = `${GATEWAY}broker: { url: mqtt://127.0.0.1, user: u, password: p }`;

/** The value once for each of its leaves, with that one changed. */
function* alterations(value: unknown, path = ''): Generator<[string, unknown]> {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    for (const [key, inner] of Object.entries(value)) {
      for (const [place, other] of alterations(inner, path === '' ? key : `${path}.${key}`)) {
        yield [place, Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other }];
      }
    }
  } else if (typeof value === 'number') yield [path, value === Infinity ? 1 : value + 1];
  else if (typeof value === 'boolean') yield [path, !value];
  else yield [path, Array.isArray(value) ? ['other'] : `${String(value)}x`];
}

const isTold = ({ added, changed, removed, restartNeeded }: ReloadResult) =>
  added.length + changed.length + removed.length + restartNeeded.length > 0;

function holds<S>(setup: S | null, toldOf: (after: S) => ReloadResult, but: readonly string[] = []): void {
  assert.ok(setup);
  assert.ok(!isTold(toldOf(structuredClone(setup))), 'nothing changed');
  const silent = [...alterations(setup)].filter(([path, after]) => !but.includes(path) && !isTold(toldOf(after as S)));
  assert.deepEqual(silent.map(([path]) => path), []);
}

test('edge: every setting that is changed is told of', async () => {
  const { setup, problems } = await loadEdge({ path: '/etc/e.yaml', text: EDGE });
  assert.deepEqual(problems, []);
  holds(setup, (after) => edgePlanOf(setup as typeof after, after).report);
});

for (const [broker, text] of [['embedded', EMBEDDED], ['external', EXTERNAL]] as const) {
  test(`gateway with ${broker} broker: every setting that is changed is told of`, async () => {
    const { setup, problems } = await loadGateway({ path: '/etc/g.yaml', text });
    assert.deepEqual(problems, []);
    // Rule files are told of by the rules that are in them.
    holds(setup, (after) => gatewayPlanOf(setup as typeof after, after, { before: [], after: [] }).told, ['rules']);
  });
}
