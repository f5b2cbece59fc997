/** `npm run test:peers -- [NAME …] [--minutes N]`: our parts against programs that are not ours. Ends with "N passed, N failed, N left out". */
// Plain JavaScript that set-up shares: what a peer needs, how to see it, and which packages bring it.
import { parseArgs } from 'node:util';
import { packagesOf, present } from '../../tools/setup/programs.mjs';
import { installPeers } from '../bench/peers/packages.ts';

interface Peer {
  name: string;
  /** Programs of tools/setup/programs.mjs; without one of them the peer is left out, and said so. */
  needs?: string[];
  /** What else is not here; false: nothing. */
  lacks?(): string | false;
  /** `minutes`: how long those go on that wait for what time brings; left out: as long as it makes sense every day. */
  run(options: { minutes?: number }): Promise<void>;
}

/** `npm`: packages of peers, which come into a folder of their own. */
const SUITES: { needs: string[]; npm?: Record<string, string>; load(): Promise<{ peers: Peer[] }> }[] = [
  { needs: ['victoria-metrics'], load: () => import('./influx.ts') },
  { needs: ['pymodbus', 'mbpoll'], load: () => import('./modbus.ts') },
  { needs: ['pymodbus', 'mbpoll'], load: () => import('./served.ts') },
  { needs: ['pymodbus', 'pyserial', 'mbpoll', 'socat'], load: () => import('./modbus-rtu.ts') },
  { needs: ['mosquitto', 'mosquitto_sub'], load: () => import('./mosquitto.ts') },
  { needs: ['mosquitto', 'mosquitto_sub', 'openssl'], load: () => import('./certificates.ts') },
  { needs: [], load: () => import('./conformance.ts') },
  { needs: ['mosquitto', 'mosquitto_sub'], load: () => import('./mqtt-in.ts') },
  { needs: ['mosquitto'], npm: { 'sparkplug-payload': '1.0.3' }, load: () => import('./sparkplug.ts') },
  { needs: [], npm: { llrpjs: '1.0.1' }, load: () => import('./llrp.ts') },
  { needs: ['tshark'], load: () => import('./dissection.ts') },
  { needs: ['gcc', 'open62541'], load: () => import('./opcua.ts') },
  { needs: [], npm: { 'oidc-provider': '9.13.3' }, load: () => import('./oidc.ts') },
  { needs: [], load: () => import('./commands.ts') },
  { needs: [], load: () => import('./consumers.ts') },
  { needs: [], load: () => import('./models.ts') },
  { needs: [], load: () => import('./faces.ts') },
  { needs: ['ffmpeg', 'gst-rtsp-server'], load: () => import('./rtsp.ts') },
  { needs: ['ffmpeg', 'gst-rtsp-server'], load: () => import('./live-view.ts') },
];

const {
  values: { minutes, help },
  positionals: asked,
} = parseArgs({ options: { minutes: { type: 'string' }, help: { type: 'boolean', default: false } }, allowPositionals: true });
if (help) {
  process.stdout.write(
    'npm run test:peers -- [NAME …] [--minutes N]\nOur parts against programs that are not ours; NAME leaves out all but the peers that have it in their name.\n',
  );
  process.exit(0);
}
const suites = await Promise.all(
  SUITES.map(async ({ needs, npm = {}, load }) =>
    (await load()).peers.map((peer) => ({ ...peer, npm, needs: [...needs, ...(peer.needs ?? [])] })),
  ),
);
const peers = suites.flat().filter((peer) => asked.length === 0 || asked.some((word) => peer.name.includes(word)));
const absent = new Set([...new Set(peers.flatMap(({ needs }) => needs))].filter((program) => !present(program)));
let failed = 0;
let leftOut = 0;
for (const peer of peers) {
  const missing = peer.needs.filter((program) => absent.has(program));
  const why =
    missing.length > 0
      ? `${missing.join(', ')} is not here; apt-get install ${packagesOf(missing).join(' ')}`
      : peer.lacks?.() || notInstalled(peer.npm);
  if (why) {
    leftOut += 1;
    process.stdout.write(`– ${peer.name}\n  left out: ${why}\n`);
    continue;
  }
  process.stdout.write(`… ${peer.name}\n`);
  try {
    await peer.run(minutes === undefined ? {} : { minutes: Number(minutes) });
    process.stdout.write(`✔ ${peer.name}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`✖ ${peer.name}\n${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
process.stdout.write(`${peers.length - failed - leftOut} passed, ${failed} failed, ${leftOut} left out\n`);
process.exit(failed > 0 || peers.length === leftOut ? 1 : 0);

/** Why packages could not be had; null when they are there. */
function notInstalled(npm: Record<string, string>): string | null {
  try {
    installPeers(npm);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
