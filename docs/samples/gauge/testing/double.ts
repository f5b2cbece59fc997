/** What the contract suite talks to: a gauge made from its protocol page, and the bad ones. */
import { badTcpPeers, tcpPeer, type DriverDouble } from '../../../../drivers/testing/driver-double.ts';

const describe = (host: string, port: number) => ({ settings: { host, port } });

export const double: DriverDouble = {
  good: () => tcpPeer(describe, (socket) => {
    socket.on('data', () => {
      const text = '+001.850 +18.5 ';
      const check = [...Buffer.from(text)].reduce((all, byte) => all ^ byte, 0);
      socket.write(`>${text}${check.toString(16).toUpperCase().padStart(2, '0')}\r`);
    });
  }),
  ...badTcpPeers(describe),
};
