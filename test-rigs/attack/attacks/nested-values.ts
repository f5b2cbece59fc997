import { attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: '180 batches with a value nested 50,000 deep', clause: '1.3',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    for (let seq = 1; seq <= 180; seq += 1)
      hostile.publish(
        'up',
        `{"v":1,"from":"hostile","stream":"measurement","epoch":9,"seq":${seq},"events":[{"device":"d","point":"p","value":${nested}}]}`,
      );
    const tookMs = await rig.honest.send(1, 'honest-d');
    await attackPauseMs(1000);
    const refused = hostile.answers.filter((answer) => 'error' in answer).length;
    await hostile.client.endAsync(true);
    const { status } = await rig.get('/healthz');
    return {
      held: tookMs !== null && tookMs < 2000 && status === 200 && refused > 0,
      detail: `honest ack after ${Math.round(tookMs ?? Infinity)} ms, ${refused} refused, healthz ${status}`,
    };
  },
} satisfies Attack;
