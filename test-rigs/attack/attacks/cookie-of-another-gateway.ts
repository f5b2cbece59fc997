/**
 * Cookies belong to a host, whatever its port: a browser sends those of one gateway to the other, and somebody may run a
 * gateway of their own.
 */
import { firstAdministrator } from '../../processes/enrolment.ts';
import { ATTACK_CENTRE, type Attack } from '../rig.ts';

export default {
  name: 'the session of an administrator of another gateway with the same name', clause: 'own',
  async run(rig) {
    const other = await rig.startGateway('other', { gateway: 'attacked', broker: { embedded: { port: 0 } }, http: { port: 0 } });
    try {
      const theirs = await firstAdministrator(other.ready, ATTACK_CENTRE, rig.administrator.name);
      const users = async (cookie: string, base = rig.gatewayUrl): Promise<number> =>
        (await rig.get('/api/v1/users', { headers: { cookie } }, base)).status;
      const at = { theirs: await users(theirs.cookie, String(other.ready.httpUrl)), ours: await users(rig.administrator.cookie) };
      const crossed = [
        await users(theirs.cookie),
        await users(rig.administrator.cookie.replaceAll(/.(?=;|$)/g, (last) => (last === 'A' ? 'B' : 'A'))),
        // Named as over HTTPS.
        await users(theirs.cookie.replaceAll('cityvitals-', '__Host-cityvitals-')),
      ];
      const isHeld = at.theirs === 200 && at.ours === 200 && crossed.every((status) => status === 401 || status === 403);
      return { held: isHeld, detail: `at home ${at.theirs}, here ${crossed.join(', ')}; ours here ${at.ours}` };
    } finally {
      await other.stop();
    }
  },
} satisfies Attack;
