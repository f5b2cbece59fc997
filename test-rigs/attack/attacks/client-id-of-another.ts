import mqtt from 'mqtt';
import { attackPauseMs, tokenOf, type Attack } from '../rig.ts';

export default {
  name: 'connecting under the client id of another edge, or of the gateway', clause: 'own',
  async run(rig) {
    const refused: boolean[] = [];
    for (const clientId of ['cv-honest', 'gateway:attacked:in', 'gateway:attacked']) {
      const client = await mqtt
        .connectAsync(rig.brokerUrl, {
          clientId,
          username: 'hostile',
          password: tokenOf('hostile'),
          protocolVersion: 4,
          reconnectPeriod: 0,
          connectTimeout: 3000,
        })
        .catch(() => null);
      refused.push(client === null);
      await client?.endAsync(true);
    }
    await attackPauseMs(300);
    const tookMs = rig.honest.client.connected ? await rig.honest.send(1, 'honest-d') : null;
    return {
      held: refused.every(Boolean) && tookMs !== null,
      detail: `${refused.filter(Boolean).length} of ${refused.length} refused; the honest edge ${tookMs === null ? 'was pushed out' : 'stays'}`,
    };
  },
} satisfies Attack;
