/** The command handler by itself, over a plant in memory and a virtual clock. */
import type { TestContext } from 'node:test';
import type { PictureView } from '../../../api/pictures.ts';
import type { Driver, WritableValue } from '../../../core/driver.ts';
import type { Draft, Quality } from '../../../core/event.ts';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import { tempDir } from '../../../core/testing/temp-dir.ts';
import type { Answer, Command } from '../../../core/wire/commands.ts';
import type { PointSetup } from '../../config/setup.ts';
import type { OpenDevice } from '../../read/host-device.ts';
import type { DeviceHost } from '../../read/read.ts';
import { CommandHandler, type CommandHandlerParts } from '../command-handler.ts';

type Over<C = Command> = C extends unknown ? Partial<C> : never;

const point = (id: string, over: Partial<PointSetup> = {}): PointSetup => ({
  id,
  indicator: 'X',
  unit: '',
  scale: 1,
  offset: 0,
  faultCodes: [],
  limits: [],
  kind: 'state',
  own: { id },
  ...over,
});
const driver = { id: 'd', title: { zh: '', en: '' }, traits: ['polled', 'writes'], write: () => [] } as unknown as Driver;
const plc: OpenDevice = {
  driver,
  setup: {
    id: 'plc',
    driver: 'd',
    subject: 'plc',
    settings: {},
    everyMs: 1000,
    timeoutMs: 500,
    points: [point('pump', { write: { interlocks: [{ point: 'guard', is: false }] } }), point('guard')],
  },
};

const cam: OpenDevice = {
  driver: { ...driver, id: 'c', traits: ['frames'] },
  setup: { ...plc.setup, id: 'cam', points: [point('persons')] },
};

async function newFolder(t: TestContext): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  return dir;
}

const NO_KEY: CommandHandlerParts['key'] = { read: () => Promise.resolve(null), status: null };

/** A plant whose bus is busy for as long as each write takes. */
export async function commandHandlerBench(t: TestContext, dir?: string, key: CommandHandlerParts['key'] = NO_KEY) {
  const folder: string = dir ?? await newFolder(t);
  const world = testWorld();
  const plant = {
    writes: [] as string[],
    guard: false as WritableValue | null,
    quality: 'good' as Quality,
    guardAgeMs: 0,
    busyMs: 0,
    offsetMs: 0 as number | null,
    picture: null as PictureView | null,
    still: null as PictureView | Error | null,
  };
  const answers: Answer[] = [];
  const events: Draft[] = [];
  const host: Pick<DeviceHost, 'readNow' | 'write'> = {
    readNow: () => Promise.resolve(),
    write: (_device, _point, value, ready, signal) => new Promise((resolve, reject) => {
      const timer = world.clock.after(plant.busyMs, () => {
        signal.removeEventListener('abort', leave);
        ready().then(() => { plant.writes.push(String(value)); resolve({ outcome: 'done', readBack: value }); }, reject);
      });
      const leave = () => { timer.cancel(); reject(signal.reason as Error); };
      signal.addEventListener('abort', leave, { once: true });
    }),
  };
  const desk = new CommandHandler(
    {
      edge: 'e1',
      centre: '500112001',
      dir: folder,
      devices: [plc, cam],
      host,
      key,
      pictures: { get: () => Promise.resolve(plant.picture) },
      still: () => (plant.still instanceof Error ? Promise.reject(plant.still) : Promise.resolve(plant.still)),
      latest: {
        of: (_device, name) =>
          name === 'guard' && plant.guard !== null
            ? { ageMs: plant.guardAgeMs, draft: { value: plant.guard, quality: plant.quality } as Draft }
            : null,
      },
      clockOffsetMs: () => plant.offsetMs,
      publish: (text) => {
        answers.push(JSON.parse(text) as Answer);
      },
      record: (draft) => {
        events.push(draft);
      },
    },
    world,
  );
  await desk.open();
  let end: Promise<void> | null = null;
  const stop = () => (end ??= desk.close().then(() => desk.end()));
  t.after(stop);
  const gatewayMs = () => world.clock.nowMs() + (plant.offsetMs ?? 0);
  const command = (id: string, over: Over = {}): object => ({
    v: 1,
    id,
    kind: 'write',
    device: 'plc',
    point: 'pump',
    value: true,
    by: 'duty-1',
    reason: 'test',
    issuedAt: gatewayMs(),
    expiresAt: gatewayMs() + 10_000,
    ...over,
  });
  const send = (body: object) => desk.take(Buffer.from(JSON.stringify(body)));
  /** Real files beside a virtual clock: until the condition holds. */
  const until = async (holds: () => boolean) => { while (!holds()) await world.clock.advanceMs(0); };
  const answerTo = async (body: object): Promise<Answer> => {
    const from = answers.length;
    send(body);
    await until(() => answers.length > from);
    return answers.at(-1) as Answer;
  };
  return { folder, world, plant, answers, events, desk, stop, command, send, until, answerTo };
}
