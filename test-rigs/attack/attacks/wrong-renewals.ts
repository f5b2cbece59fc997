import { join } from 'node:path';
import { signingRequest } from '../../../edge/identity/signing-request.ts';
import { honestDelay } from '../honest-delay.ts';
import {
  askForRenewal, certificateFor, gatewayAuthority, inParallel, lifeOf, newKey, postTo, tallyOf,
} from '../identities.ts';
import type { Attack } from '../rig.ts';

const COUNT = 1500;

export default {
  name: `${COUNT} renewals with wrong signatures, then the right one`, clause: 'own',
  async run(rig) {
    const { identity } = await rig.administrator.enrol('renewed', join(rig.dir, 'renewed'));
    const stranger = newKey();
    const csr = await signingRequest('renewed', stranger);
    // Half of them with a certificate that counts, so that the signature itself is looked at.
    const foreign = await certificateFor('renewed', lifeOf(0, 90), { ...(await gatewayAuthority(rig)), keyPem: stranger });
    const shown = [identity.certificatePem, foreign.certificatePem];
    const answers = new Map<string, number>();
    const others = await honestDelay(rig, () =>
      inParallel(COUNT, 20, async (index) => {
        const signature = Buffer.alloc(70, index).toString('base64');
        const said = await postTo(rig, '/api/v1/enrolment/renewal', { csr, certificate: shown[index % 2], signature });
        answers.set(said, (answers.get(said) ?? 0) + 1);
      }),
    );
    const wrong = [...answers.keys()].filter((said) => !/^(403 CV_CERTIFICATE_REFUSED|429 CV_COMMAND_TOO_MANY)$/.test(said));
    const right = await askForRenewal(rig, 'renewed', identity.certificatePem, identity.keyPem);
    return {
      held: wrong.length === 0 && right === '200' && !others.isDelayed,
      detail: `${tallyOf(answers)}; the right one: ${right}; ${others.words}`,
    };
  },
} satisfies Attack;
