/** The town: devices, network, gateway and edge as processes of their own, and the ways to hurt them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { lockLogFolder } from '../../log/log-folder.ts';
import { StorageError } from '../../log/storage.ts';
import { startChild, type ChildProcessHandle, type ChildMessage } from '../processes/child.ts';
import { startDevice, type DeviceProcess } from '../processes/device.ts';
import { freePort } from '../../core/free-port.ts';
import { startRelay, type Relay } from '../processes/relay.ts';
import { firstAdministrator, plaintextUrl, type RigAdministrator } from '../processes/enrolment.ts';
import { DEMO_CENTRE, DEMO_EDGE, demoEdgeYaml, demoGatewayYaml, type DemoEdgePlan } from './configuration.ts';
import type { CommittedEvent } from './reconciler.ts';

export interface TownOptions {
  /** Everything the demo writes lies here; emptied at the start. */
  dir: string;
  seed: number;
  /** Wished port of the console; another one when it is taken. */
  httpPort: number;
  clip: string | null;
  /** Edge and gateway speak TLS, and the edge is enrolled by a code. */
  tls: boolean;
  /** The console answers at this URL; the rest of the town is still coming. */
  onGateway(url: string): void;
  onKept(kept: CommittedEvent): void;
  /** A word of the gateway: `cut` or `kill` from the console's buttons. */
  onButton(button: 'cut' | 'kill'): void;
  onEdgeLost(): void;
  onGatewayLost(): void;
  /** Ends what is still starting. */
  signal: AbortSignal;
}

export interface DemoTown {
  readonly url: string;
  readonly relay: Relay;
  readonly edgeRunning: boolean;
  /** Starts the script of the devices: time 0 is now. */
  startScript(): void;
  killEdge(): Promise<void>;
  /** Starts the edge anew, with or without the camera. */
  restartEdge(clip: string | null): Promise<void>;
  tellGateway(message: ChildMessage): void;
  close(): Promise<void>;
}

const RIGS = join(import.meta.dirname, '..');
const SUFFIX = extname(import.meta.url);
// The compiled rigs lie one folder deeper in the package than their sources.
const CONFIGS = join(RIGS, SUFFIX === '.ts' ? '..' : '../..', 'configs');
const MARK = '.cityvitals-demo';

export async function startTown(options: TownOptions): Promise<DemoTown> {
  const { dir, signal } = options;
  const lock = takeFolder(dir);
  const token = options.tls ? null : randomBytes(16).toString('hex');
  if (token !== null) writeFileSync(join(dir, 'edge.token'), token, { mode: 0o600 });
  const device = (name: string, module: string, port = 0) =>
    startDevice(name, join(RIGS, 'town', `${module}${SUFFIX}`), ['--port', String(port), '--seed', String(options.seed)], signal);
  const httpPort = await freePort(options.httpPort);
  writeFileSync(
    join(dir, 'gateway.yaml'),
    demoGatewayYaml({ httpPort, token, rules: join(CONFIGS, 'rules', 'demo'), catalogue: join(CONFIGS, 'catalogue') }),
  );

  const started: { stop(): Promise<void> }[] = [];
  let relay: Relay | null = null;
  let administrator: RigAdministrator | null = null;
  const closeAll = async () => {
    await Promise.all(started.map((one) => one.stop()));
    await relay?.close();
    lock.release();
  };
  try {
    const note = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
      const one = await starting;
      started.push(one);
      return one;
    };
    const uploadPort = await freePort();
    const [pump, air, uploader, gate, gateway] = await allStarted([
      note<DeviceProcess>(device('pump-07', 'pump-station')),
      note<DeviceProcess>(device('air-03', 'air-station')),
      note<DeviceProcess>(device('air-05', 'air-uploader', uploadPort)),
      note<DeviceProcess>(device('gate-02', 'gate-reader')),
      note<ChildProcessHandle>(
        startChild({
          name: 'gateway',
          module: join(RIGS, 'processes', `gateway-main${SUFFIX}`),
          args: [join(dir, 'gateway.yaml'), '--demo'],
          logFile: join(dir, 'gateway.log'),
          signal,
        }),
      ).then(async (child) => {
        administrator = await addAdministrator(dir, child);
        options.onGateway(plaintextUrl(child.ready.httpUrl));
        return child;
      }),
    ]);
    void gateway.exited.then(() => options.onGatewayLost());
    const brokerPort = Number(new URL(String(gateway.ready.brokerUrl)).port);
    relay = await startRelay(() => brokerPort);
    if (options.tls) await (administrator as RigAdministrator | null)?.enrol(DEMO_EDGE, join(dir, 'identity'));
    gateway.onMessage((message) => {
      if (message.kind === 'cut' || message.kind === 'kill') options.onButton(message.kind);
    });

    const plan: DemoEdgePlan = {
      gatewayPort: relay.port,
      pumpPort: pump.port,
      airEndpoint: `opc.tcp://127.0.0.1:${air.port}`,
      uploadPort,
      gatePort: gate.port,
      clip: options.clip,
      isEnrolled: options.tls,
    };
    let edge = await startEdge(dir, plan, options);
    started.push({ stop: () => edge.stop() });
    return {
      url: plaintextUrl(gateway.ready.httpUrl),
      relay,
      get edgeRunning() { return edge.running; },
      startScript() {
        pump.start();
        air.start();
        uploader.start();
        gate.start();
      },
      killEdge: () => edge.kill(),
      async restartEdge(clip) {
        await edge.stop();
        edge = await startEdge(dir, { ...plan, clip }, options);
      },
      tellGateway: (message) => gateway.send(message),
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** The demo's user, as whom a browser is signed in by itself. */
async function addAdministrator(dir: string, gateway: ChildProcessHandle): Promise<RigAdministrator> {
  const administrator = await firstAdministrator(gateway.ready, DEMO_CENTRE, 'demo');
  // For whoever wants to sign in by hand.
  writeFileSync(join(dir, 'administrator.password'), administrator.password, { mode: 0o600 });
  return administrator;
}

async function startEdge(dir: string, plan: DemoEdgePlan, options: TownOptions): Promise<ChildProcessHandle> {
  writeFileSync(join(dir, 'edge.yaml'), demoEdgeYaml(plan));
  const edge = await startChild({
    name: 'edge',
    module: join(RIGS, 'demo', `edge-main${SUFFIX}`),
    args: [join(dir, 'edge.yaml')],
    logFile: join(dir, 'edge.log'),
    signal: options.signal,
  });
  edge.onMessage((message) => {
    if (message.kind === 'kept') options.onKept(message as unknown as CommittedEvent);
  });
  void edge.exited.then(() => options.onEdgeLost());
  return edge;
}

/** All, or the first failure, but not before each has come to an end: what did start is then known and can be stopped. */
async function allStarted<T extends readonly unknown[]>(starting: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(starting);
  return Promise.all(starting) as unknown as Promise<T>;
}

/**
 * An empty folder, held until released. Only one that an earlier demo made and that no running one holds is emptied;
 * anything else in the way is left and said.
 */
function takeFolder(dir: string): { release(): void } {
  try {
    if (existsSync(dir)) {
      if (!existsSync(join(dir, MARK)))
        throw new FaultError('CV_DEMO_FOLDER', {
          dir,
          why: 'it is there and was not made by the demo',
          whyZh: '它已存在，且不是由演示创建的',
        });
      // Held by another demo, nothing in it is touched.
      lockLogFolder(dir).release();
      rmSync(dir, { recursive: true, force: true });
    }
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, MARK), 'made by `cityvitals demo`; the folder may be deleted at any time\n');
    return lockLogFolder(dir);
  } catch (error) {
    if (error instanceof FaultError) throw error;
    if (error instanceof StorageError && error.failure.locked)
      throw new FaultError(
        'CV_DEMO_FOLDER',
        { dir, why: 'another demo that is running uses it', whyZh: '另一个正在运行的演示在使用它' },
        { cause: error },
      );
    throw new FaultError('CV_DEMO_FOLDER', { dir, why: (error as Error).message }, { cause: error });
  }
}
