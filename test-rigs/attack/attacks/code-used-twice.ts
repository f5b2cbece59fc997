import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NewEnrolmentCodeView } from '../../../api/enrolment.ts';
import { realClock } from '../../../core/world.ts';
import { enrol } from '../../../edge/identity/enrol.ts';
import { realIdentityFiles } from '../../../edge/identity/real-identity-files.ts';
import { faultCodeOf } from '../identities.ts';
import { ATTACK_CENTRE, type Attack } from '../rig.ts';

export default {
  name: 'an enrolment code used twice, by another edge, taken back, and in another form', clause: 'own',
  async run(rig) {
    const code = await rig.administrator.codeFor('twice');
    const ask = async (box: string, edge: string, given = code): Promise<string> => {
      const dir = join(rig.dir, `twice-${box}`);
      const request = { gateway: rig.secureUrl, code: given, edge, dir };
      const refused = await faultCodeOf(enrol(request, realIdentityFiles, realClock));
      // Nothing of an identity lies in the folder of who was refused.
      return refused === null ? 'enrolled' : existsSync(join(dir, 'certificate.pem')) ? 'refused, and left a certificate' : refused;
    };
    // What is typed may be grouped and in small letters; it stays the same code.
    const grouped = (code.match(/.{1,6}/g) ?? []).join('-').toLowerCase();
    const taken = await rig.administrator.post<NewEnrolmentCodeView>('enrolment-codes', { edge: 'late', centres: [ATTACK_CENTRE] });
    const headers = { 'x-cityvitals': '1', cookie: rig.administrator.cookie };
    const { status } = await rig.get(`/api/v1/enrolment-codes/${taken.view.id}`, { method: 'DELETE', headers });
    const found = [
      String(status), await ask('late', 'late', taken.code),
      await ask('elsewhere', 'another'),
      await ask('own', 'twice'),
      await ask('thief', 'twice', grouped),
      await ask('thief', 'another'),
      // The card of a box from before its code was used: the same again for another key.
      await ask('copy', 'twice'),
    ];
    const refused = 'CV_ENROLMENT_REFUSED';
    const wanted = ['200', refused, refused, 'enrolled', refused, refused, refused];
    return { held: found.join() === wanted.join(), detail: found.join(', ') };
  },
} satisfies Attack;
