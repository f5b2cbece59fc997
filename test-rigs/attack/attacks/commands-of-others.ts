import { ATTACK_CENTRE, ATTACK_OPERATOR, attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: 'an edge gets the commands for the device of another', clause: '1.2',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    const got: string[] = [];
    hostile.client.on('message', (topic) => { if (topic.endsWith('/cmd')) got.push(topic); });
    await hostile.client.subscribeAsync(`cv/v1/in/${ATTACK_CENTRE}/hostile/cmd`, { qos: 1 });
    await hostile.state(['logger']);
    const { status } = await rig.get('/api/v1/commands', {
      method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${ATTACK_OPERATOR}` },
      body: JSON.stringify({ kind: 'write', device: 'logger', point: 'interval', value: 60, reason: 'attack rig' }),
    });
    await attackPauseMs(700);
    await hostile.client.endAsync(true);
    return { held: got.length === 0, detail: `answered ${status}; ${got.length} commands reached the other edge` };
  },
} satisfies Attack;
