import { encodeBatch } from '../../../core/wire/batch.ts';
import { draftOf, attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: 'a batch that names another edge as its sender', clause: 'own',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    // Far above what the honest edge has sent: if it were taken, a hole would be acknowledged to it.
    hostile.publish(
      'up',
      encodeBatch({ from: 'honest', stream: 'measurement', epoch: rig.honest.epoch, seq: 1_000_000 }, [draftOf('honest-d')]),
    );
    await attackPauseMs(500);
    await rig.honest.send(1, 'honest-d');
    const refused = hostile.answers.some((answer) => answer.error === 'CV_WIRE_SENDER');
    const polluted = rig.honest.answers.some((answer) => JSON.stringify(answer.have ?? []).includes('1000000'));
    await hostile.client.endAsync(true);
    return {
      held: refused && !polluted,
      detail: polluted ? 'it stands in the marks of the other edge' : refused ? 'refused' : 'not answered',
    };
  },
} satisfies Attack;
