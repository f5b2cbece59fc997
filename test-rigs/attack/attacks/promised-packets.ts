import { connect, type Socket } from 'node:net';
import { attackPauseMs, type Attack } from '../rig.ts';

const CONNECTIONS = 100;
/** CONNECT, with a remaining length of 268,435,455 bytes, the most that MQTT can say (2.2.3). */
const PROMISE = Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]);

export default {
  name: '100 connections that promise packets of 256 MB', clause: 'own',
  async run(rig) {
    const beforeMB = rig.rssMB(rig.gateway);
    const sockets: Socket[] = [];
    let closed = 0;
    for (let count = 0; count < CONNECTIONS; count += 1) {
      const socket = connect({ host: '127.0.0.1', port: rig.brokerPort }, () => {
        socket.write(Buffer.concat([PROMISE, Buffer.alloc(64 << 10)]));
      });
      socket
        .on('error', () => socket.destroy())
        .on('close', () => {
          closed += 1;
        });
      sockets.push(socket);
    }
    await attackPauseMs(1500);
    const moreMB = rig.rssMB(rig.gateway) - beforeMB;
    const tookMs = await rig.honest.send(1, 'honest-d');
    for (const socket of sockets) socket.destroy();
    return {
      held: closed === CONNECTIONS && moreMB < 100 && tookMs !== null && tookMs < 1500,
      detail: `${closed} of ${CONNECTIONS} closed, ${moreMB} MB more, honest ack after ${Math.round(tookMs ?? Infinity)} ms`,
    };
  },
} satisfies Attack;
