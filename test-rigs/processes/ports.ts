/** Free ports on loopback: the wished one when nobody has it, else any. */
import { createServer, type AddressInfo } from 'node:net';

export async function freePort(wished = 0): Promise<number> {
  return (await tryPort(wished)) ?? ((await tryPort(0)) as number);
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => {
      const got = (server.address() as AddressInfo).port;
      server.close(() => resolve(got));
    });
  });
}
