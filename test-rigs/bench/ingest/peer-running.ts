/** What the peers that write to VictoriaMetrics have in common: one topic tree, small JSON, and the same way to read back. */
import { BENCH_PASSWORD, BENCH_USER, type OpenMosquitto } from '../peers/mosquitto.ts';
import type { Victoria } from '../peers/victoria.ts';
import { benchPauseMs, type Program } from '../rig.ts';
import type { RunningContender } from './contender.ts';
import { LoadSender } from './sender.ts';
import { deviceName, senderName, seriesValueText } from './series.ts';

export const PEER_FILTER = 'bench/+/up';
const READY_MS = 20_000;

/** Resolves when a first message has come through: a peer says that it runs before it has subscribed. */
export async function peerRunning(mosquitto: OpenMosquitto, victoria: Victoria, program: Program): Promise<RunningContender> {
  const login = (name: string) => ({ clientId: name, user: BENCH_USER, password: BENCH_PASSWORD });
  const probe = await LoadSender.open(mosquitto.port, login('probe'), 'bench/probe/up');
  for (const untilMs = Date.now() + READY_MS; (await victoria.rows()) === 0;) {
    if (Date.now() > untilMs) throw new Error(`nothing comes through ${program.name}`);
    probe.publish(Buffer.from(`{"d":"probe","v":1,"t":${Date.now()}}`), 1);
    await benchPauseMs(100);
  }
  await benchPauseMs(300);
  probe.close();
  const before = await victoria.rows();
  return {
    brokerPort: mosquitto.port, pids: [mosquitto.pid, victoria.program.pid, program.pid],
    login: (sender) => login(`load-${sender}`),
    topic: (sender) => `bench/${senderName(sender)}/up`,
    payload,
    stored: async () => (await victoria.rows()) - before,
    async readBack(sender, device) {
      await victoria.flush();
      return victoria.read('m_v', { d: deviceName(sender, device) });
    },
  };
}

/** `[{ d, v, t }]`, or the object alone for one: as sensors send it. */
function payload(sender: number, k: number, count: number, atMs: number): Uint8Array {
  let events = '';
  for (let at = k; at < k + count; at += 1)
    events += `${at > k ? ',' : ''}{"d":"${deviceName(sender, at)}","v":${seriesValueText(sender, at)},"t":${atMs}}`;
  return Buffer.from(count === 1 ? events : `[${events}]`);
}
