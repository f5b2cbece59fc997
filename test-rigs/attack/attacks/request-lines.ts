import { exchangeBytes, portOf, type Attack } from '../rig.ts';

const LINES = [
  'GET //: HTTP/1.1',
  'GET http://: HTTP/1.1',
  'GET /tap/%ff HTTP/1.1',
  'GET /frames/%E0%A4 HTTP/1.1',
  'POST //:/live/a HTTP/1.1',
  'GET /api/v1/devices/%ff HTTP/1.1',
  'GET /api/v1/devices/%E0%A4/picture HTTP/1.1',
  'CONNECT //: HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'GET',
];

export default {
  name: 'request lines that are no URL', clause: '1.1',
  async run(rig) {
    const failed: string[] = [];
    for (const url of [rig.edgeUrl, rig.gatewayUrl]) {
      for (const line of LINES) {
        const answer = (
          await exchangeBytes(portOf(url), `${line}\r\nhost: 127.0.0.1:${portOf(url)}\r\nconnection: close\r\n\r\n`)
        ).toString('latin1');
        if (answer.startsWith('HTTP/1.1 5')) failed.push(`${line}: ${answer.slice(9, 12)}`);
      }
    }
    return {
      held: failed.length === 0 && rig.edge.running && rig.gateway.running,
      detail: failed.length === 0 ? `${2 * LINES.length} lines, none a 5xx` : failed.join('; '),
    };
  },
} satisfies Attack;
