import { join } from 'node:path';
import { realClock } from '../../../core/world.ts';
import { enrol } from '../../../edge/identity/enrol.ts';
import { realIdentityFiles } from '../../../edge/identity/real-identity-files.ts';
import { signingRequest } from '../../../edge/identity/signing-request.ts';
import { honestDelay } from '../honest-delay.ts';
import { faultCodeOf, inParallel, newKey, postTo, tallyOf } from '../identities.ts';
import type { Attack } from '../rig.ts';

const COUNT = 1500;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export default {
  name: `${COUNT} guesses at an enrolment code, then the right one from the same address`, clause: 'own',
  async run(rig) {
    const code = await rig.administrator.codeFor('guessed');
    const csr = await signingRequest('guessed', newKey());
    const answers = new Map<string, number>();
    const others = await honestDelay(rig, () =>
      inParallel(COUNT, 20, async (index) => {
        // As near as a guess can be: all but the last characters are right.
        const end = `${ALPHABET[index % 32]}${ALPHABET[(index >> 5) % 32]}`;
        const guess = code.slice(0, 14) + end;
        if (guess === code.slice(0, 16)) return;
        const said = await postTo(rig, '/api/v1/enrolment', { edge: 'guessed', code: guess, csr });
        answers.set(said, (answers.get(said) ?? 0) + 1);
      }),
    );
    const wrong = [...answers.keys()].filter((said) => !/^(403 CV_ENROLMENT_CODE_UNKNOWN|429 CV_COMMAND_TOO_MANY)$/.test(said));
    const request = { gateway: rig.secureUrl, code, edge: 'guessed', dir: join(rig.dir, 'guessed') };
    const right = await faultCodeOf(enrol(request, realIdentityFiles, realClock));
    return {
      held: wrong.length === 0 && right === null && !others.isDelayed,
      detail: `${tallyOf(answers)}; the right one: ${right ?? 'enrolled'}; ${others.words}`,
    };
  },
} satisfies Attack;
