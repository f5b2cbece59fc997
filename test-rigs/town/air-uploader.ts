/**
 * A simulated HJ 212 station: a data logger that dials the edge, uploads every second, and sends again what is not
 * answered. Values are those of the air station at another street.
 *
 *   node air-uploader.ts --port 8212 --seed 1      prints {"ready":true,"port":N}; takes `start` on stdin
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { diallingDataLogger, qnText } from '../../drivers/hj212/testing/data-logger.ts';
import { STATION_MN } from '../demo/configuration.ts';
import { airAt } from './air-model.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, seed: { type: 'string', default: '1' } } });
const UPLOAD_MS = 1000;
/** Another street: the same weather, other numbers. */
const SEED_APART = 1000;

const port = Number(values.port);
const seed = Number(values.seed) + SEED_APART;
const logger = diallingDataLogger(port, { mn: STATION_MN, password: '123456', st: '22' });
let startedAtMs: number | null = null;

const timer = setInterval(() => {
  if (!logger.isConnected()) return;
  const nowMs = Date.now();
  const air = airAt(seed, startedAtMs === null ? 0 : (nowMs - startedAtMs) / 1000, nowMs / 1000);
  const at = qnText(nowMs).slice(0, 14);
  logger.upload(
    '2011',
    `DataTime=${at};a34004-Rtd=${air.pm25.toFixed(1)},a34004-Flag=N;a34002-Rtd=${air.pm10.toFixed(1)},a34002-Flag=N;a05024-Rtd=${air.ozone.toFixed(1)},a05024-Flag=N`,
    { qn: qnText(nowMs) },
  );
}, UPLOAD_MS);

async function end(): Promise<void> {
  clearInterval(timer);
  await logger.stop();
  process.exit(0);
}
process.on('SIGTERM', () => { void end(); });
process.on('SIGINT', () => { void end(); });
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.trim() === 'start') startedAtMs = Date.now();
}).on('close', () => { void end(); }); // The parent is gone.
process.stdout.write(`${JSON.stringify({ ready: true, port })}\n`);
