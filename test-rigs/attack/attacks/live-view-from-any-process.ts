import type { Attack } from '../rig.ts';

export default {
  name: 'live view asked for at the edge by any process', clause: '1.11',
  async run(rig) {
    const { status, body } = await rig.get('/live/logger', { method: 'POST' }, rig.edgeUrl);
    const isLetIn = status === 200 || (status === 503 && JSON.stringify(body).includes('CV_LIVE'));
    return { held: !isLetIn, detail: `answered ${status}${isLetIn ? ', as if it had been allowed' : ''}` };
  },
} satisfies Attack;
