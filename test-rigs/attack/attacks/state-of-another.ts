import { ATTACK_CENTRE, attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: 'saying that another edge is offline, and retaining it', clause: 'own',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    const offline = JSON.stringify({ v: 1, edge: 'honest', centre: ATTACK_CENTRE, online: false });
    hostile.publish('state', offline, true);
    await attackPauseMs(300);
    hostile.client.publish(`cv/v1/in/${ATTACK_CENTRE}/honest/state`, offline, { qos: 1, retain: true });
    await attackPauseMs(700);
    const honest = (await rig.edges()).find(({ id }) => id === 'honest');
    await hostile.client.endAsync(true);
    return { held: honest?.online === true, detail: honest ? `honest is ${honest.online ? 'online' : 'offline'}` : 'honest is not known' };
  },
} satisfies Attack;
