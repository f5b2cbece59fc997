/** What the edge is to reach: its gateway, its serial ports, its programs. */
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import mqtt from 'mqtt';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { EXIT } from '../terminal.ts';
import { well, wrong, type Finding } from './finding.ts';
import type { Machine } from './machine.ts';
import './faults.ts';

const CONNECT_MS = 5000;
/** CONNACK codes of MQTT 3.1.1 that say who we are is wrong. */
const DENIED = new Set([2, 4, 5]);
const MAX_OFFSET_SECONDS = 2;

/** @param isRunning the edge runs: a second client of its name would push it out, so its own word is taken */
export async function lookAtGateway(setup: EdgeSetup, isRunning: boolean): Promise<Finding[]> {
  const findings = await Promise.all(setup.gateway.urls.map((url) => (isRunning ? reach(url) : enter(setup, url))));
  return isRunning ? [...findings, ...(await runningEdge(setup))] : findings;
}

async function reach(url: string): Promise<Finding> {
  const { hostname, port, protocol } = new URL(url);
  const secure = protocol === 'mqtts:' || protocol === 'wss:';
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (secure ? 8883 : 1883), timeout: CONNECT_MS });
    const end = (finding: Finding) => {
      socket.destroy();
      resolve(finding);
    };
    socket.once('connect', () => end(well('gateway', `${url} can be reached`, `${url} 可以连接`)));
    socket.once('timeout', () => end(unreachable(url, 'ETIMEDOUT')));
    socket.once('error', (error: NodeJS.ErrnoException) => end(unreachable(url, error.code ?? error.message)));
  });
}

const unreachable = (url: string, detail: string): Finding => wrong('gateway', { code: 'CV_DOCTOR_GATEWAY', params: { url, detail } });

/** As the edge would come in; nothing is published. */
async function enter({ edge, gateway }: EdgeSetup, url: string): Promise<Finding> {
  return new Promise((resolve) => {
    const client = mqtt.connect(url, {
      clientId: `cv-${edge}`, username: edge, ...(gateway.token === null ? {} : { password: gateway.token }),
      protocolVersion: 4, clean: true, reconnectPeriod: 0, connectTimeout: CONNECT_MS,
    });
    let said: Finding | null = null;
    const say = (finding: Finding) => {
      said ??= finding;
      client.end(true);
    };
    client.once('connect', () => say(well('gateway', `${url} lets ${edge} in`, `${url} 允许 ${edge} 接入`)));
    client.on('error', (error) => {
      const code = (error as { code?: string | number }).code;
      say(typeof code === 'number' && DENIED.has(code) ? wrong('gateway', { code: 'CV_DOCTOR_DENIED', params: { url, detail: error.message } }) : unreachable(url, String(code ?? error.message)));
    });
    client.once('close', () => resolve(said ?? unreachable(url, 'ETIMEDOUT')));
  });
}

/** What the edge itself says at its own address, where that is fixed. */
async function runningEdge({ http }: EdgeSetup): Promise<Finding[]> {
  const words = well('edge', 'it is running', '边缘节点正在运行');
  if (http.port === 0) return [words];
  const health = await fetch(`http://${http.host}:${http.port}/healthz`, { headers: http.token === undefined ? {} : { authorization: `Bearer ${http.token}` }, signal: AbortSignal.timeout(CONNECT_MS) }).then((answer) => answer.json() as Promise<{ uplink?: { online: boolean; clockOffsetMs: number | null } }>, () => null);
  // Without the token it says no more than that.
  if (!health?.uplink) return [words];
  const { online, clockOffsetMs } = health.uplink;
  const uplink = well('edge', `it is running, and ${online ? 'connected' : 'not connected'}`, `边缘节点正在运行，${online ? '已' : '未'}连接网关`);
  const seconds = Math.round((clockOffsetMs ?? 0) / 100) / 10;
  return Math.abs(seconds) > MAX_OFFSET_SECONDS ? [uplink, wrong('clock', { code: 'CV_DOCTOR_OFFSET', params: { seconds } }, EXIT.found, { offsetMs: clockOffsetMs })] : [uplink];
}

/** Ports that devices name, whether they are there and may be opened. */
export function lookAtSerial(machine: Machine, { devices }: EdgeSetup): Finding[] {
  const there = machine.list('dev/serial/by-id').map((name) => `/dev/serial/by-id/${name}`);
  const named = devices.flatMap(({ id, settings }) => {
    const { port } = settings as { port?: unknown };
    return typeof port === 'string' ? [{ device: id, port: port.startsWith('/') ? port : `/dev/${port}` }] : [];
  });
  if (named.length === 0) return there.length > 0 ? [well('serial', `adapters: ${there.join(', ')}`, `串口转换器：${there.join('、')}`)] : [];
  return named.map(({ device, port }) => {
    try {
      accessSync(machine.path(port), constants.R_OK | constants.W_OK);
      return well('serial', `${device}: ${port} can be opened`, `${device}：${port} 可以打开`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') return wrong('serial', { code: 'CV_DOCTOR_DIALOUT', params: { device, port, group: 'dialout' } });
      const list = there.join(', ');
      return wrong('serial', { code: 'CV_DOCTOR_SERIAL', params: { device, port, there: there.length > 0 ? `; there are: ${list}` : '', thereZh: there.length > 0 ? `；现有：${list}` : '' } });
    }
  });
}

export async function lookAtPrograms(machine: Machine, { devices }: EdgeSetup): Promise<Finding[]> {
  if (!devices.some(({ driver }) => driver === 'camera')) return [];
  const version = await machine.run('ffmpeg', ['-version']);
  return [version === null ? wrong('ffmpeg', { code: 'CV_DOCTOR_FFMPEG', params: {} }, EXIT.missing) : well('ffmpeg', version.split('\n')[0]?.slice(0, 40) ?? '', version.split('\n')[0]?.slice(0, 40) ?? '')];
}

/** Whether something holds the log: its lock is a file of its own. */
export const lockFile = (dir: string): string => join(dir, 'lock.db');
