/** Test doubles for the contract suite: a gauge that sends by itself, and bad peers. */
import { badTcpPeers, tcpPeer, type DriverDouble } from '../../../../drivers/testing/driver-double.ts';

const describe = (host: string, port: number) => ({ settings: { host, port } });

export const double: DriverDouble = {
  good: () => tcpPeer(describe, (socket) => { socket.write('>+001.850 +18.5 30\r>+001.900 +18.3 32\r>+001.850 +18.5 30\r'); }),
  ...badTcpPeers(describe, '>+001'),
};
