/** A real MQTT broker behind TLS that asks for a certificate, as a gateway's does, by the clock of the test. */
import type { Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { X509Certificate } from 'node:crypto';
import { Aedes } from 'aedes';
import { commonNameOf, issuerAmong, parseCertificates, validityOf } from '../../../core/certificates.ts';
import type { TestServer } from './test-authority.ts';

export interface TlsBrokerOptions {
  shows: TestServer;
  /** PEM of the CAs of edges. */
  ca: string;
  nowMs(): number;
}

export class TlsBroker {
  /** Serial numbers of the certificates that came in, '' for none; newest last. */
  readonly arrivals: string[] = [];
  /** What came of applications, in bytes: of those that were let in, and of those that were not. */
  bytes = 0;
  /** User and password of each CONNECT. */
  readonly logins: [user: string, password: string | null][] = [];
  options: TlsBrokerOptions;
  needsCertificate = true;
  readonly #broker: Aedes;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  private constructor(broker: Aedes, options: TlsBrokerOptions) {
    this.#broker = broker;
    this.options = options;
    broker.authenticate = (_client, user, password, done) => {
      this.logins.push([user ?? '', password ? String(password) : null]);
      done(null, true);
    };
    const { certPem: cert, keyPem: key } = options.shows;
    this.#server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' }, (socket) => {
      this.#accept(socket);
    });
    this.#server.on('tlsClientError', () => {});
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    });
  }

  static async open(options: TlsBrokerOptions): Promise<TlsBroker> {
    const broker = new TlsBroker(await Aedes.createBroker(), options);
    await new Promise<void>((resolve) => { broker.#server.listen(0, '127.0.0.1', resolve); });
    return broker;
  }

  get url(): string {
    return `mqtts://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  show({ certPem, keyPem }: TestServer): void {
    this.#server.setSecureContext({ cert: certPem, key: keyPem, minVersion: 'TLSv1.2' });
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => { this.#broker.close(resolve); });
    this.#server.close();
  }

  #accept(socket: TLSSocket): void {
    socket.on('error', () => {});
    const raw = socket.getPeerCertificate().raw as Buffer | undefined;
    const certificate = raw && new X509Certificate(raw);
    this.arrivals.push(certificate?.serialNumber ?? '');
    socket.on('data', (data) => { this.bytes += data.length; });
    if (this.needsCertificate && !(certificate && this.#isAccepted(certificate))) return void socket.destroy();
    this.#broker.handle(socket);
  }

  #isAccepted(certificate: X509Certificate): boolean {
    const { notBeforeAt, notAfterAt } = validityOf(certificate);
    const nowMs = this.options.nowMs();
    return (
      issuerAmong(certificate, parseCertificates(this.options.ca)) !== null && commonNameOf(certificate) !== null &&
      nowMs >= notBeforeAt && nowMs <= notAfterAt
    );
  }
}
