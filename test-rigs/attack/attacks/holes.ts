import { encodeBatch } from '../../../core/wire/batch.ts';
import { draftOf, type Attack } from '../rig.ts';

export default {
  name: '2,000 holes in one stream, and 500 epochs', clause: 'own',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    for (let count = 1; count <= 2000; count += 1)
      hostile.publish('up', encodeBatch({ from: 'hostile', stream: 'measurement', epoch: 77, seq: count * 2 }, [draftOf('hostile-d')]));
    for (let epoch = 1000; epoch < 1500; epoch += 1)
      hostile.publish('up', encodeBatch({ from: 'hostile', stream: 'measurement', epoch, seq: 1 }, [draftOf('hostile-d')]));
    const tookMs = await rig.honest.send(1, 'honest-d');
    await hostile.client.endAsync(true);
    return { held: tookMs !== null && tookMs < 1500, detail: `honest ack after ${Math.round(tookMs ?? Infinity)} ms` };
  },
} satisfies Attack;
