/** The connection of an enrolment breaks after so many bytes, from the first to the last; then the same code is used on a whole one. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import type { EdgeCertificateView } from '../../../api/enrolment.ts';
import { realClock } from '../../../core/world.ts';
import { enrol } from '../../../edge/identity/enrol.ts';
import { realIdentityFiles } from '../../../edge/identity/real-identity-files.ts';
import { faultCodeOf } from '../identities.ts';
import type { Attack } from '../rig.ts';

const STEPS = 24;

export default {
  name: `an enrolment that breaks at ${STEPS} steps, then once more`, clause: 'own',
  async run(rig) {
    const passage = await openPassage(Number(rig.secureUrl.port));
    const ask = (edge: string, code: string) =>
      faultCodeOf(enrol({ gateway: new URL(passage.url), code, edge, dir: join(rig.dir, edge) }, realIdentityFiles, realClock));
    try {
      const whole = await ask('measured', await rig.administrator.codeFor('measured'));
      const bytes = passage.passed;
      const code = await rig.administrator.codeFor('broken');
      let breaks = 0;
      for (let step = 0; step < STEPS; step += 1) {
        passage.breakAfter(Math.floor((bytes * step) / STEPS));
        if ((await ask('broken', code)) !== null) breaks += 1;
      }
      passage.breakAfter(Infinity);
      const last = await ask('broken', code);
      const { items } = await rig.administrator.get<{ items: EdgeCertificateView[] }>('certificates?limit=1000');
      const issued = items.filter(({ edge }) => edge === 'broken').length;
      return {
        held: whole === null && last === null && breaks >= STEPS - 2 && issued === 1,
        detail: `${breaks} of ${STEPS} broke (${bytes} bytes in all); then ${last ?? 'enrolled'}, ${issued} certificate issued`,
      };
    } finally {
      passage.close();
    }
  },
} satisfies Attack;

/** To a port of this machine, for so many bytes in all. */
async function openPassage(port: number) {
  let [passed, most] = [0, Infinity];
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port });
    for (const [from, to] of [[near, far], [far, near]] as const) {
      open.add(from);
      from.on('error', () => to.destroy()).on('close', () => { open.delete(from); to.destroy(); });
      from.on('data', (part: Buffer) => {
        const rest = Math.max(0, most - passed);
        passed += part.length;
        to.write(part.subarray(0, rest), () => { if (part.length > rest) for (const one of [near, far]) one.destroy(); });
      });
    }
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get passed() { return passed; },
    breakAfter(bytes: number) { [passed, most] = [0, bytes]; },
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
