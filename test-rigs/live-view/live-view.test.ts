/** Watching a camera, whole but for the broker: real ffmpegs on the edge, the gateway's HTTP and its sockets. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Ajv } from 'ajv';
import { WebSocket } from 'ws';
import { LiveScene, LiveSeen, type LiveNote } from '../../api/live-view.ts';
import { verifyJournal } from '../../log/journal.ts';
import { jsonSchemaOf } from '../../core/json-schema.ts';
import { until } from '../../core/testing/until.ts';
import { realWorld, type Clock } from '../../core/world.ts';
import { openApi } from '../../gateway/http/testing/http.ts';
import { memoryGateway } from '../../gateway/http/testing/memory-sources.ts';
import { openLiveViewEdge, LIVE_VIEW_OPERATOR, type LiveViewEdgeOptions } from './watched-edge.ts';

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
const skip = hasFfmpeg ? false : 'no ffmpeg on this machine (apt-get install ffmpeg)';
const AS_OPERATOR = { authorization: `Bearer ${LIVE_VIEW_OPERATOR.token}` };

const ajv = new Ajv({ strict: false });
const checks = { scene: ajv.compile(jsonSchemaOf(LiveScene)), seen: ajv.compile(jsonSchemaOf(LiveSeen)) };
/** Where a note is other than the topics document says, also by a field that is not there. */
function problemOf(note: LiveNote): unknown {
  const check = checks[note.kind];
  return check(note) ? null : check.errors;
}

async function start(t: TestContext, options: Omit<LiveViewEdgeOptions, 'dir'> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'cv-live-'));
  const edge = await openLiveViewEdge({ dir, ...options });
  const gateway = memoryGateway();
  gateway.sources.liveView = edge.desk;
  gateway.sources.access = edge.access;
  const { api, ask } = await openApi({ after: () => {} }, gateway.sources, realWorld(() => {}));
  t.after(async () => {
    await api.close();
    await edge.close();
    await rm(dir, { recursive: true, force: true });
  });
  const want = (device = 'gate-cam', headers: Record<string, string> = AS_OPERATOR) =>
    ask(`/api/v1/devices/${device}/live-view`, { method: 'POST', headers });
  return {
    dir,
    edge,
    api,
    want,
    async watch(device?: string, beside = '') {
      const { status, body } = await want(device);
      assert.equal(status, 200, JSON.stringify(body));
      return viewerOf(new URL(`${String(body.path)}${beside}`, api.url).href.replace('http', 'ws'));
    },
  };
}

function viewerOf(url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, { headers });
  let bytes = 0;
  const pieces: Buffer[] = [];
  const notes: LiveNote[] = [];
  socket.on('error', () => {});
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) return notes.push(JSON.parse(data.toString()) as LiveNote);
    bytes += data.length;
    pieces.push(data);
    return socket.emit('more');
  });
  return {
    socket, pieces, notes,
    get bytes() { return bytes; },
    /** Resolves when so many more have come. */
    async more(count: number) {
      for (const wanted = bytes + count; bytes < wanted;) await once(socket, 'more');
    },
  };
}

/** Processes whose parent this is, by id. */
function childrenOf(parent: number): { pid: number; name: string; line: string }[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').trim();
      const [, name = '', rest = ''] = /^\d+ \((.*)\) (.*)$/.exec(stat) ?? [];
      return Number(rest.split(' ')[1]) === parent ? [{ pid: Number(pid), name, line: readFileSync(`/proc/${pid}/cmdline`, 'utf8') }] : [];
    } catch {
      return []; // gone while we looked
    }
  });
}

/** Addresses that a process listens on, as the system has them: hexadecimal, in the order of its bytes. */
function listening(pid: number): string[] {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)));
  return ['tcp', 'tcp6'].flatMap((kind) => readFileSync(`/proc/net/${kind}`, 'utf8').split('\n').slice(1).flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    return state === '0A' && own.has(`socket:[${inode}]`) ? [local.split(':')[0] ?? ''] : [];
  }));
}

test(
  'an operator sees pictures; only loopback is listened on; a killed ffmpeg comes back by itself; the last to leave ends it all; all of it is on record',
  { skip },
  async (t) => {
    const { dir, edge, watch } = await start(t, {
      settings: {
        mask: [
          [
            [0, 0],
            [0.5, 0],
            [0.5, 1],
            [0, 1],
          ],
        ],
      },
    });
    const viewer = await watch();
    await viewer.more(60_000);
    const pid = edge.streams.pids().get('gate-cam') as number;
    assert.deepEqual(listening(pid), ['0100007F']);
    const ffmpegs = childrenOf(pid);
    assert.deepEqual(
      ffmpegs.map(({ name }) => name),
      ['ffmpeg', 'ffmpeg'],
    );
    for (const ffmpeg of ffmpegs) assert.deepEqual(listening(ffmpeg.pid), []);

  const picture = pictureOf(viewer.pieces);
  assert.deepEqual([picture.length, ...new Set(picture.subarray(0, 100))], [320 * 240, 0], 'the masked half is black');
  assert.ok(new Set(picture.subarray(200, 320)).size > 3, 'the other half is not');

    for (const [index, { pid: ffmpeg }] of ffmpegs.entries()) {
      const now = index === 0 ? ffmpeg : (childrenOf(edge.streams.pids().get('gate-cam') as number)[1]?.pid as number);
      process.kill(now, 'SIGKILL');
      await until(
        () => Promise.resolve([...edge.streams.pids().values()].flatMap((id) => (id === undefined ? [] : childrenOf(id)))),
        (found) => found.length === 2 && found.every((one) => one.pid !== now),
      );
      await viewer.more(20_000);
    }
    assert.equal(viewer.socket.readyState, WebSocket.OPEN, 'the viewer noticed nothing but a pause');

  viewer.socket.close();
  await until(() => Promise.resolve(edge.streams.pids().size), (running) => running === 0);
  await edge.desk.close();
  const { lines, faults } = await verifyJournal(join(dir, 'live-view'));
  assert.deepEqual(faults, []);
  assert.deepEqual(lines.map(({ step, device, by, address, reason, dropped }) => ({ step, device, by, address, reason, dropped })), [
    { step: 'began', device: 'gate-cam', by: 'duty-1', address: '127.0.0.1', reason: undefined, dropped: undefined },
    { step: 'ended', device: undefined, by: undefined, address: undefined, reason: 'left', dropped: 0 },
  ]);
  assert.ok((lines[1]?.bytes as number) >= 100_000);
  assert.doesNotMatch(await readFile(join(dir, 'live-view', 'commands-000001.jsonl'), 'utf8'), new RegExp(LIVE_VIEW_OPERATOR.token));
});

test('a live view in which something hangs is ended, with all that is of it, and begins anew', { skip }, async (t) => {
  const SILENCE_MS = 17_000;
  let watched: { run: () => void } = { run: () => {} };
  const world = realWorld(() => {});
  const clock: Clock = {
    ...world.clock,
    after: (ms, run) => (ms === SILENCE_MS ? ((watched = { run }), { cancel: () => {} }) : world.clock.after(ms, run)),
  };
  const { edge, watch } = await start(t, { streams: { silenceMs: SILENCE_MS }, world: { ...world, clock } });
  const viewer = await watch();
  for (const hanging of ['reader', 'encoder', 'worker']) {
    await viewer.more(20_000);
    const before = watched;
    await until(() => Promise.resolve(watched), (now) => now !== before); // pictures put it off
    const pid = edge.streams.pids().get('gate-cam') as number;
    const all = [...childrenOf(pid).map((one) => one.pid), pid];
    process.kill(all[['reader', 'encoder', 'worker'].indexOf(hanging)] as number, 'SIGSTOP');
    watched.run();
    await until(
      () => Promise.resolve(all.filter((one) => existsSync(`/proc/${one}`))),
      (left) => left.length === 0,
    );
    await until(
      () => Promise.resolve(edge.told),
      (told) =>
        told.some(
          (event) =>
            event.kind === 'fault' && event.fault.code === 'CV_LIVE_FAILED' && event.fault.params.detail === 'no picture within 17000 ms',
        ),
    );
  }
  await viewer.more(20_000);
});

/** Luma of the last whole picture. */
function pictureOf(pieces: readonly Buffer[]): Buffer {
  const { stdout } = spawnSync(
    'ffmpeg',
    ['-loglevel', 'error', '-f', 'mpegts', '-i', 'pipe:0', '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'],
    { input: Buffer.concat(pieces), maxBuffer: 1 << 24 },
  );
  return stdout;
}

test(
  'who asks for it is told what is seen, in the order of the pictures; of a clip, which plays anew, only where things are',
  { skip },
  async (t) => {
    const zones = [
      {
        id: 'yard',
        polygon: [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ],
        count: ['person'],
      },
    ];
    const looked = (ptsMs: number) => ({
      device: 'gate-cam',
      picture: { ptsMs },
      at: 1000 + ptsMs,
      boxes: [{ class: 'person', score: 0.9, x: 0.1, y: 0.2, width: 0.1, height: 0.3 }],
      tracks: [],
      measures: [
        { point: 'yard.persons', kind: 'measurement' as const, value: 2 },
        { point: 'gate.in', kind: 'occurrence' as const, value: 1 },
      ],
      model: { classes: ['person'], classesZh: ['人'] },
    });
    for (const asStream of [true, false]) {
      const { edge, watch } = await start(t, { settings: { zones }, asStream });
      edge.streams.tellViewers(looked(0)); // nobody watches
      const asking = await watch(undefined, '&notes');
      const plain = await watch();
      await asking.more(1000);
      await plain.more(1000);
      edge.streams.tellViewers(looked(200));
      edge.streams.tellViewers(looked(400));
      if (asStream)
        await until(
          () => asking.notes.length,
          (count) => count >= 3,
        );
      else await asking.more(20_000);
      const [scene, ...seen] = asking.notes;
      assert.deepEqual(scene, {
        kind: 'scene',
        isReplay: !asStream,
        masks: [],
        lines: [],
        zones: [{ id: 'yard', name: { zh: 'yard', en: 'yard' }, polygon: zones[0]?.polygon }],
      });
      assert.deepEqual(
        seen,
        (asStream ? [200, 400] : []).map((ptsMs) => ({
          kind: 'seen',
          at: 1000 + ptsMs,
          ptsMs,
          values: { 'yard.persons': 2 },
          happened: { 'gate.in': 1 },
          boxes: [{ class: 'person', zh: '人', x: 0.1, y: 0.2, width: 0.1, height: 0.3 }],
        })),
      );
      assert.deepEqual(plain.notes, []);
      for (const note of asking.notes) assert.equal(problemOf(note), null, 'as the document says');
    }
  },
);

test('nobody watches who may not, twice with one ticket, from another page, or beyond the limits', { skip }, async (t) => {
  const { edge, api, want, watch } = await start(t);
  const codeOf = async (answer: ReturnType<typeof want>) => (await answer).body.code;
  assert.equal(await codeOf(want('gate-cam', {})), 'CV_API_UNAUTHORISED');
  assert.equal(await codeOf(want('gate-cam', { authorization: 'Bearer wrong-wrong-wrong-' })), 'CV_API_UNAUTHORISED');
  assert.equal(await codeOf(want('gate-cam', { ...AS_OPERATOR, origin: 'http://elsewhere.example' })), 'CV_API_ORIGIN');
  assert.equal(await codeOf(want('nobody')), 'CV_LIVE_DEVICE');
  assert.equal(await codeOf(want('far-cam')), 'CV_LIVE_ELSEWHERE');
  assert.equal(edge.desk.pathOf('far-cam', 'far-box'), null);
  assert.equal(edge.streams.pids().size, 0, 'nothing was begun for any of them');

  const { body } = await want();
  const url = new URL(String(body.path), api.url).href.replace('http', 'ws');
  const statusOf = async (socketUrl: string, headers: Record<string, string> = {}) => {
    const { socket } = viewerOf(socketUrl, headers);
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    return response.statusCode;
  };
  assert.equal(await statusOf(url, { origin: 'http://elsewhere.example' }), 403);
  assert.equal(await statusOf(url.replace('gate-cam', 'yard-cam')), 403);
  assert.equal(await statusOf(url.replace(/ticket=.*/, 'ticket=none')), 403);
  assert.equal(await statusOf(url.replace('live-view', 'else')), 404);
  const first = viewerOf(url);
  await first.more(1000);
  assert.equal(await statusOf(url), 403, 'a ticket is good once');
  assert.equal(await codeOf(want('yard-cam')), 'CV_LIVE_FULL', 'one stream at a time');
  const second = await watch();
  await second.more(1000);
  assert.equal(await codeOf(want()), 'CV_LIVE_VIEWERS', 'two viewers at a time');

  edge.access.setTokens([], []);
  assert.equal(await codeOf(want()), 'CV_LIVE_CLOSED');
  edge.setup.live = { anonymous: 'loopback', maxViewers: 3 };
  assert.equal(await codeOf(want('gate-cam', { 'x-forwarded-for': '10.0.0.7' })), 'CV_LIVE_CLOSED');
  assert.equal((await want('gate-cam', {})).status, 200);
});

test('the edge begins a view for programs of its machine alone, and its socket wants the key', { skip }, async (t) => {
  const { edge } = await start(t);
  const asPage = await fetch(`${edge.httpUrl}/live/gate-cam`, { method: 'POST', headers: { origin: 'http://elsewhere.example' } });
  assert.equal(asPage.status, 403);
  const { port, key } = await edge.streams.open('gate-cam');
  const stranger = viewerOf(`ws://127.0.0.1:${port}/`);
  const [, response] = (await once(stranger.socket, 'unexpected-response')) as [unknown, { statusCode: number }];
  assert.equal(response.statusCode, 400);
  const known = viewerOf(`ws://127.0.0.1:${port}/${key}`);
  await known.more(1000);
});

test('what keeps a camera from being seen is told, without its password, and is tried again later and later', { skip }, async (t) => {
  const { edge, want } = await start(t, {
    settings: { url: 'rtsp://127.0.0.1:9/live?token=swordfish', user: 'admin', password: 'geheim-1' },
  });
  for (const _turn of [1, 2, 3]) {
    const { status, body } = await want();
    assert.deepEqual([status, body.code], [503, 'CV_LINK_REFUSED']);
    assert.doesNotMatch(JSON.stringify([body, edge.told]), /geheim|swordfish/);
  }
  const begun = edge.told.filter(({ kind }) => kind === 'fault').length;
  assert.equal(begun, 2, 'the third had to wait');
});

test('without ffmpeg the fault says what to install', { skip }, async (t) => {
  const path = process.env.PATH;
  const { want } = await start(t);
  process.env.PATH = '/nowhere';
  t.after(() => { process.env.PATH = path; });
  const { body } = await want();
  process.env.PATH = path;
  assert.deepEqual([body.code, /apt-get install/.test(String(body.remedy))], ['CV_FFMPEG_MISSING', true]);
});
