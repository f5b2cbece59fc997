/** Our gateway as a contender: the real one, in a process of its own, with the embedded broker or with mosquitto. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { mosquittoFiles } from '../../gateway/broker/mosquitto.ts';
import { startMosquitto } from '../processes/mosquitto.ts';
import { freePort } from '../../core/free-port.ts';
import { isAnswering, type Program, type Rig } from './rig.ts';

export interface GatewayOptions {
  broker: 'embedded' | 'mosquitto';
  edges: readonly string[];
  centre: string;
  /** Rule files. */
  rules?: readonly string[];
  /** What is published of accepted events; default all. */
  streams?: 'all' | 'none';
  /** TLS: edges come in by certificates alone, which they are yet to be given. */
  tls?: boolean;
  /** How it is started: the program and its first arguments, before the configuration file. */
  command?: readonly string[];
}

export interface BenchGateway {
  readonly program: Program;
  readonly pids: readonly number[];
  readonly brokerPort: number;
  readonly httpUrl: string;
  /** Of every edge. */
  readonly token: string;
  /** A counter or gauge without labels, as `/metrics` has it; 0 when it is not there yet. */
  metric(name: string): Promise<number>;
  readonly logFile: string;
}

const TOKEN = 'bench-token';
const FROM_SOURCE: readonly string[] = [process.execPath, join(import.meta.dirname, '..', '..', 'cli', 'main.ts'), 'gateway', '--config'];

export async function startBenchGateway(rig: Rig, options: GatewayOptions): Promise<BenchGateway> {
  const brokerPort = await freePort();
  const httpPort = await freePort();
  const name = `gateway-${httpPort}`;
  const dir = join(rig.dir, name);
  mkdirSync(dir, { recursive: true });
  const edges = options.tls ? [] : options.edges.map((id) => ({ id, token: TOKEN }));
  const brokerPids: number[] = [];
  if (options.broker === 'mosquitto') {
    const files = await mosquittoFiles({
      edges,
      gateway: { user: 'bench-gateway', password: TOKEN },
      consumers: [{ user: 'bench', password: TOKEN }],
    });
    const mosquitto = await startMosquitto(join(dir, 'mosquitto'), brokerPort, files);
    rig.undo(() => mosquitto.stop());
    brokerPids.push(mosquitto.pid);
  }
  const path = join(dir, 'gateway.yaml');
  writeFileSync(
    path,
    stringify({
      gateway: 'bench-gateway',
      centre: options.centre,
      broker:
        options.broker === 'embedded'
          ? { embedded: { host: '127.0.0.1', port: brokerPort, edges, consumers: [{ user: 'bench', password: TOKEN }] } }
          : { url: `mqtt://127.0.0.1:${brokerPort}`, user: 'bench-gateway', password: TOKEN },
      log: { dir: './log' },
      store: { dir: './store' },
      // Somebody will have to be an administrator; the bench itself goes on asking without a name.
      http: { host: '127.0.0.1', port: httpPort, ...(options.tls && { anonymous: 'loopback' }) },
      ...(options.tls && { tls: { loopback: true, dir: './certificates' } }),
      rules: options.rules ?? [],
      streams: { events: options.streams ?? 'all' },
    }),
  );
  const httpUrl = `http://127.0.0.1:${httpPort}`;
  const program = await rig.start(name, [...(options.command ?? FROM_SOURCE), path], () => isAnswering(`${httpUrl}/healthz`));
  return {
    program, pids: [program.pid, ...brokerPids], brokerPort, httpUrl, token: TOKEN, logFile: join(rig.dir, `${name}.log`),
    async metric(metric) {
      const answer = await fetch(`${httpUrl}/metrics`).catch((error: unknown) => {
        throw new Error(`the gateway does not answer\n${readFileSync(join(rig.dir, `${name}.log`), 'utf8').slice(-2000)}`, {
          cause: error,
        });
      });
      return Number(new RegExp(`^${metric} (\\S+)$`, 'm').exec(await answer.text())?.[1] ?? 0);
    },
  };
}
