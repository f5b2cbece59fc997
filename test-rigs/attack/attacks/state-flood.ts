import { attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: '60 states of 5,000 devices, and the last word offline', clause: 'own',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    const devices = Array.from({ length: 5000 }, (_, at) => ({ id: `stated-${at}`, driver: 'x', online: true, reason: '', lastAt: null }));
    const text = JSON.stringify({ v: 1, edge: 'hostile', centre: '500112001', online: true, sentAt: Date.now(), devices });
    for (let count = 0; count < 60; count += 1) hostile.publish('state', text);
    hostile.publish('state', JSON.stringify({ v: 1, edge: 'hostile', centre: '500112001', online: false }));
    const tookMs = await rig.honest.send(1, 'honest-d');
    await attackPauseMs(2500);
    const isOnline = (await rig.edges()).find(({ id }) => id === 'hostile')?.online ?? true;
    await hostile.state([]);
    await hostile.client.endAsync(true);
    return {
      held: tookMs !== null && tookMs < 2000 && !isOnline,
      detail: `honest ack after ${Math.round(tookMs ?? Infinity)} ms; the last word ${isOnline ? 'was lost' : 'counts'}`,
    };
  },
} satisfies Attack;
