/**
 * A box without a battery: its clock says 1970, or decades ahead, and nobody has set it. And one that was set, to a time at
 * which nothing counts.
 */
import { join } from 'node:path';
import { realClock, type World } from '../../../core/world.ts';
import { enrol } from '../../../edge/identity/enrol.ts';
import { readEdgeIdentity } from '../../../edge/identity/identity-folder.ts';
import { realIdentityFiles } from '../../../edge/identity/real-identity-files.ts';
import { connectTls } from '../../../edge/identity/tls-connect.ts';
import { faultCodeOf, knockAtBroker } from '../identities.ts';
import type { Attack } from '../rig.ts';

const UNSET = { ...realClock.trust, isTrusted: () => false } as NonNullable<World['clock']['trust']>;
const clockAt = (day: string, isSet: boolean): World['clock'] => ({
  ...realClock, nowMs: () => Date.parse(day), ...(!isSet && { trust: UNSET }),
});

export default {
  name: 'the clock of a box is years off, and nobody has set it', clause: 'own',
  async run(rig) {
    const found: string[] = [];
    for (const day of ['1970-01-01', '2009-06-01', '2069-12-31']) {
      const edge = `box-of-${day.slice(0, 4)}`;
      const dir = join(rig.dir, edge);
      const clock = clockAt(day, false);
      const code = await rig.administrator.codeFor(edge);
      const refused = await faultCodeOf(enrol({ gateway: rig.secureUrl, code, edge, dir }, realIdentityFiles, clock));
      if (refused !== null) {
        found.push(`${day}: ${refused}`);
        continue;
      }
      const { keyPem, certificatePem, caPem, authorities } = await readEdgeIdentity(dir, realIdentityFiles);
      const target = { host: '127.0.0.1', port: rig.brokerPort };
      const shown = { ca: caPem, authorities, key: keyPem, cert: certificatePem };
      const connect = (at: World['clock']) =>
        faultCodeOf(connectTls(target, shown, at, AbortSignal.timeout(5000)).then((socket) => socket.destroy()));
      const said = await knockAtBroker(rig, { keyPem, certificatePem }, edge);
      // Where the time is known, what a server shows has to count at that time.
      found.push(`${day}: ${(await connect(clock)) ?? 'connects'}, ${said}, set: ${await connect(clockAt(day, true))}`);
    }
    const isHeld = found.every((one) => one.endsWith(': connects, in, set: CV_SERVER_DATES'));
    return { held: isHeld, detail: found.join('; ') };
  },
} satisfies Attack;
