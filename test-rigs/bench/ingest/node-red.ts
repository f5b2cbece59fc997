/** A Node-RED flow as people build it: mqtt in → function (lines) → http request → VictoriaMetrics. */
import { BENCH_PASSWORD, BENCH_USER, startOpenMosquitto } from '../peers/mosquitto.ts';
import { startNodeRed } from '../peers/node-red.ts';
import { startVictoria } from '../peers/victoria.ts';
import type { Contender } from './contender.ts';
import { PEER_FILTER, peerRunning } from './peer-running.ts';

export const nodeRed: Contender = {
  name: 'node-red',
  method:
    'mosquitto → mqtt in (QoS 1) → function → http request (kept alive) → VictoriaMetrics; a write for each message; nothing is on disk when it counts',
  window: { single: 4000, batch: 100_000 },
  async start(rig) {
    const mosquitto = await startOpenMosquitto(rig);
    const victoria = await startVictoria(rig);
    const { program } = await startNodeRed(
      rig,
      [
        {
          id: 'broker',
          type: 'mqtt-broker',
          broker: '127.0.0.1',
          port: String(mosquitto.port),
          clientid: 'node-red',
          autoConnect: true,
          usetls: false,
          protocolVersion: '4',
          keepalive: '60',
          cleansession: true,
        },
        { id: 'in', type: 'mqtt in', topic: PEER_FILTER, qos: '1', datatype: 'json', broker: 'broker', wires: [['lines']] },
        {
          id: 'lines',
          type: 'function',
          outputs: 1,
          libs: [],
          wires: [['write']],
          func: `const events = Array.isArray(msg.payload) ? msg.payload : [msg.payload];
msg.payload = events.map(({ d, v, t }) => 'm,d=' + d + ' v=' + v + ' ' + t).join('\\n');
msg.method = 'POST';
msg.url = ${JSON.stringify(victoria.writeUrl)};
msg.headers = { 'content-type': 'text/plain' };
return msg;`,
        },
        {
          id: 'write',
          type: 'http request',
          method: 'use',
          ret: 'txt',
          paytoqs: 'ignore',
          url: '',
          tls: '',
          persist: true,
          proxy: '',
          authType: '',
          senderr: false,
          wires: [[]],
        },
      ],
      { broker: { user: BENCH_USER, password: BENCH_PASSWORD } },
    );
    return peerRunning(mosquitto, victoria, program);
  },
};
