import { request, type ClientRequest } from 'node:http';
import type { Attack } from '../rig.ts';

export default {
  name: '500 viewers of one address, and 64 half requests', clause: '1.10',
  async run(rig) {
    const viewers: ClientRequest[] = [];
    let [open, refused] = [0, 0];
    await Promise.all(Array.from({ length: 500 }, () => new Promise<void>((resolve) => {
      const viewer = request(`${rig.gatewayUrl}/api/v1/live`, { agent: false }, (response) => {
        if (response.statusCode === 200) open += 1;
        else refused += 1;
        response.on('error', () => {});
        response.resume();
        resolve();
      });
      viewer.on('error', () => resolve());
      viewer.setTimeout(5000, () => viewer.destroy());
      viewer.end();
      viewers.push(viewer);
    })));
    const half = Array.from({ length: 64 }, () => {
      const one = request(`${rig.gatewayUrl}/healthz`, { agent: false, method: 'POST', headers: { 'content-length': '10' } });
      one.on('error', () => {});
      one.write('x');
      return one;
    });
    const { status } = await rig.get('/healthz');
    for (const one of [...viewers, ...half]) one.destroy();
    return { held: open < 500 && status === 200, detail: `${open} viewers let in, ${refused} refused; healthz ${status}` };
  },
} satisfies Attack;
