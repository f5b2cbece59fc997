import { ATTACK_OPERATOR, type Attack } from '../rig.ts';

export default {
  name: 'a command that a page of another origin makes a browser send', clause: 'own',
  async run(rig) {
    const { status } = await rig.get('/api/v1/commands', {
      method: 'POST',
      headers: { 'content-type': 'text/plain', origin: 'https://attacker.example', authorization: `Bearer ${ATTACK_OPERATOR}` },
      body: JSON.stringify({ device: 'logger', point: 'interval', value: 60 }),
    });
    return { held: status === 403 || status === 415, detail: `answered ${status}` };
  },
} satisfies Attack;
