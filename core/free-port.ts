/** Free ports on loopback, for programs that have to know theirs before they listen: the wished one when nobody has it, else any. */
import { randomInt } from 'node:crypto';
import { realNet } from './net.ts';

/**
 * Below the ports that systems give to whoever dials or asks for any (Linux: from 32768, others: from 49152). One of
 * those could be somebody else's by the time that its program listens, or be dialled by itself: a connection to it
 * whose own port happens to be the same opens without anybody there.
 */
const FROM = 20_000;
const TO = 32_768;
const ATTEMPTS = 100;

/** None twice in one process. */
const given = new Set<number>();

export async function freePort(wished = 0): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = attempt === 0 && wished !== 0 ? wished : randomInt(FROM, TO);
    if (port !== wished && given.has(port)) continue;
    if (!(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  const { port, close } = await listen(0);
  await close();
  return port;
}

const listen = (port: number) => realNet.listen({ host: '127.0.0.1', port }, (socket) => { socket.destroy(); });

async function isFree(port: number): Promise<boolean> {
  try {
    await (await listen(port)).close();
    return true;
  } catch {
    return false;
  }
}
