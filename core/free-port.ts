/** Free ports on loopback, for programs that have to know theirs before they listen: the wished one when nobody has it, else any. */
import { realNet } from './net.ts';

export async function freePort(wished = 0): Promise<number> {
  const listen = (port: number) => realNet.listen({ host: '127.0.0.1', port }, (socket) => { socket.destroy(); });
  const { port, close } = await listen(wished).catch(() => listen(0));
  await close();
  return port;
}
