import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { attackPauseMs, type Attack } from '../rig.ts';

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
    // An edge that no other attack uses: what is told of one again soon after is only counted.
    const hostile = await rig.sender('liar');
    // Never asked for a picture here: whether it would be stands in the gateway's log.
    await hostile.state([], { http: 'http://192.0.2.1:80' });
    await attackPauseMs(300);
    const isRefused = readFileSync(join(rig.dir, 'gateway.txt'), 'utf8')
      .split('\n')
      .some((line) => line.includes('CV_EDGE_HTTP') && line.includes('192.0.2.1'));
    const devices = [{ id: 'liar-cam', driver: 'camera', online: true, reason: '', lastAt: Date.now(), pictures: true }];
    for (const http of [
      `http://127.0.0.2:${port}/admin?delete=all&x=`,
      `http://127.0.0.2:${port}/?x=`,
      `http://user:pw@127.0.0.2:${port}`,
    ]) {
      await hostile.state([], { http, devices });
      await rig.get('/api/v1/devices/liar-cam/picture');
      await rig.get('/api/v1/devices/liar-cam/live', { method: 'POST' });
    }
    await hostile.client.endAsync(true);
    victim.closeAllConnections();
    await new Promise<void>((resolve) => {
      victim.close(() => resolve());
    });
    return {
      held: asked.length === 0 && isRefused,
      detail:
        asked.length === 0
          ? `never asked; another machine's address ${isRefused ? 'refused' : 'taken'}`
          : `it was asked ${asked.join(', ')}`,
    };
  },
} satisfies Attack;
