import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connectPacket } from '../../../core/testing/raw-mqtt.ts';
import { honestDelay } from '../honest-delay.ts';
import { inParallel, openTlsTo } from '../identities.ts';
import { portOf, type Attack, type AttackRig } from '../rig.ts';

const COUNT = 160;
const WITHIN_MS = 1500;
const MQTT = connectPacket({ clientId: 'cv-hostile', user: 'hostile', password: 'x' });
const HTTP = 'GET /api/v1/devices HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';

/** In place of TLS: what begins like a handshake and is none, other records, and other protocols. */
const before = (): Buffer[] => [
  Buffer.concat([Buffer.from('160301ffff', 'hex'), randomBytes(4000)]),
  Buffer.concat([Buffer.from('1603010040010000fc0303', 'hex'), randomBytes(300)]),
  Buffer.concat([Buffer.from([22]), randomBytes(2000)]),
  Buffer.from('15030300020228', 'hex'),
  Buffer.from('1603010005010000010016030100050100000100', 'hex'),
  Buffer.concat([Buffer.from('80', 'hex'), randomBytes(500)]),
  randomBytes(3000),
];
/** Inside of it. */
const inside = (): Buffer[] => [
  randomBytes(16_000), MQTT, Buffer.from(HTTP), Buffer.alloc(200_000, 0xff), Buffer.concat([MQTT, randomBytes(5000)]),
  Buffer.from(`${HTTP}${HTTP}\u0000\u0001`), Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), randomBytes(1000)]),
];

export default {
  name: 'garbage before TLS, inside TLS, and in the middle of its records, at both ports', clause: 'own',
  async run(rig) {
    const ports = [rig.brokerPort, portOf(rig.gatewayUrl)];
    let tunnels = 0;
    const others = await honestDelay(rig, async () => {
      for (const port of ports) {
        await inParallel(COUNT, 16, async (index) => said(connect({ host: '127.0.0.1', port }), before()[index % 7] as Buffer));
        await inParallel(COUNT, 16, async (index) => {
          const socket = await openTlsTo(rig, port);
          tunnels += 1;
          await said(socket, inside()[index % 7] as Buffer);
        });
        await inParallel(COUNT / 4, 8, (index) => cutInRecord(rig, port, index));
      }
    });
    const problems = [
      ...(tunnels < 2 * COUNT ? [`${2 * COUNT - tunnels} had no TLS`] : []),
      ...(others.isDelayed ? ['the honest edge was delayed'] : []),
    ];
    const detail = `${problems.join('; ') || 'nothing of it is noticed'}; ${others.words}`;
    return { held: problems.length === 0, detail };
  },
} satisfies Attack;

/** Until the other side has enough, or the time is over. */
function said(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), WITHIN_MS);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.resume();
    socket.write(bytes);
  });
}

/** A handshake that is whole, and then a record that is cut, or changed on the way. */
async function cutInRecord(rig: AttackRig, port: number, index: number): Promise<void> {
  const raw = connect({ host: '127.0.0.1', port });
  await new Promise<void>((resolve) => { raw.once('connect', resolve).once('close', () => resolve()); });
  const tls = await openTlsTo(rig, port, raw);
  const head = Buffer.from([23, 3, 3, 0x10, index]);
  await said(raw, index % 2 === 0 ? Buffer.concat([head, randomBytes(20)]) : Buffer.concat([head, randomBytes(0x1000 + index)]));
  tls.destroy();
}
