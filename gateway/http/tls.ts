/** TLS in front of the HTTP server, on the same port as plaintext; and what becomes of plaintext from beyond this machine. */
import type { IncomingMessage, Server } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FaultError } from '../../core/faults.ts';
import { isLoopback } from '../../core/net.ts';
import type { TlsPort } from '../tls/tls-port.ts';
import '../tls/faults.ts';

export interface HttpTls {
  port: Pick<TlsPort, 'accept' | 'close'>;
  isPlaintextAllowed(): boolean;
}

/**
 * The server goes on listening by itself, so that its time-outs stay; its connections come to it when it is known what they
 * speak. To be called when all listeners for connections are there.
 */
export function serveTls(server: Server, { port }: HttpTls): void {
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    port.accept(socket, ({ stream }) => { for (const listener of listeners) listener.call(server, stream); });
  });
}

/**
 * @param proxies addresses and ranges, as configured: what they say of TLS is believed
 * @returns whether a request may not stay plaintext
 */
export function tlsNeed(
  { isPlaintextAllowed }: HttpTls,
  proxies: readonly string[],
): (request: Pick<IncomingMessage, 'socket'>) => boolean {
  const trusted = new BlockList();
  for (const one of proxies) {
    const [address = '', bits] = one.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(bits), family);
  }
  return ({ socket }) => {
    const isSecure = 'encrypted' in socket && socket.encrypted === true;
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    return !isSecure && !isLoopback(address) && !isPlaintextAllowed() && !trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  };
}

/** Tells a browser where to go. @throws CV_TLS_REQUIRED: what was sent is not sent once more by itself */
export function leadToTls(request: FastifyRequest, reply: FastifyReply): void {
  const { method, ip } = request;
  if (method !== 'GET' && method !== 'HEAD') throw new FaultError('CV_TLS_REQUIRED', { client: 'HTTP', address: ip });
  void reply.redirect(`https://${request.host}${request.url}`, 308);
}
