import { exchangeBytes, portOf, type Attack } from '../rig.ts';

export default {
  name: 'a forged Host (DNS rebinding)', clause: '1.6',
  async run(rig) {
    const port = portOf(rig.gatewayUrl);
    const ask = async (host: string) =>
      (await exchangeBytes(port, `GET /api/v1/devices HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`))
        .toString('latin1')
        .slice(9, 12);
    const [own, forged] = [await ask(`127.0.0.1:${port}`), await ask(`rebound.attacker.example:${port}`)];
    return { held: own === '200' && forged !== '200', detail: `own host ${own}, forged host ${forged}` };
  },
} satisfies Attack;
