import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pauseMs, type Attack } from '../rig.ts';

export default {
  name: 'an edge states the address, path and query of somebody else', clause: '1.7',
  async run(rig) {
    const asked: string[] = [];
    const victim = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end('{}');
    });
    await new Promise<void>((resolve) => { victim.listen(0, '127.0.0.2', () => resolve()); });
    const { port } = victim.address() as AddressInfo;
    const hostile = await rig.sender('hostile');
    const devices = [{ id: 'hostile-cam', driver: 'camera', online: true, reason: '', lastAt: Date.now(), pictures: true }];
    for (const http of [`http://127.0.0.2:${port}/admin?delete=all&x=`, `http://127.0.0.2:${port}`, `http://user:pw@127.0.0.2:${port}`]) {
      await hostile.state([], { http, devices });
      await rig.get('/api/v1/devices/hostile-cam/picture');
      await rig.get('/api/v1/devices/hostile-cam/live', { method: 'POST' });
    }
    await pauseMs(200);
    await hostile.client.endAsync(true);
    victim.closeAllConnections();
    await new Promise<void>((resolve) => { victim.close(() => resolve()); });
    return { held: asked.length === 0, detail: asked.length === 0 ? 'it was never asked' : `it was asked ${asked.join(', ')}` };
  },
} satisfies Attack;
