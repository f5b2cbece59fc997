import { attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: '3,000 payloads that are no batch, each another', clause: 'own',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    for (let count = 0; count < 3000; count += 1) hostile.publish('up', `garbage ${count}`);
    const tookMs = await rig.honest.send(1, 'honest-d');
    await attackPauseMs(500);
    await hostile.client.endAsync(true);
    return { held: tookMs !== null && tookMs < 1500, detail: `honest ack after ${Math.round(tookMs ?? Infinity)} ms` };
  },
} satisfies Attack;
