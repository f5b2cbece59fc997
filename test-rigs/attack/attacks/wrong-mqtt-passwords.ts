import { rawConnect } from '../../../core/testing/raw-mqtt.ts';
import type { Attack } from '../rig.ts';

export default {
  name: 'wrong passwords at the broker, then the right one', clause: '1.8',
  async run(rig) {
    const guess = (count: number) =>
      rawConnect(rig.brokerPort, { clientId: 'cv-hostile', user: 'hostile', password: `guess-${count}` }).then(
        ({ socket }) => {
          socket.destroy();
          return true;
        },
        () => false,
      );
    const startedMs = performance.now();
    const guessed = (await Promise.all(Array.from({ length: 60 }, (_, count) => guess(count)))).filter(Boolean).length;
    const tookMs = Math.round(performance.now() - startedMs);
    for (let turn = 0; turn < 5; turn += 1) {
      const sender = await rig.sender('hostile').catch(() => null);
      if (!sender) continue;
      await sender.client.endAsync(true);
      return { held: guessed === 0 && tookMs > 1000, detail: `60 guesses took ${tookMs} ms, and the owner gets in` };
    }
    return { held: false, detail: 'the owner does not get in any more' };
  },
} satisfies Attack;
