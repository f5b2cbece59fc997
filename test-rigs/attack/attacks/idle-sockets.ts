import { connect, type Socket } from 'node:net';
import { hj212PacketBytes, qnText } from '../../../drivers/hj212/testing/data-logger.ts';
import { exchangeBytes, LOGGER_PASSWORD, LOGGER_MN, type Attack } from '../rig.ts';

const COUNT = 1500;

export default {
  name: 'idle sockets at the HJ 212 port', clause: '1.9',
  async run(rig) {
    const sockets: Socket[] = [];
    for (let at = 0; at < COUNT; at += 1) {
      const socket = connect({ host: '127.0.0.1', port: rig.hj212Port });
      socket.on('error', () => socket.destroy());
      sockets.push(socket);
      if (at % 100 === 99) await new Promise<void>((resolve) => { socket.once('connect', resolve).once('close', resolve); });
    }
    const at = qnText(Date.now());
    const answer = await exchangeBytes(
      rig.hj212Port,
      hj212PacketBytes(
        `QN=${at};ST=22;CN=2011;PW=${LOGGER_PASSWORD};MN=${LOGGER_MN};Flag=5;CP=&&DataTime=${at.slice(0, 14)};a34004-Rtd=11.0,a34004-Flag=N&&`,
      ),
      4000,
    );
    for (const socket of sockets) socket.destroy();
    const isAnswered = answer.toString('latin1').includes('CN=9014');
    return { held: isAnswered, detail: `beside ${COUNT} idle sockets the real logger ${isAnswered ? 'is answered' : 'gets no answer'}` };
  },
} satisfies Attack;
