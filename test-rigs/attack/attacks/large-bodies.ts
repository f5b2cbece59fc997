import { ATTACK_OPERATOR, type Attack } from '../rig.ts';

const BYTES = 32 << 20;

export default {
  name: 'bodies of 32 MB, bodies nested 50,000 deep and bodies that are no JSON', clause: 'own',
  async run(rig) {
    const beforeMB = rig.rssMB(rig.gateway);
    const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const bodies = [
      Buffer.alloc(BYTES, 0x20),
      `{"device":${nested}}`,
      '{"device":"\u0000',
      '{"__proto__":{"isAdmin":true}}',
      '[]',
      'null',
      '',
    ];
    const statuses: number[] = [];
    for (const path of ['/api/v1/bindings', '/api/v1/commands', '/api/v1/session']) {
      for (const body of bodies) {
        const { status } = await rig.get(path, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', authorization: `Bearer ${ATTACK_OPERATOR}` },
        });
        statuses.push(status);
      }
    }
    const moreMB = rig.rssMB(rig.gateway) - beforeMB;
    // A body that is too long may be cut off before its answer is read: that is 0.
    const wrong = statuses.filter((status) => status !== 0 && (status < 400 || status >= 500));
    return {
      held: wrong.length === 0 && moreMB < 200,
      detail: `${statuses.length} bodies, ${wrong.length === 0 ? 'all refused' : `answered ${wrong.join(', ')}`}; ${moreMB} MB more`,
    };
  },
} satisfies Attack;
