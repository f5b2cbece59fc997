import { exchangeBytes, type Attack } from '../rig.ts';

export default {
  name: '14 kB of `##9999&&0000` at the HJ 212 port', clause: '1.5',
  async run(rig) {
    const startedMs = performance.now();
    await Promise.all([
      exchangeBytes(rig.hj212Port, '##9999&&0000'.repeat(1200), 300),
      exchangeBytes(rig.hj212Port, `##9999${'&&0000##9999'.repeat(1200)}`, 300),
    ]);
    const { status } = await rig.get('/healthz', {}, rig.edgeUrl);
    const tookMs = Math.round(performance.now() - startedMs);
    return { held: status !== 0 && tookMs < 1500, detail: `the edge answers after ${tookMs} ms` };
  },
} satisfies Attack;
