import { exchangeBytes, portOf, type Attack } from '../rig.ts';

const PATHS = [
  '/../../../../etc/passwd',
  '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
  '/assets/..%2f..%2f..%2fpackage.json',
  '/api/v1/evidence/..%2f..%2fgateway.yaml',
  '/api/v1/devices/..%2f..%2fgateway.yaml/picture',
  '/assets/%00',
  '/..\\..\\package.json',
];

export default {
  name: 'paths that climb out of their folder', clause: 'own',
  async run(rig) {
    const leaked: string[] = [];
    for (const url of [rig.gatewayUrl, rig.edgeUrl]) {
      for (const path of PATHS) {
        const answer = (
          await exchangeBytes(portOf(url), `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${portOf(url)}\r\nconnection: close\r\n\r\n`)
        ).toString('latin1');
        if (answer.includes('root:') || answer.includes('attack-rig') || answer.includes('"dependencies"')) leaked.push(path);
      }
    }
    return { held: leaked.length === 0, detail: leaked.length === 0 ? 'none gave a file' : leaked.join(', ') };
  },
} satisfies Attack;
