import type { Attack } from '../rig.ts';

export default {
  name: 'live view asked for at the edge by any process', clause: '1.11',
  async run(rig) {
    const { status } = await rig.get('/live/logger', { method: 'POST' }, rig.edgeUrl);
    // 503: it tried, and the device is no camera.
    const isLetIn = status === 200 || status === 503;
    return { held: !isLetIn, detail: `answered ${status}${isLetIn ? ', as if it had been allowed' : ''}` };
  },
} satisfies Attack;
