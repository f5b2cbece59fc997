/**
 * Every route × every role × every scope. The routes come from the table, so a new one is in it; which role may what is
 * stated here a second time; and what a foreign centre has must look like what is not there at all.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { PERMISSIONS, ROLES, type Permission, type Role } from '../../api/permissions.ts';
import type { Draft } from '../../core/event.ts';
import { testWorld } from '../../core/testing/virtual-clock.ts';
import { FaultError } from '../../core/faults.ts';
import { encodeBatch } from '../../core/wire/batch.ts';
import { openApi } from '../http/testing/http.ts';
import { EXAMPLES } from '../http/testing/examples.ts';
import { enrolmentDouble } from '../http/testing/enrolment-double.ts';
import { peopleDouble } from '../http/testing/people-double.ts';
import { memoryGateway } from '../http/testing/memory-sources.ts';
import { unknownId, type Route } from '../http/route.ts';
import { Access } from './access.ts';
import type { User } from './records.ts';
import { may, type Principal } from './principal.ts';
import { knownBy } from './testing/memory-people.ts';
import { covers } from './roles.ts';
import { evidenceView } from '../http/testing/evidence-view.ts';

const A = '500112001';
const B = '500106002';
/** As the people of a town read it; the code has its own table. */
const MAY: Record<Permission, readonly Role[]> = {
  public: ROLES,
  account: ROLES,
  read: ROLES,
  read_evidence: ROLES,
  watch_live: ['operator', 'commander', 'administrator'],
  command: ['operator', 'commander', 'administrator'],
  bind_devices: ['operator', 'commander', 'administrator'],
  enrol_edges: ['administrator'],
  manage_users: ['administrator'],
  read_audit: ['administrator'],
};
const SCOPES = ['*', '500000', '500112', A, '500106', '510000', B];

const hexOf = (which: 'a' | 'b' | 'n') => which.replace('n', 'c').repeat(64);

/** A thing in each centre; its names begin with the centre's. */
function twoTowns(t: TestContext, people: readonly Principal[]) {
  const gateway = memoryGateway({ user: 'demo', view: () => EXAMPLES.demo, cut() {}, kill() {} });
  const both = [
    ['in-a', A],
    ['in-b', B],
  ] as const;
  const each = <T>(make: (name: string, centre: string) => T): T[] => both.map(([name, centre]) => make(name, centre));
  gateway.devices = each((name, centre) => ({
    ...EXAMPLES.device,
    id: `${name}-plc`,
    subject: name,
    edge: `${name}-edge`,
    centre,
    values: [],
  }));
  gateway.unknownDevices = each((name, centre) => ({ ...EXAMPLES.unknownDevice, edge: `${name}-edge`, centre, id: name }));
  gateway.warnings = each((name, centre) => ({ ...EXAMPLES.warning, id: `${name}-warning`, device: `${name}-plc`, centre }));
  gateway.quarantine = each((name) => ({ ...EXAMPLES.quarantined, id: name === 'in-a' ? 1 : 2, sender: `${name}-edge` }));
  gateway.series = each((name, centre) => ({ view: { ...EXAMPLES.series, device: `${name}-plc`, centre }, points: [] }));
  gateway.status = {
    ...EXAMPLES.status,
    edges: each((name, centre) => ({
      ...(EXAMPLES.status.edges[0] as (typeof EXAMPLES.status.edges)[number]),
      id: `${name}-edge`,
      centre,
    })),
  };
  for (const { id } of gateway.devices) gateway.pictures.set(id, { ...EXAMPLES.picture, device: id });
  const drafts = each((name, centre): Draft => ({
    device: `${name}-plc`,
    point: 'level',
    indicator: 'YJ-FLD-001',
    centre,
    kind: 'measurement',
    value: 1,
    unit: 'm',
    occurredAt: 1000,
    clock: 'edge',
    observedAt: 1000,
    quality: 'good',
    origin: 'live',
  }));
  const payload = encodeBatch({ from: 'relay', stream: 'measurement', epoch: 1, seq: 1 }, drafts);
  const origin = { sender: 'relay', stream: 'measurement', epoch: 1, seq: 1, span: 2, receivedAt: 1000 } as const;
  gateway.groups = [{ epoch: 1, seq: 1, count: 2, payload, origin }];
  const commands = each((name, centre) => ({
    ...EXAMPLES.command,
    id: `${name}-command`,
    device: `${name}-plc`,
    edge: `${name}-edge`,
    centre,
  }));
  const access = new Access(
    {
      gateway: 'town-01',
      isNeeded: true,
      people: knownBy(people),
    },
    testWorld().clock,
  );
  Object.assign(gateway.sources, {
    access,
    people: peopleDouble(
      each((name, centre): User => ({
        id: `${name}-user`,
        name,
        grants: [{ role: 'operator', centre }],
        disabled: false,
        hash: null,
        browsers: [],
        createdAt: 1,
      })),
    ),
    enrolment: enrolmentDouble(each((name, centre) => ({ id: `${name}-thing`, edge: `${name}-edge`, centres: [centre] }))),
    audit: {
      append: () => {},
      list: ({ isSeen }) =>
        Promise.resolve({
          items: each((name, centre) => ({ ...EXAMPLES.auditEntry, who: `${name}-user`, centre })).filter(
            ({ centre }) => isSeen?.(centre) ?? true,
          ),
          next: null,
        }),
    },
    evidence: (sha256: string) => {
      const name = sha256 === hexOf('a') ? 'in-a' : sha256 === hexOf('b') ? 'in-b' : null;
      return name === null ? null : evidenceView(Buffer.from(name), 'image/jpeg', `${name}-edge`);
    },
    commands: {
      ask: (body, by) => {
        const found = gateway.devices.find(({ id }) => id === body.device);
        return found
          ? Promise.resolve({ ...EXAMPLES.command, device: body.device, by })
          : Promise.reject(unknownId({ en: '', zh: '' }, body.device, ''));
      },
      get: (id) => commands.find((one) => one.id === id) ?? null,
      list: () => commands,
    },
    bindings: {
      list: () =>
        gateway.devices.map(({ id, edge }) => ({
          device: id,
          edges: [edge],
          configured: false,
          foreign: [{ edge: 'in-b-edge', count: 1 }],
        })),
      bind: ({ edge }) =>
        edge.startsWith('in-n') ? Promise.reject(unknownId({ en: '', zh: '' }, edge, '')) : Promise.resolve({ edge, before: [], taken: 0 }),
    },
    liveView: {
      ask: (id) =>
        id.startsWith('in-n')
          ? Promise.reject(new FaultError('CV_LIVE_DEVICE', { device: id }))
          : Promise.resolve({ path: `/${id}`, expiresAt: 1 }),
      admit: () => {
        throw new Error('not asked for');
      },
      watch: () => {},
    },
  } satisfies Partial<typeof gateway.sources>);
  return openApi(t, gateway.sources, testWorld(), {}).then((open) => ({ ...open, gateway }));
}

const asked = new Map([
  ['devices', 'plc'],
  ['warnings', 'warning'],
  ['commands', 'command'],
  ['users', 'user'],
]);
/** The path of a route for the thing of a centre: `n` is nowhere. */
function pathFor({ path }: Route, which: 'a' | 'b' | 'n'): string {
  const kind = asked.get(/^\/api\/v1\/([\w-]+)/.exec(path)?.[1] ?? '') ?? 'thing';
  return path.replace(':sha256', hexOf(which)).replaceAll(/:\w+/g, `in-${which}-${kind}`);
}
const bodyFor = (example: unknown, which: 'a' | 'b' | 'n'): string =>
  JSON.stringify(example ?? {})
    .replaceAll(/pump-07-plc|gate-cam/g, `in-${which}-plc`)
    .replaceAll('"pump-07"', `"in-${which}-edge"`)
    .replaceAll('"centres":["500112001"]', `"centres":["${which === 'b' ? B : A}"]`);

const principalsOf = (roles: readonly Role[], scopes: readonly string[]): Principal[] =>
  roles.flatMap((role) =>
    scopes.map((centre) => ({ id: `${role}:${centre}`, name: role, kind: 'user' as const, grants: [{ role, centre }] })),
  );

test('every route says what it needs, and every role has what the table gives it, in the centres that it is given for', () => {
  for (const permission of PERMISSIONS)
    for (const role of ROLES)
      for (const centre of SCOPES) {
        const [principal] = principalsOf([role], [centre]) as [Principal];
        const isMeant = MAY[permission].includes(role);
        for (const where of [A, B, '500112', '*']) {
          const isCovered = permission === 'public' || permission === 'account' || covers(centre, where);
          assert.equal(may(principal, permission, where), isMeant && isCovered, `${permission} ${role} ${centre} in ${where}`);
        }
        assert.equal(may(principal, permission), isMeant, `${permission} ${role} ${centre}`);
      }
});

test('a grant covers its centre and what lies below it by its code, and nothing beside it', () => {
  for (const [granted, centre, wanted] of [
    ['*', A, true],
    [A, A, true],
    ['500112', A, true],
    ['500100', A, true],
    ['500000', A, true],
    ['500112', B, false],
    ['500106', B, true],
    [A, '500112', false],
    ['500112', '500000', false],
    ['510000', A, false],
    ['5001', A, false],
    ['50011', A, false],
    ['000000', A, false],
    ['500112', '50011', false],
    ['500112', '*', false],
  ] as const)
    assert.equal(covers(granted, centre), wanted, `${granted} ${centre}`);
});

test(
  'every route × role × scope: who may not is refused, who may gets what is of their centres, and a foreign thing is as one that is not there',
  { timeout: 120_000 },
  async (t) => {
    const people = principalsOf(ROLES, SCOPES);
    const { api, ask } = await twoTowns(t, people);
    const answerOf = async (route: Route, which: 'a' | 'b' | 'n', principal: Principal | null) => {
      const answer = await ask(pathFor(route, which), {
        method: route.method,
        headers: {
          ...(principal && { authorization: `Bearer ${principal.id}` }),
          ...(route.body && { 'content-type': 'application/json' }),
        },
        ...(route.body && { body: bodyFor(route.bodyExample, which) }),
      });
      return { status: answer.status, text: JSON.stringify(answer.body) };
    };
    const unexpected: string[] = [];
    const expect = (isSo: boolean, what: string): void => {
      if (!isSo) unexpected.push(what);
    };
    const isRefusal = (status: number) => status === 401 || status === 403;
    let count = 0;
    for (const route of api.routes) {
      const name = `${route.method} ${route.path}`;
      assert.ok(PERMISSIONS.includes(route.needs), `${name} does not say what it needs`);
      if (route.path === '/api/v1/live') continue;
      if (route.needs === 'public') continue;
      const isOfThings = /:\w+/.test(route.path) || /in-a/.test(bodyFor(route.bodyExample, 'a'));
      const asks = isOfThings ? (['a', 'b', 'n'] as const) : (['n'] as const);
      for (const which of asks) expect((await answerOf(route, which, null)).status === 401, `${name}: nobody, ${which}`);
      for (const role of ROLES) {
        const principalIn = (centre: string) => people.find(({ id }) => id === `${role}:${centre}`) as Principal;
        const whole = new Map(
          await Promise.all(asks.map(async (which) => [which, await answerOf(route, which, principalIn('*'))] as const)),
        );
        for (const scope of SCOPES) {
          const isMeant = MAY[route.needs].includes(role) && (!route.everywhere || scope === '*');
          for (const which of asks) {
            count += 1;
            const { status, text } = await answerOf(route, which, principalIn(scope));
            const got = `${name}: ${role} in ${scope}, asking for ${which}: ${status} ${text.slice(0, 200)}`;
            expect(isRefusal(status) === !isMeant, got);
            if (!isMeant || route.needs === 'account') continue;
            if (isOfThings) {
              const like = which === 'n' || covers(scope, which === 'a' ? A : B) ? which : 'n';
              expect(status === whole.get(like)?.status, `${got}, wanted ${whole.get(like)?.status}`);
            }
            for (const [of, centre] of [
              ['a', A],
              ['b', B],
            ] as const) {
              const isThere = whole.get(which)?.text.includes(`in-${of}`);
              const isShown = text.includes(`in-${of}`);
              // A refusal names what was asked for.
              if (!isOfThings || status < 400)
                expect(isShown === (isThere && covers(scope, centre)), `${got}: ${isShown ? 'shows' : 'lacks'} ${of}`);
            }
          }
        }
      }
    }
    assert.deepEqual(unexpected.slice(0, 20), []);
    assert.ok(count > 1000, `${count} cases`);
  },
);

test('the live stream shows what is of their centres: what stands when they join, and what changes', async (t) => {
  const people = principalsOf(['viewer'], ['*', A, '500106', '510000']);
  const { api, gateway } = await twoTowns(t, people);
  const readers = await Promise.all(
    people.map(async (principal) => {
      const response = await fetch(new URL('/api/v1/live', api.url), { headers: { authorization: `Bearer ${principal.id}` } });
      return { principal, reader: (response.body as ReadableStream<Uint8Array>).getReader(), text: '' };
    }),
  );
  const more = async (one: (typeof readers)[number]) => {
    one.text += Buffer.from((await one.reader.read()).value ?? []).toString();
  };
  for (const one of readers) {
    await more(one);
    for (const [centre, mark] of [
      [A, 'in-a-'],
      [B, 'in-b-'],
    ] as const)
      assert.equal(one.text.includes(mark), covers(one.principal.grants[0]?.centre ?? '', centre), `${one.principal.id} ${mark}`);
    assert.equal(one.text.includes('event: demo'), one.principal.id === 'viewer:*');
    one.text = '';
  }
  for (const warning of gateway.warnings) gateway.emit({ kind: 'warning', warning: { ...warning, id: `${warning.id}-changed` } });
  for (const one of readers) {
    const sees = (centre: string) => covers(one.principal.grants[0]?.centre ?? '', centre);
    const wanted = [
      [A, 'in-a-warning-changed'],
      [B, 'in-b-warning-changed'],
    ] as const;
    while (wanted.some(([centre, mark]) => sees(centre) && !one.text.includes(mark))) await more(one);
    for (const [centre, mark] of wanted) assert.equal(one.text.includes(mark), sees(centre), `${one.principal.id} ${mark}`);
    await one.reader.cancel();
  }
});

test('a token does no more than its limit, wherever its owner may more', () => {
  const owner = { id: 't', name: 't', kind: 'token' as const, grants: [{ role: 'administrator' as const, centre: '500000' }] };
  const limited: Principal = { ...owner, limit: { permissions: ['read', 'command'], centres: ['500112'] } };
  for (const [permission, centre, wanted] of [
    ['read', A, true],
    ['read', B, false],
    ['read', undefined, true],
    ['command', A, true],
    ['read_evidence', A, false],
    ['manage_users', A, false],
    ['account', undefined, false],
    ['read', '*', false],
  ] as const)
    assert.equal(may(limited, permission, centre), wanted, `${permission} ${String(centre)}`);
  assert.equal(
    may({ ...limited, limit: { permissions: ['read'], centres: ['510000'] } }, 'read'),
    false,
    'a centre that its owner has not',
  );
});
