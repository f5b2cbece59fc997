import { attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: '20,000 invented devices', clause: '1.11',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    await hostile.state(Array.from({ length: 20_000 }, (_, index) => `invented-${index}`));
    await attackPauseMs(1500);
    const tookMs: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      const startedMs = performance.now();
      await rig.device('honest-d');
      tookMs.push(performance.now() - startedMs);
    }
    const list = await rig.get('/api/v1/devices?edge=hostile&limit=1000');
    await hostile.state([]);
    await hostile.client.endAsync(true);
    const median = Math.round((tookMs.toSorted((a, b) => a - b)[10] ?? Infinity) * 10) / 10;
    return { held: median < 20 && list.status === 200, detail: `a look-up takes ${median} ms` };
  },
} satisfies Attack;
