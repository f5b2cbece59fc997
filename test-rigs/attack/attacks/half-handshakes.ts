import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { KeyPair } from '../../../gateway/certificates/issuing.ts';
import { honestDelay } from '../honest-delay.ts';
import { knockAtBroker, openTlsTo } from '../identities.ts';
import { attackPauseMs, portOf, type Attack } from '../rig.ts';

const ROUNDS = 15;
const A_ROUND = 60;
const PAUSE_MS = 100;
const MAX_MEDIAN_MS = 2500;
/** Of RFC 8446: the head of a handshake record, a whole head of a ClientHello that goes on, and nothing at all. */
const BEGINNINGS = [Buffer.from('160301', 'hex'), Buffer.from(`1603010200010001fc0303${'7a'.repeat(60)}`, 'hex'), Buffer.alloc(0)];

export default {
  name: `${ROUNDS * A_ROUND * 2} TLS handshakes that begin and do not go on, at both ports`, clause: 'own',
  async run(rig) {
    const { identity } = await rig.administrator.enrol('in-time', join(rig.dir, 'in-time'));
    const own: KeyPair = { keyPem: identity.keyPem, certificatePem: identity.certificatePem };
    const ports = [rig.brokerPort, portOf(rig.gatewayUrl)];
    const sockets: Socket[] = [];
    const tookMs: number[] = [];
    const refused: string[] = [];
    const timed = async (act: () => Promise<string>): Promise<void> => {
      const startedMs = performance.now();
      const said = await act().catch((error: Error) => error.message);
      if (said !== 'in') refused.push(said);
      tookMs.push(Math.round(performance.now() - startedMs));
    };
    const others = await honestDelay(rig, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        for (let count = 0; count < A_ROUND; count += 1) {
          for (const port of ports) {
            const socket = connect({ host: '127.0.0.1', port });
            socket.on('error', () => socket.destroy());
            socket.write(BEGINNINGS[count % BEGINNINGS.length] as Buffer);
            sockets.push(socket);
          }
        }
        await attackPauseMs(PAUSE_MS);
        if (round % 3 !== 2) continue;
        await timed(() => knockAtBroker(rig, own, 'in-time'));
        await timed(async () => {
          (await openTlsTo(rig, ports[1] as number)).destroy();
          return 'in';
        });
      }
    });
    for (const socket of sockets) socket.destroy();
    const medianMs = tookMs.toSorted((one, other) => one - other)[tookMs.length >> 1] as number;
    return {
      held: refused.length === 0 && medianMs < MAX_MEDIAN_MS && !others.isDelayed,
      detail:
        `${tookMs.length} whole ones beside them took ${medianMs} ms (median); ${others.words}` +
        (refused.length > 0 ? `; refused: ${refused.join(', ')}` : ''),
    };
  },
} satisfies Attack;
