/** Watching cameras that gst-rtsp-server plays: three codecs behind digest authentication, a server that dies, and one that stands still. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { freePort } from '../../core/free-port.ts';
import type { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { until } from '../../core/testing/until.ts';
import { realWorld } from '../../core/world.ts';
import { Access } from '../../gateway/people/access.ts';
import { serveApi } from '../../gateway/http/server.ts';
import { memoryGateway } from '../../gateway/http/testing/memory-sources.ts';
import { openLiveViewEdge, LIVE_VIEW_OPERATOR } from '../live-view/watched-edge.ts';
import { CODECS, stopServer, LOGIN, startServer } from './rtsp.ts';

const ENOUGH_BYTES = 100_000;
const KILLS = 3;
const DEVICE = 'gate-cam';

export const peers: { name: string; run(): Promise<void> }[] = [
  {
    name: 'live view: H.264, H.265 and MJPEG of gst-rtsp-server through the gateway; the server is killed and stands still, and the viewer stays; a wrong password is tried once',
    run: watches,
  },
];

async function watches(): Promise<void> {
  const port = await freePort();
  let server = await startServer(port);
  try {
    for (const codec of CODECS) {
      const watched = await watch(`rtsp://127.0.0.1:${port}/${codec}`);
      try {
        const firstMs = await watched.more(1);
        await watched.more(ENOUGH_BYTES);
        assert.deepEqual(argumentsWith(LOGIN.password), [], 'no password among the arguments of any process');
        process.stdout.write(`  ${codec}: first picture ${firstMs} ms after it was asked for\n`);
        if (codec !== 'h264') continue;
        const backMs: number[] = [];
        for (let kill = 0; kill < KILLS; kill += 1) {
          const before = watched.pid();
          await stopServer(server, 'SIGKILL');
          server = await startServer(port);
          const startedMs = performance.now();
          await until(() => watched.pid(), (pid) => pid !== undefined && pid !== before);
          await watched.more(ENOUGH_BYTES / 4);
          backMs.push(Math.round(performance.now() - startedMs));
        }
        const before = watched.pid();
        server.kill('SIGSTOP');
        await until(() => watched.pid(), (pid) => pid !== before);
        server.kill('SIGCONT');
        const frozenMs = await watched.more(ENOUGH_BYTES / 4);
        process.stdout.write(
          `  ${codec}: killed ${KILLS} times, ${ENOUGH_BYTES / 4} bytes of pictures ${backMs.join(', ')} ms after the server was back; ${frozenMs} ms after it had stood still\n`,
        );
        assert.equal(watched.viewer.readyState, WebSocket.OPEN);
      } finally {
        await watched.close();
      }
    }
    await refusesLogin(`rtsp://127.0.0.1:${port}/h264`);
  } finally {
    server.kill('SIGCONT');
    await stopServer(server);
  }
}

/** Asked again and again, a wrong password is tried once: cameras lock out who comes with it too often. */
async function refusesLogin(url: string): Promise<void> {
  const { dir, remove } = await tempDir();
  const edge = await openLiveViewEdge({ dir, settings: { url, user: LOGIN.user, password: 'wrong' } });
  for (let turn = 0; turn < 3; turn += 1)
    await assert.rejects(
      edge.streams.open(DEVICE),
      (error: FaultError) => error.fault.code === 'CV_CAMERA_LOGIN' && error.fault.params.minutes === 1,
    );
  assert.equal(edge.told.filter(({ kind }) => kind === 'fault').length, 1);
  await edge.close();
  await remove();
}

/** A viewer of such a camera, by ticket, through the gateway's own HTTP. */
async function watch(url: string) {
  const { dir, remove } = await tempDir();
  const askedMs = performance.now();
  const edge = await openLiveViewEdge({ dir, settings: { url, ...LOGIN } });
  const gateway = memoryGateway();
  gateway.sources.liveView = edge.desk;
  const world = realWorld(() => {});
  gateway.sources.access = new Access({ gateway: 'g', isNeeded: false }, world.clock);
  gateway.sources.access.setTokens([], [LIVE_VIEW_OPERATOR]);
  const api = await serveApi(gateway.sources, { port: 0, version: '0.0.0' }, world);
  const response = await fetch(new URL(`/api/v1/devices/${DEVICE}/live-view`, api.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${LIVE_VIEW_OPERATOR.token}` },
  });
  const answer = (await response.json()) as { path: string };
  assert.equal(response.status, 200, JSON.stringify(answer));
  const viewer = new WebSocket(new URL(answer.path, api.url).href.replace('http', 'ws'));
  let bytes = 0;
  viewer.on('message', (data: Buffer) => { bytes += data.length; });
  return {
    viewer,
    pid: () => edge.streams.pids().get(DEVICE),
    /** @returns ms since it was asked for the first time, since this call later */
    async more(count: number): Promise<number> {
      const fromMs = bytes === 0 ? askedMs : performance.now();
      for (const wanted = bytes + count; bytes < wanted;) await once(viewer, 'message');
      return Math.round(performance.now() - fromMs);
    },
    async close() {
      await api.close();
      await edge.close();
      await remove();
    },
  };
}

/** Processes among whose arguments a text stands. */
function argumentsWith(text: string): string[] {
  const forms = [text, encodeURIComponent(text)];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(commandLine)
    .filter((line) => line.includes('ffmpeg') && forms.some((form) => line.includes(form)));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // gone while we looked
  }
}
