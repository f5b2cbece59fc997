/** An edge's live views as a gateway meets them: a clip made on the spot, real processes behind the edge's own HTTP, and the gateway's desk. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { realWorld, type World } from '../../core/world.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import type { Driver, LiveSource } from '../../core/driver.ts';
import camera from '../../drivers/camera/driver.ts';
import { openLocalHttp } from '../../edge/http/server.ts';
import { LiveStreams, type LiveOptions } from '../../edge/live-view/live-streams.ts';
import type { LiveSetup } from '../../gateway/config/setup.ts';
import { LiveViewService } from '../../gateway/media/live-view/service.ts';
import { Access } from '../../gateway/people/access.ts';

const KEY = 'a-key-of-this-edge';
export const LIVE_VIEW_OPERATOR = { name: 'duty-1', token: 'a-token-of-sixteen' };

export interface LiveViewEdge {
  desk: LiveViewService;
  streams: LiveStreams;
  told: TelemetryEvent[];
  /** May be changed at any time. */
  setup: { live: LiveSetup };
  /** Who may watch. */
  access: Access;
  httpUrl: string;
  close(): Promise<void>;
}

export interface LiveViewEdgeOptions {
  /** Folder for the clip and the record. */
  dir: string;
  /** Shown as what a camera sends, though it is a clip. */
  asStream?: boolean;
  /** Settings of the camera beside its url. */
  settings?: Record<string, unknown>;
  streams?: Partial<LiveOptions>;
  world?: World;
}

/** Ten seconds of ffmpeg's moving test picture, four a second, so that the rate must be made up. */
function makeClip(dir: string): string {
  const path = join(dir, 'clip.mp4');
  execFileSync('ffmpeg', ['-y', '-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=4:d=10', '-pix_fmt', 'yuv420p', path]);
  return path;
}

export async function openLiveViewEdge({
  dir,
  settings = {},
  streams: limits = {},
  asStream = false,
  world: given,
}: LiveViewEdgeOptions): Promise<LiveViewEdge> {
  const told: TelemetryEvent[] = [];
  const real = given ?? realWorld(() => {});
  const world: World = {
    ...real,
    tell: (event) => {
      told.push(event);
    },
  };
  const url = `file:${makeClip(dir)}`;
  const devices = ['gate-cam', 'yard-cam'].map((id) => ({
    driver: asStream
      ? {
          ...camera,
          liveSource: (...about: Parameters<NonNullable<Driver['liveSource']>>) => ({
            ...(camera.liveSource?.(...about) as LiveSource),
            isReplay: false,
          }),
        }
      : camera,
    setup: {
      id,
      driver: 'camera',
      subject: id,
      everyMs: 1000,
      timeoutMs: 1000,
      points: [],
      settings: camera.settings.parse({ url, loop: true, ...settings }),
    },
  }));
  const streams = new LiveStreams(() => devices, { maxStreams: 1, lingerMs: 1000, ...limits }, world);
  const http = await openLocalHttp(
    { host: '127.0.0.1', port: 0, key: KEY },
    {
      health: () => {
        throw new Error('not asked for');
      },
      picture: () => Promise.resolve(null),
      live: (device) => streams.open(device),
    },
    world.clock,
  );
  const setup: LiveViewEdge['setup'] = { live: { anonymous: 'none', maxViewers: 2 } };
  const access = new Access({ gateway: 'town-01', isNeeded: false, watchers: () => setup.live.anonymous }, world.clock);
  access.setTokens([], [LIVE_VIEW_OPERATOR]);
  const desk = new LiveViewService(
    {
      dir: join(dir, 'live-view'),
      maxViewers: () => setup.live.maxViewers,
      isOffered: () => access.isWatchingOffered,
      registry: {
        device: (id) =>
          devices.some((device) => device.setup.id === id) || id === 'far-cam'
            ? {
                id,
                edge: id === 'far-cam' ? 'far-box' : 'town-box',
                centre: '500112001',
                driver: 'camera',
                subject: id,
                position: null,
                freshness: 'fresh',
                reason: '',
                lastAt: null,
                pictures: true,
              }
            : null,
        httpKeyOf: () => KEY,
        httpOf: (edge) => (edge === 'far-box' ? 'http://10.9.8.7:8090' : http.url),
      },
    },
    world,
  );
  await desk.open();
  return {
    desk, access, streams, told, setup, httpUrl: http.url,
    async close() {
      await http.close();
      await streams.close();
      await desk.close();
    },
  };
}
