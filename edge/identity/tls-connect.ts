/**
 * A TLS connection to a gateway of which the certificate was judged before the first byte of ours goes out. Node's own
 * refusal goes by the system's clock; here it is by ours, and by what that is worth.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import type { HostPort } from '../../core/net.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { knownTime, serverFault } from './judge-identity.ts';
import './faults.ts';

export interface TlsOptions {
  /** PEM of the CAs; those that Node knows when absent: then all goes by the system's clock. */
  ca?: string | undefined;
  authorities?: readonly X509Certificate[] | undefined;
  /** What this box shows of itself. */
  key?: string | undefined;
  cert?: string | undefined;
  /** In place of the CAs: judges what was presented. */
  judge?: ((presented: readonly X509Certificate[]) => Fault | null) | undefined;
}

/** A chain is no longer than this, whatever a server presents. */
const MAX_CHAIN = 8;

export const addressOf = ({ host, port }: HostPort): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Of a URL with a host; IPv6 without its brackets. */
export const hostPortOf = (url: URL, defaultPort: number): HostPort => ({
  host: url.hostname.replaceAll(/[[\]]/g, ''),
  port: Number(url.port) || defaultPort,
});

/**
 * @returns a socket on which nothing was said yet; errors of it are the caller's from then on
 * @throws CV_TLS_FAILED, CV_SERVER_UNTRUSTED, CV_SERVER_NAME, CV_SERVER_DATES, or what `judge` said
 */
export function connectTls(target: HostPort, options: TlsOptions, clock: World['clock'], signal: AbortSignal): Promise<TLSSocket> {
  const { host, port } = target;
  const address = addressOf(target);
  const isJudgedHere = options.judge !== undefined || options.authorities !== undefined;
  return new Promise((resolve, reject) => {
    const { key, cert, ca } = options;
    let socket: TLSSocket;
    const failed = (detail: string) => new FaultError('CV_TLS_FAILED', { address, detail });
    const end = (error: Error) => {
      signal.removeEventListener('abort', abort);
      reject(error);
      socket?.destroy();
    };
    const abort = () => end(failed('ETIMEDOUT'));
    try {
      socket = connect({
        host, port, key, cert, ca, minVersion: 'TLSv1.2',
        ...(isIP(host) === 0 && { servername: host }),
        rejectUnauthorized: !isJudgedHere,
      });
    } catch (error) {
      // A key or a certificate that OpenSSL does not take.
      return reject(failed((error as Error).message));
    }
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    const refused = (error: NodeJS.ErrnoException) => end(tlsError(error, address));
    const closed = () => end(failed('ECONNRESET'));
    // One that stays: an error after the handshake, before somebody else listens, ends no process.
    socket.on('error', () => {}).once('error', refused).once('close', closed);
    socket.once('secureConnect', () => {
      const fault = isJudgedHere ? judgePresented(socket, target, options, knownTime(clock)) : null;
      if (fault) return end(new FaultError(fault.code, fault.params));
      signal.removeEventListener('abort', abort);
      socket.off('error', refused).off('close', closed).setNoDelay(true);
      resolve(socket);
    });
  });
}

/** What a stranger presents may be beyond what Node can read: then it is none that we trust, and no end of the process. */
function judgePresented(socket: TLSSocket, target: HostPort, options: TlsOptions, nowAt: number | null): Fault | null {
  try {
    return presentedFault(socket, target, options, nowAt);
  } catch (error) {
    return { code: 'CV_SERVER_UNTRUSTED', params: { address: addressOf(target), detail: (error as Error).message } };
  }
}

function presentedFault(socket: TLSSocket, { host, port }: HostPort, options: TlsOptions, nowAt: number | null): Fault | null {
  const address = addressOf({ host, port });
  const presented = presentedChain(socket);
  const [certificate] = presented;
  const none = { detail: 'it shows none', detailZh: '未出示证书' };
  if (!certificate) return { code: 'CV_SERVER_UNTRUSTED', params: { address, ...none } };
  const fault = options.judge?.(presented) ?? null;
  if (fault || !options.authorities) return fault;
  return serverFault({ certificate, address, host, isVerified: socket.authorized }, options.authorities, nowAt);
}

/** The server's own first. A chain that leads back into itself ends there. */
function presentedChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let at: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (at?.raw && chain.length < MAX_CHAIN) {
    chain.push(new X509Certificate(at.raw));
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
  }
  return chain;
}

/** Node's codes for what OpenSSL says of a chain. */
const UNTRUSTED = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_|ERR_TLS_CERT_)/;

function tlsError(error: NodeJS.ErrnoException & { errors?: Error[] }, address: string): FaultError {
  const detail = error.code === undefined || error.code === 'ERR_SSL_WRONG_VERSION_NUMBER' ? error.message : error.code;
  if (UNTRUSTED.test(error.code ?? '')) return new FaultError('CV_SERVER_UNTRUSTED', { address, detail });
  return new FaultError('CV_TLS_FAILED', { address, detail: detail || error.errors?.map(({ message }) => message).join('; ') || 'closed' });
}
