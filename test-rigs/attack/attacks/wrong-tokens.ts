import { ATTACK_OPERATOR, type Attack } from '../rig.ts';

export default {
  name: 'sixty wrong tokens, then the right one', clause: '1.8',
  async run(rig) {
    const command = (token: string) =>
      rig.get('/api/v1/commands', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ kind: 'read', device: 'nobody', reason: 'attack rig' }),
      });
    for (let count = 0; count < 60; count += 1) await command(`guess-${count}-of-the-attack-rig`);
    const { status } = await command(ATTACK_OPERATOR);
    return { held: status !== 401 && status !== 403 && status !== 429 && status !== 0, detail: `the right token is answered ${status}` };
  },
} satisfies Attack;
