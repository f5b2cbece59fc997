import { connectPacket, packetHead } from '../../../core/testing/raw-mqtt.ts';
import { honestDelay } from '../honest-delay.ts';
import { exchangeBytes, type Attack } from '../rig.ts';

const BYTES = 10 << 20;
const TIMES = 12;

export default {
  name: `passwords of 10 MB, and of as much as is read, ${TIMES} at once`, clause: 'own',
  async run(rig) {
    const beforeMB = rig.rssMB(rig.gateway);
    const signIn = async (user: string, password: string): Promise<number> =>
      (await rig.get('/api/v1/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-cityvitals': '1' },
        body: JSON.stringify({ user, password }),
      })).status;
    const long = 'x'.repeat(BYTES);
    const statuses: number[] = [];
    const letIn: string[] = [];
    const others = await honestDelay(rig, async () => {
      statuses.push(...(await Promise.all(Array.from({ length: TIMES }, () => signIn('nobody', long)))));
      statuses.push(...(await Promise.all(Array.from({ length: TIMES }, () => signIn('nobody', 'é'.repeat(30_000))))));
      // In MQTT a password has at most 64 KiB; a packet may claim to be longer.
      const login = { clientId: 'cv-hostile', user: 'hostile' };
      const short = connectPacket({ ...login, password: 'x' });
      const claimed = Buffer.concat([packetHead(0x10, BYTES), short.subarray(2), Buffer.alloc(1 << 20, 120)]);
      const longest = connectPacket({ ...login, password: 'x'.repeat(65_535) });
      for (const bytes of [claimed, longest]) {
        const answer = await exchangeBytes(rig.brokerPort, bytes);
        if (answer[0] === 0x20 && answer[3] === 0) letIn.push(`CONNACK ${answer[3]}`);
      }
    });
    const moreMB = rig.rssMB(rig.gateway) - beforeMB;
    // What is too long may be cut off before its answer is read: that is 0.
    const wrong = statuses.filter((status) => status !== 0 && (status < 400 || status >= 500));
    const words = wrong.length === 0 ? 'refused' : `answered ${wrong.join(', ')}`;
    const owner = await signIn(rig.administrator.name, rig.administrator.password);
    return {
      held: wrong.length === 0 && letIn.length === 0 && owner === 200 && moreMB < 200 && !others.isDelayed,
      detail:
        `${statuses.length} ${words}${letIn.join()}, then the right one ${owner}; ${moreMB} MB more; ${others.words}`,
    };
  },
} satisfies Attack;
