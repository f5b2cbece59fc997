/** Somebody stands between a new box and its gateway. They may show whatever they have; the box must not even say its code. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { realClock } from '../../../core/world.ts';
import { enrol } from '../../../edge/identity/enrol.ts';
import { realIdentityFiles } from '../../../edge/identity/real-identity-files.ts';
import { issueServer, makeAuthority, type KeyPair } from '../../../gateway/certificates/issuing.ts';
import { certificateFor, faultCodeOf, gatewayAuthority, lifeOf } from '../identities.ts';
import type { Attack } from '../rig.ts';

export default {
  name: 'a man in the middle of an enrolment, with another CA, with ours beside it, as a box, under another name', clause: 'own',
  async run(rig) {
    const [own, foreign, life] = [await gatewayAuthority(rig), await makeAuthority('attacked', Date.now()), lifeOf(0, 90)];
    const ofForeign = await issueServer(['127.0.0.1'], life, foreign);
    const shown: [string, KeyPair, string][] = [
      ['another CA', ofForeign, foreign.certificatePem],
      ['ours beside it', ofForeign, own.certificatePem],
      ['both', ofForeign, foreign.certificatePem + own.certificatePem],
      ['a box', await certificateFor('hostile', life, own), own.certificatePem],
      ['another name', await issueServer(['gateway.example'], life, own), own.certificatePem],
    ];
    const code = await rig.administrator.codeFor('between');
    const dir = join(rig.dir, 'between');
    const ask = (gateway: URL) => faultCodeOf(enrol({ gateway, code, edge: 'between', dir }, realIdentityFiles, realClock));
    const found: string[] = [];
    let learned = 0;
    for (const [name, { keyPem, certificatePem }, authority] of shown) {
      const middle = createServer({ key: keyPem, cert: certificatePem + authority }, (socket) => {
        socket.on('error', () => socket.destroy()).on('data', ({ length }) => { learned += length; });
      });
      middle.on('tlsClientError', (_error, socket) => socket.destroy());
      await new Promise<void>((resolve) => { middle.listen(0, '127.0.0.1', resolve); });
      found.push(`${name}: ${await ask(new URL(`https://127.0.0.1:${(middle.address() as AddressInfo).port}`))}`);
      await new Promise<void>((resolve) => { middle.close(() => resolve()); });
    }
    const real = await ask(rig.secureUrl);
    const isHeld = learned === 0 && real === null && found.every((one) => / CV_(ENROLMENT_CA|SERVER_(NAME|UNTRUSTED))$/.test(one));
    return { held: isHeld, detail: `${found.join(', ')}; ${learned} bytes learned; the gateway itself: ${real ?? 'enrolled'}` };
  },
} satisfies Attack;
