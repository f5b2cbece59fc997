/** Runs models in a process of its own, forked by `worker-process.ts`. One message after the other: no session is let go of under a picture. */
import { faultOf, type Fault } from '../core/faults.ts';
import { SharedPictureFileReader } from './shared-picture-file.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { OnnxSession } from './session.ts';

const sessions = new Map<string, OnnxSession>();
const board = new SharedPictureFileReader();
const models = new Map<string, string>();
let turn: Promise<void> = Promise.resolve();
process.on('message', (message: ToWorker) => { turn = turn.then(() => obey(message)); });
// Whoever started us is gone.
process.on('disconnect', () => process.exit(0));

async function obey(message: ToWorker): Promise<void> {
  if (message.kind === 'unload') await unload(message.key);
  else if (message.kind === 'close') await close();
  else {
    try {
      say(message.kind === 'load' ? await load(message) : await look(message));
    } catch (error) {
      say({ kind: 'failed', id: message.id, fault: faultFor(message.key, error) });
    }
  }
}

async function load({ id, key, setup }: ToWorker & { kind: 'load' }): Promise<FromWorker> {
  models.set(key, setup.spec.id);
  const session = await OnnxSession.open(setup);
  sessions.set(key, session);
  return { kind: 'ready', id, provider: session.provider };
}

async function look({ id, key, scoreThreshold, pictures }: ToWorker & { kind: 'look' }): Promise<FromWorker> {
  const startedMs = performance.now();
  const session = sessions.get(key);
  if (!session) throw new Error(`${key} is not loaded`);
  const found = await session.look(board.read(pictures, (picture) => session.room(picture)), scoreThreshold);
  return { kind: 'found', id, found, durationMs: performance.now() - startedMs };
}

async function unload(key: string): Promise<void> {
  await sessions.get(key)?.release();
  sessions.delete(key);
}

async function close(): Promise<void> {
  for (const session of sessions.values()) await session.release();
  process.disconnect();
}

function faultFor(key: string, error: unknown): Fault {
  return faultOf(error, 'CV_MODEL_FAILED', { model: models.get(key) ?? key });
}

function say(message: FromWorker): void {
  process.send?.(message);
}
