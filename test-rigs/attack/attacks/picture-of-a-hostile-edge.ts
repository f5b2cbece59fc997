import { attackPauseMs, type Attack } from '../rig.ts';

export default {
  name: 'a picture asked at the address that an edge states', clause: '1.1',
  async run(rig) {
    const hostile = await rig.sender('hostile');
    await hostile.state(['hostile-cam'], {
      http: `${rig.edgeUrl}//:`,
      devices: [{ id: 'hostile-cam', driver: 'camera', online: true, reason: '', lastAt: Date.now(), pictures: true }],
    });
    const { status } = await rig.get('/api/v1/devices/hostile-cam/picture');
    await attackPauseMs(300);
    await hostile.client.endAsync(true);
    return {
      held: rig.edge.running && rig.gateway.running && status !== 200,
      detail: `status ${status}; edge ${rig.edge.running ? 'runs' : 'has ended'}`,
    };
  },
} satisfies Attack;
