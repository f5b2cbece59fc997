/**
 * One port for TLS and for plaintext: the first byte says which it is. A TLS connection begins with a handshake record (22;
 * RFC 8446, 5.1); no MQTT packet and no HTTP request does. So an upgrade of a gateway changes no address, and whoever may not
 * speak plaintext any more can be told so in words of the protocol.
 */
import type { X509Certificate } from 'node:crypto';
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { World } from '../../core/world.ts';
import { Arrivals } from '../broker/arrivals.ts';
import type { ServerCertificate } from './certificates.ts';

export interface TlsPortOptions {
  certificate: ServerCertificate;
  /** PEM of the CAs by which clients are known. Absent: no certificate is asked for. */
  clientAuthorities?: string;
}

/** A connection of which it is known what it speaks. */
export interface AcceptedConnection {
  stream: Socket | TLSSocket;
  isSecure: boolean;
  /** What the client has shown; its key was proved, nothing else was judged. */
  certificate: X509Certificate | null;
}

const HANDSHAKE_RECORD = 22;
/** To the first byte, and from there to the end of the handshake. */
const MAX_WAIT_MS = 10_000;
/** Connections that have not come so far. */
const MAX_WAITING = 1000;

export class TlsPort {
  readonly #server: Server;
  readonly #asksForCertificate: boolean;
  readonly #taken = new WeakMap<Socket, (connection: AcceptedConnection) => void>();
  readonly #waiting = new Arrivals<Socket>((socket) => socket.destroy());
  readonly #clock: Pick<World['clock'], 'after'>;
  readonly #sockets = new Set<Socket>();
  #waitingCount = 0;

  constructor({ certificate, clientAuthorities }: TlsPortOptions, clock: Pick<World['clock'], 'after'>) {
    this.#clock = clock;
    this.#asksForCertificate = clientAuthorities !== undefined;
    this.#server = createServer({
      ...contextOf({ certificate, ...(clientAuthorities !== undefined && { clientAuthorities }) }),
      requestCert: this.#asksForCertificate,
      // Judged by us, with a reason that can be told.
      rejectUnauthorized: false,
      handshakeTimeout: MAX_WAIT_MS,
    });
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#server.on('secureConnection', (stream) => this.#secured(stream));
    // Without a listener it would end the process.
    this.#server.on('error', () => {});
  }

  /** For connections from now on. */
  setContext(options: TlsPortOptions): void {
    this.#server.setSecureContext(contextOf(options));
  }

  /** @param take called once, unless the other side goes, says nothing or does not finish its handshake */
  accept(socket: Socket, take: (connection: AcceptedConnection) => void): void {
    const leave = this.#wait(socket.remoteAddress ?? '', socket);
    const late = this.#clock.after(MAX_WAIT_MS, () => socket.destroy());
    // One that stays: an error before somebody else listens ends no process.
    socket.on('error', () => {});
    const gone = () => {
      late.cancel();
      leave();
    };
    socket.once('close', gone);
    socket.once('data', (first: Buffer) => {
      socket.pause();
      late.cancel();
      socket.unshift(first);
      const go = (connection: AcceptedConnection): void => {
        leave();
        socket.removeListener('close', gone);
        take(connection);
      };
      if (first[0] !== HANDSHAKE_RECORD) {
        go({ stream: socket, isSecure: false, certificate: null });
        socket.resume();
        return;
      }
      this.#taken.set(socket, go);
      this.#server.emit('connection', socket);
    });
  }

  /** @returns whether one that has not come so far gave way */
  makeRoom(): boolean {
    return this.#waiting.makeRoom();
  }

  /** Lets go of connections that have not come so far: a server waits for all of its own when it closes. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #secured(stream: TLSSocket): void {
    const socket = (stream as unknown as { _parent?: Socket })._parent;
    const go = socket && this.#taken.get(socket);
    if (!go) return void stream.destroy();
    stream.on('error', () => {});
    go({ stream, isSecure: true, certificate: (this.#asksForCertificate && shownBy(stream)) || null });
  }

  /** @returns to be called when it waits no more */
  #wait(address: string, socket: Socket): () => void {
    this.#waitingCount += 1;
    if (this.#waitingCount > MAX_WAITING) this.#waiting.makeRoom();
    this.#waiting.add(address, socket);
    this.#sockets.add(socket);
    let isWaiting = true;
    return () => {
      if (!isWaiting) return;
      isWaiting = false;
      this.#waitingCount -= 1;
      this.#waiting.remove(address, socket);
      this.#sockets.delete(socket);
    };
  }
}

function contextOf({ certificate, clientAuthorities }: TlsPortOptions) {
  return {
    key: certificate.keyPem, cert: certificate.certificatePem, minVersion: 'TLSv1.2' as const,
    ...(clientAuthorities !== undefined && { ca: clientAuthorities }),
    // A session that is resumed would bring no certificate that can be judged anew.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: 'cityvitals',
  };
}

/** A stranger may show what Node cannot read: then it is as none. */
function shownBy(stream: TLSSocket): X509Certificate | null {
  try {
    return stream.getPeerX509Certificate() ?? null;
  } catch {
    return null;
  }
}
