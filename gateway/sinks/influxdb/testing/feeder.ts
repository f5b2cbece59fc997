/** A process that feeds a sink from a log that lies there, until it is killed: `feeder.ts DIR URL`. */
import { join } from 'node:path';
import { openGatewayLog } from '../../../../log/gateway-log.ts';
import { realWorld } from '../../../../core/world.ts';
import { openLogFeed } from '../../../feed/log-feed.ts';
import { Sinks } from '../../open.ts';

const [dir, url] = process.argv.slice(2) as [string, string];
const world = realWorld(() => {});
const log = await openGatewayLog({ dir: join(dir, 'log'), gateway: 'g', maxBytes: 64 << 20, keepMs: 86_400_000 }, world);
const settings = { url, org: '', bucket: 'city', measurement: 'cityvitals', batch: 20, timeout: 5000 };
const sinks = await Sinks.open(
  [{ kind: 'influxdb', id: 'influxdb', settings }],
  { gateway: 'g', store: { dir, retentionMs: Infinity, maxBytes: 1 << 30 } },
  log,
  world,
);
await openLogFeed(
  log,
  sinks.all.map(({ consumer }) => consumer),
  world,
).start();
