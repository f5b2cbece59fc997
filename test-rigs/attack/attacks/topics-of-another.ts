import { ATTACK_CENTRE, type Attack } from '../rig.ts';

export default {
  name: 'publishing and listening in the topics of another edge', clause: 'own',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    const granted = (
      await hostile.client
        .subscribeAsync([`cv/v1/in/${ATTACK_CENTRE}/honest/ack`, 'cv/v1/in/+/+/cmd', '#', '$SYS/#'], { qos: 1 })
        .catch(() => [])
    ).filter(({ qos }) => qos < 128);
    const closed = new Promise<boolean>((resolve) => {
      hostile.client.once('close', () => resolve(true));
      setTimeout(() => resolve(false), 2000);
    });
    hostile.client.publish(
      `cv/v1/in/${ATTACK_CENTRE}/honest/ack`,
      JSON.stringify({
        v: 1,
        stream: 'measurement',
        epoch: rig.honest.epoch,
        upTo: 1_000_000_000,
        have: [],
        refused: [],
        gateway: 'x',
        at: 1,
      }),
      { qos: 1 },
    );
    const isGone = await closed;
    const isHeard = rig.honest.answers.some((answer) => answer.upTo === 1_000_000_000);
    await hostile.client.endAsync(true);
    return {
      held: granted.length === 0 && isGone && !isHeard,
      detail: `${granted.length} filters granted; ${isGone ? 'let go' : 'kept'}; the forged ack ${isHeard ? 'arrived' : 'did not arrive'}`,
    };
  },
} satisfies Attack;
