/** Checks what an edge needs to reach: gateway, serial ports, programs. */
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import mqtt, { MqttClient } from 'mqtt';
import { faultOf } from '../../core/faults.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { identityFilesOf } from '../../edge/identity/real-identity-files.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { connectTls, hostPortOf } from '../../edge/identity/tls-connect.ts';
import { uplinkTls } from '../../edge/identity/uplink-tls.ts';
import { EXIT } from '../terminal.ts';
import { passed, failed, type CheckResult } from './check-result.ts';
import { boxClock } from './identity.ts';
import type { HostMachine } from './machine.ts';
import './faults.ts';

const CONNECT_MS = 5000;
/** CONNACK codes of MQTT 3.1.1 for rejected credentials. */
const DENIED = new Set([2, 4, 5]);
const MAX_OFFSET_SECONDS = 2;

/** @param isRunning the edge runs: a second client would disconnect it, so its own status is used */
export async function checkGatewayAccess(setup: EdgeSetup, isRunning: boolean): Promise<CheckResult[]> {
  const findings = await Promise.all(setup.gateway.urls.map((url) => (isRunning ? checkReachable(url) : checkLogin(setup, url))));
  return isRunning ? [...findings, ...(await runningEdge(setup))] : findings;
}

async function checkReachable(url: string): Promise<CheckResult> {
  const { hostname, port, protocol } = new URL(url);
  const secure = protocol === 'mqtts:' || protocol === 'wss:';
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (secure ? 8883 : 1883), timeout: CONNECT_MS });
    const end = (finding: CheckResult) => {
      socket.destroy();
      resolve(finding);
    };
    socket.once('connect', () => end(passed('gateway', `${url} is reachable`, `${url} 可以连接`)));
    socket.once('timeout', () => end(unreachable(url, 'ETIMEDOUT')));
    socket.once('error', (error: NodeJS.ErrnoException) => end(unreachable(url, error.code ?? error.message)));
  });
}

const unreachable = (url: string, detail: string): CheckResult => failed('gateway', { code: 'CV_DOCTOR_GATEWAY', params: { url, detail } });

/** Logs in as the edge; publishes nothing. */
async function checkLogin({ edge, gateway, atRest, clock: machineClock }: EdgeSetup, url: string): Promise<CheckResult> {
  let client: MqttClient;
  const settings = {
    clientId: `cv-${edge}`, username: edge, ...(gateway.token === null ? {} : { password: gateway.token }),
    protocolVersion: 4 as const, clean: true, reconnectPeriod: 0, connectTimeout: CONNECT_MS,
  };
  if (new URL(url).protocol === 'mqtts:') {
    try {
      const clock = await boxClock(machineClock?.trust);
      const tls = await uplinkTls({ edge, gateway }, identityFilesOf(new AtRestKeys(atRest)), clock);
      const socket = await connectTls(hostPortOf(new URL(url), 8883), tls, clock, AbortSignal.timeout(CONNECT_MS));
      client = new MqttClient(() => socket as never, settings);
    } catch (error) {
      return failed('gateway', faultOf(error, 'CV_DOCTOR_GATEWAY', { url }));
    }
  } else client = mqtt.connect(url, settings);
  return new Promise((resolve) => {
    let said: CheckResult | null = null;
    const say = (finding: CheckResult) => {
      said ??= finding;
      client.end(true);
    };
    client.once('connect', () => say(passed('gateway', `${url} accepts ${edge}`, `${url} 允许 ${edge} 接入`)));
    client.on('error', (error) => {
      const code = (error as { code?: string | number }).code;
      say(
        typeof code === 'number' && DENIED.has(code)
          ? failed('gateway', { code: 'CV_DOCTOR_DENIED', params: { url, detail: error.message } })
          : unreachable(url, String(code ?? error.message)),
      );
    });
    client.once('close', () => resolve(said ?? unreachable(url, 'ETIMEDOUT')));
  });
}

/** Status of the running edge, from its HTTP address if fixed. */
async function runningEdge({ http }: EdgeSetup): Promise<CheckResult[]> {
  const words = passed('edge', 'running', '边缘节点正在运行');
  if (http.port === 0) return [words];
  const health = await fetch(`http://${http.host}:${http.port}/healthz`, {
    headers: http.token === undefined ? {} : { authorization: `Bearer ${http.token}` },
    signal: AbortSignal.timeout(CONNECT_MS),
  }).then(
    (answer) => answer.json() as Promise<{ uplink?: { online: boolean; clockOffsetMs: number | null } }>,
    () => null,
  );
  // Without a token there are no details.
  if (!health?.uplink) return [words];
  const { online, clockOffsetMs } = health.uplink;
  const uplink = passed('edge', `running, ${online ? 'connected' : 'not connected'}`, `边缘节点正在运行，${online ? '已' : '未'}连接网关`);
  const seconds = Math.round((clockOffsetMs ?? 0) / 100) / 10;
  return Math.abs(seconds) > MAX_OFFSET_SECONDS
    ? [uplink, failed('clock', { code: 'CV_DOCTOR_OFFSET', params: { seconds } }, EXIT.found, { offsetMs: clockOffsetMs })]
    : [uplink];
}

/** Whether the configured serial ports exist and can be opened. */
export function checkSerialPorts(machine: HostMachine, { devices }: EdgeSetup): CheckResult[] {
  const there = machine.list('dev/serial/by-id').map((name) => `/dev/serial/by-id/${name}`);
  const named = devices.flatMap(({ id, settings }) => {
    const { port } = settings as { port?: unknown };
    return typeof port === 'string' ? [{ device: id, port: port.startsWith('/') ? port : `/dev/${port}` }] : [];
  });
  if (named.length === 0) return there.length > 0 ? [passed('serial', `adapters: ${there.join(', ')}`, `串口转换器：${there.join('、')}`)] : [];
  return named.map(({ device, port }) => {
    try {
      accessSync(machine.path(port), constants.R_OK | constants.W_OK);
      return passed('serial', `${device}: ${port} can be opened`, `${device}：${port} 可以打开`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES')
        return failed('serial', { code: 'CV_DOCTOR_DIALOUT', params: { device, port, group: 'dialout' } });
      const list = there.join(', ');
      return failed('serial', {
        code: 'CV_DOCTOR_SERIAL',
        params: { device, port, there: there.length > 0 ? `; available: ${list}` : '', thereZh: there.length > 0 ? `；现有：${list}` : '' },
      });
    }
  });
}

export async function checkPrograms(machine: HostMachine, { devices }: EdgeSetup): Promise<CheckResult[]> {
  if (!devices.some(({ driver }) => driver === 'camera')) return [];
  const version = await machine.run('ffmpeg', ['-version']);
  return [
    version === null
      ? failed('ffmpeg', { code: 'CV_DOCTOR_FFMPEG', params: {} }, EXIT.missing)
      : passed('ffmpeg', version.split('\n')[0]?.slice(0, 40) ?? '', version.split('\n')[0]?.slice(0, 40) ?? ''),
  ];
}

/** The lock file of a log. */
export const logLockPath = (dir: string): string => join(dir, 'lock.db');
