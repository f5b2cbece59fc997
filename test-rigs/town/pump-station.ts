/**
 * The demo's pump station: Modbus TCP on loopback, in a process of its own.
 *
 *   node test-rigs/town/pump-station.ts [--port 0] [--seed 1]
 *
 * Prints `{"ready":true,"port":N}`. The word `start` on stdin begins the storm (again). The pump may be switched (coil 3,
 * functions 5 and 15) and the level at which it starts be set (holding register 130, functions 6 and 16). Ends on SIGINT, SIGTERM, and
 * when the program that started it is gone.
 */
import { fstatSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { NO_SUCH_UNIT, serveSimulatedModbus } from '../../drivers/modbus/testing/server.ts';
import { registersAt, type Cells, type Orders } from './pump-model.ts';

const UNIT = 1;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;
const RUNNING_COIL = 3;
const SETPOINT_REGISTER = 130;
const MAX_SETPOINT_CM = 500;
const CALM_SECONDS = 86_400;

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, seed: { type: 'string', default: '1' } } });
const seed = Number(values.seed);
const port = Number(values.port);
if (!Number.isSafeInteger(seed) || !Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write('usage: pump-station [--port 0..65535] [--seed WHOLE NUMBER]\n');
  process.exit(2);
}

const AREA = { 1: 'coil', 2: 'discrete', 3: 'holding', 4: 'input' } as const satisfies Record<number, keyof Cells>;

const beganMs = performance.now();
let startedMs: number | null = null;
const orders: Orders = {};
/** Before the word, a day before the storm. */
const seconds = () => (startedMs === null ? (performance.now() - beganMs) / 1000 - CALM_SECONDS : (performance.now() - startedMs) / 1000);

const server = await serveSimulatedModbus({
  identity: (unit) => (unit === UNIT ? ['cityvitals rig', 'pump station', '1'] : null),
  read(unit, fc, start, count) {
    if (unit !== UNIT) return { exception: NO_SUCH_UNIT };
    const area = registersAt(seed, seconds(), orders)[AREA[fc]];
    const cells = Array.from({ length: count }, (_, at) => area.get(start + at));
    return cells.every((cell) => cell !== undefined) ? cells : { exception: ILLEGAL_ADDRESS };
  },
  write(unit, fc, start, [cell = 0, ...more]) {
    if (unit !== UNIT) return NO_SUCH_UNIT;
    if (more.length > 0) return ILLEGAL_ADDRESS;
    if ((fc === 5 || fc === 15) && start === RUNNING_COIL) orders.running = cell !== 0;
    else if ((fc === 6 || fc === 16) && start === SETPOINT_REGISTER && cell <= MAX_SETPOINT_CM) orders.setpointCm = cell;
    else return start === SETPOINT_REGISTER ? ILLEGAL_VALUE : ILLEGAL_ADDRESS;
    return null;
  },
}, { port });

async function end(): Promise<void> {
  await server.close();
  process.exit(0);
}
process.once('SIGINT', end);
process.once('SIGTERM', end);

const words = createInterface({ input: process.stdin });
words.on('line', (word) => {
  if (word.trim() === 'start') startedMs = performance.now();
});
// A pipe that ends means that whoever started this is gone, killed perhaps; a terminal or /dev/null means nothing.
const stdin = fstatSync(0);
if (stdin.isFIFO() || stdin.isSocket()) words.once('close', end);

process.stdout.write(`${JSON.stringify({ ready: true, port: server.port })}\n`);
