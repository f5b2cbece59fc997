/** A gateway, an edge and a Modbus device that counts what is written to it, for tests of commands over real sockets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandView } from '../../api/commands.ts';
import type { TelemetryEvent } from '../../core/telemetry.ts';
import { until } from '../../core/testing/until.ts';
import { realWorld } from '../../core/world.ts';
import { serveSimulatedModbus, type AnswerOverride } from '../../drivers/modbus/testing/server.ts';
import { loadEdge, loadGateway } from '../../cli/load.ts';
import { runEdge, type RunningEdge } from '../../edge/main.ts';
import { runGateway } from '../../gateway/main.ts';
import type { RunningGateway } from '../../gateway/running-gateway.ts';

export const TOKEN = 'operator-token-for-tests';
export const COMMAND_CENTRE = '500112001';
type Scope = { after(close: () => unknown): void };

/** Coils and holding registers 0 to 9; coil 5 does not keep what it is given. */
export class CountingDevice {
  readonly coils = Array<number>(10).fill(0);
  readonly registers = Array<number>(10).fill(0);
  readonly writes: { fc: number; start: number; cells: number[] }[] = [];
  /** What goes out instead of the answer. */
  twist: AnswerOverride = (answer) => answer;
  port = 0;

  async open(scope: Scope): Promise<this> {
    const server = await serveSimulatedModbus({
      read: (_unit, fc, start, count) => (fc > 2 ? this.registers : this.coils).slice(start, start + count),
      write: (_unit, fc, start, cells) => {
        this.writes.push({ fc, start, cells });
        if (start === 6) return 4;
        if (start !== 5) cells.forEach((cell, index) => { (fc === 6 || fc === 16 ? this.registers : this.coils)[start + index] = cell; });
        return null;
      },
    }, { override: (answer, request, socket) => this.twist(answer, request, socket) });
    this.port = server.port;
    scope.after(() => server.close());
    return this;
  }
}

export function commandFolder(scope: Scope): string {
  const dir = mkdtempSync(join(tmpdir(), 'cv-commands-'));
  scope.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const embeddedBroker = (port = 0) => `{ embedded: { port: ${port}, edges: [{ id: e1, token: t1 }, { id: e2, token: t2 }] } }`;

const gatewayYaml = (broker: string) => `gateway: g
centre: "${COMMAND_CENTRE}"
broker: ${broker}
http: { port: 0 }
operators: [{ name: duty-1, token: ${TOKEN} }]
`;

export const commandEdgeYaml = (brokerUrl: string, devicePort: number) => `edge: e1
centre: "${COMMAND_CENTRE}"
gateway: { url: "${brokerUrl}", token: t1 }
devices:
  - id: plc
    driver: modbus
    settings: { host: 127.0.0.1, port: ${devicePort} }
    every: 2s
    timeout: 10s
    points:
      - { id: pump, address: "coil:3", type: bool, indicator: SS-DRN-011, write: { allow: true, interlock: { point: guard, is: false } } }
      - { id: guard, address: "coil:4", type: bool, indicator: SS-DRN-011 }
      - { id: stubborn, address: "coil:5", type: bool, indicator: SS-DRN-011, write: { allow: true } }
      - { id: refusing, address: "coil:6", type: bool, indicator: SS-DRN-011, write: { allow: true } }
      - { id: level, address: "holding:2", unit: m, scale: 0.01, indicator: YJ-FLD-001, write: { allow: true, range: [0, 5] } }
`;

interface Told { told: TelemetryEvent[] }
export type RunningCommandGateway = RunningGateway & Told;
export type RunningCommandEdge = RunningEdge & Told;

/** @param broker the port of the embedded one, or the URL of another */
export async function startCommandGateway(
  scope: Scope,
  dir: string,
  broker: number | string = 0,
): Promise<RunningCommandGateway> {
  const told: TelemetryEvent[] = [];
  const text = gatewayYaml(typeof broker === 'string' ? `{ url: "${broker}" }` : embeddedBroker(broker));
  const { setup, problems } = await loadGateway({ path: join(dir, 'gateway.yaml'), text });
  if (!setup) throw new Error(JSON.stringify(problems));
  const gateway = await runGateway(setup, realWorld((event) => { told.push(event); }));
  scope.after(() => gateway.close());
  return { ...gateway, told };
}

export async function startCommandEdge(scope: Scope, dir: string, yaml: string): Promise<RunningCommandEdge> {
  const told: TelemetryEvent[] = [];
  const path = join(dir, 'edge.yaml');
  writeFileSync(path, yaml);
  const { setup, problems } = await loadEdge({ path, text: yaml });
  if (!setup) throw new Error(JSON.stringify(problems));
  const edge = await runEdge(setup, realWorld((event) => { told.push(event); }));
  scope.after(() => edge.close());
  return { ...edge, told };
}

export interface TimedCommand {
  status: number;
  body: CommandView & { code?: string; items?: CommandView[] };
}

export async function callApi(httpUrl: string, path: string, body?: object, token = TOKEN): Promise<TimedCommand> {
  const response = await fetch(`${httpUrl}/api/v1${path}`, {
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: (await response.json()) as TimedCommand['body'] };
}

/** Gives a command and waits until it is settled. */
export async function giveCommand(httpUrl: string, command: object): Promise<CommandView> {
  const asked = await callApi(httpUrl, '/commands', { reason: 'test', ...command });
  if (asked.status !== 202) throw new Error(JSON.stringify(asked.body));
  return settledCommand(httpUrl, asked.body.id);
}

export async function settledCommand(httpUrl: string, id: string): Promise<CommandView> {
  let body: CommandView | null = null;
  await until(async () => {
    ({ body } = await callApi(httpUrl, `/commands/${id}`));
    return body.status !== 'pending';
  });
  return body as unknown as CommandView;
}

/** The device is known to the gateway and its edge is there. */
export async function knownCommand(httpUrl: string): Promise<void> {
  await until(async () => {
    const response = await fetch(`${httpUrl}/api/v1/devices/plc`);
    return response.ok && ((await response.json()) as { freshness: string }).freshness === 'fresh';
  });
}
