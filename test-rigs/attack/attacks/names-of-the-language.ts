import { encodeBatch } from '../../../core/wire/batch.ts';
import { draftOf, attackPauseMs, type Attack } from '../rig.ts';

const NAMES = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '../../etc',
  'a b',
  '',
  'x'.repeat(100_000),
  '<img src=x onerror=alert(1)>',
  'a\u0000b',
  'a\nb',
  '\ud800',
];

export default {
  name: 'devices and points that are named like something else', clause: 'own',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    for (const name of NAMES) {
      for (const over of [{ device: name }, { point: name }, { indicator: name }, { subject: name }]) {
        hostile.publish(
          'up',
          encodeBatch({ from: 'hostile', stream: 'measurement', epoch: hostile.epoch, seq: hostile.seq++ }, [
            { ...draftOf('hostile-d'), ...over },
          ]),
        );
      }
      await hostile.state([name]);
    }
    await attackPauseMs(500);
    const answers = await Promise.all(
      NAMES.filter((name) => name !== '' && name.isWellFormed()).map((name) => rig.get(`/api/v1/devices/${encodeURIComponent(name)}`)),
    );
    const wrong = answers.filter(({ status }) => status === 0 || status >= 500).length;
    const honest = await rig.device('honest-d');
    const tookMs = await rig.honest.send(1, 'honest-d');
    await hostile.client.endAsync(true);
    return {
      held: wrong === 0 && honest?.edge === 'honest' && tookMs !== null,
      detail: `${answers.length} looked up, ${wrong} of them answered wrongly; honest ack after ${Math.round(tookMs ?? Infinity)} ms`,
    };
  },
} satisfies Attack;
