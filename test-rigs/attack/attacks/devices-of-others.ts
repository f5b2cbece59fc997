import { attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: 'an edge speaks for the device of another', clause: '1.2',
  async run(rig) {
    await rig.honest.state(['honest-d']);
    await rig.honest.send(1, 'honest-d', { value: 7 });
    await attackPauseMs(500);
    const before = await rig.device('honest-d');
    const hostile = await rig.sender('hostile');
    await hostile.state(['honest-d']);
    await hostile.send(1, 'honest-d', { value: 999 });
    await attackPauseMs(800);
    const after = await rig.device('honest-d');
    await hostile.client.endAsync(true);
    await rig.honest.state(['honest-d']);
    const isSame = after?.edge === 'honest' && after.values.every(({ value }) => value !== 999);
    return {
      held: before?.edge === 'honest' && isSame,
      detail: `edge ${before?.edge} became ${after?.edge}, values ${JSON.stringify(after?.values.map(({ value }) => value))}`,
    };
  },
} satisfies Attack;
