/** A gateway that listens beside loopback: what comes from there in plaintext has the right words, and gets nothing. */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { freePort } from '../../../core/free-port.ts';
import { ownAddress } from '../../processes/own-address.ts';
import { tokenOf, type Attack } from '../rig.ts';

const READER = 'reader-token-of-the-attack-rig';

export default {
  name: 'plaintext from beyond the machine, with tokens that are right', clause: 'own',
  async run(rig) {
    const host = ownAddress();
    if (host === null) return { held: true, detail: 'not tried: this machine has no address beside loopback' };
    const [broker, http] = [await freePort(), await freePort()];
    const beyond = await rig.startGateway('beyond', {
      gateway: 'beyond', tls: { dir: './certificates' },
      broker: { embedded: { host, port: broker, edges: [{ id: 'hostile', token: tokenOf('hostile') }] } },
      http: { host, port: http, readers: [{ name: 'reader', token: READER }] },
    });
    try {
      const options = {
        clientId: 'cv-hostile', username: 'hostile', password: tokenOf('hostile'), protocolVersion: 4 as const, reconnectPeriod: 0,
        ca: await readFile(join(rig.dir, 'beyond', 'certificates', 'ca.pem'), 'utf8'),
      };
      const come = (scheme: string): Promise<string> =>
        mqtt.connectAsync(`${scheme}://${host}:${broker}`, options).then(
          async (client) => { await client.endAsync(true); return 'in'; },
          (error: { code?: number | string }) => String(error.code ?? error),
        );
      const ask = async (method: string): Promise<string> => {
        const headers = { authorization: `Bearer ${READER}` };
        const { status, body } = await rig.get('/api/v1/status', { method, headers }, `http://${host}:${http}`);
        return `${status}${typeof body === 'object' && body !== null && 'code' in body ? ` ${String(body.code)}` : ''}`;
      };
      const upgrade = [
        'GET /api/v1/devices/cam/live HTTP/1.1', `host: ${host}:${http}`, `authorization: Bearer ${READER}`, 'connection: Upgrade',
        'upgrade: websocket', 'sec-websocket-version: 13', 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==', '', '',
      ].join('\r\n');
      const found = [
        `MQTT ${await come('mqtt')}`, `GET ${await ask('GET')}`, `POST ${await ask('POST')}`,
        `WebSocket ${await statusOfRequest(host, http, upgrade)}`, `MQTT over TLS ${await come('mqtts')}`,
      ];
      const isHeld = found.join() === 'MQTT 5,GET 308,POST 403 CV_TLS_REQUIRED,WebSocket 403,MQTT over TLS in';
      return { held: isHeld, detail: found.join(', ') };
    } finally {
      await beyond.stop();
    }
  },
} satisfies Attack;

/** @returns the status of the answer to a request by hand */
function statusOfRequest(host: string, port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => socket.write(request));
    let text = '';
    socket.on('data', (part) => { text += String(part); socket.end(); });
    socket.on('error', () => socket.destroy());
    socket.setTimeout(3000, () => socket.destroy());
    socket.on('close', () => resolve(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 'no answer'));
  });
}
