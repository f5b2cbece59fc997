/**
 * A gateway's enrolment routes for tests, kept to the contract of the wire and to nothing else of the gateway: TLS, one-time
 * codes, the same answer for the same key, renewal signed by the old key. It keeps every body that was sent.
 */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, verify, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import { authorityDigest, base32, commonNameOf, issuerAmong, parseCertificates } from '../../../core/certificates.ts';
import { DAY_MS, type TestAuthority, type TestServer } from './test-authority.ts';

interface OpenCode {
  edge: string;
  /** Of the request that it was used for. */
  usedBy: string | null;
  replaces: string | undefined;
}

export interface EnrolmentServerOptions {
  authority: TestAuthority;
  /** What it shows of itself. */
  shows: TestServer;
  /** The gateway's clock, which the test sets. */
  nowMs(): number;
  lifeMs?: number;
  broker?: string;
}

type Answer = [status: number, body: unknown];

export class EnrolmentServer {
  readonly requests: { path: string; body: Record<string, string> }[] = [];
  readonly revoked = new Set<string>();
  /** PEM of what it hands out as CAs. */
  ca: string;
  /** In place of what it would say. */
  answerWith: ((answer: Answer) => Answer | string | 'hang up') | null = null;
  authority: TestAuthority;
  readonly commandKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string;
  readonly #options: EnrolmentServerOptions;
  readonly #codes = new Map<string, OpenCode>();
  readonly #issued = new Map<string, string>();
  readonly #server: Server;

  private constructor(options: EnrolmentServerOptions) {
    this.#options = options;
    this.authority = options.authority;
    this.ca = options.authority.pem;
    this.#server = createServer({ cert: options.shows.certPem, key: options.shows.keyPem, minVersion: 'TLSv1.2' }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('tlsClientError', () => {});
  }

  static async open(options: EnrolmentServerOptions): Promise<EnrolmentServer> {
    const server = new EnrolmentServer(options);
    await new Promise<void>((resolve) => { server.#server.listen(0, '127.0.0.1', resolve); });
    return server;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  show({ certPem, keyPem }: TestServer): void {
    this.#server.setSecureContext({ cert: certPem, key: keyPem, minVersion: 'TLSv1.2' });
  }

  code(edge: string, replaces?: string): string {
    const secret = base32(randomBytes(10));
    this.#codes.set(secret, { edge, usedBy: null, replaces });
    return `${secret}-${authorityDigest(parseCertificates(this.authority.pem)[0] as X509Certificate)}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => { this.#server.close(() => resolve()); });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    const body = JSON.parse(text) as Record<string, string>;
    const path = request.url ?? '';
    this.requests.push({ path, body });
    const real = path === '/api/v1/enrolment' ? await this.#enrol(body) : await this.#renew(body);
    const answer = this.answerWith?.(real) ?? real;
    if (answer === 'hang up') return void request.socket.destroy();
    response.setHeader('date', new Date(this.#options.nowMs()).toUTCString());
    if (typeof answer === 'string') return void response.end(answer);
    response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
  }

  async #enrol({ edge = '', code = '', csr = '', replaces }: Record<string, string>): Promise<Answer> {
    const open = this.#codes.get(code);
    const key = await keyOf(csr);
    if (!open || open.edge !== edge || open.replaces !== replaces) return refusal('TEST_UNKNOWN', 'no such code');
    if (open.usedBy !== null && open.usedBy !== key) return refusal('TEST_USED', 'the code was used by another key');
    open.usedBy = key;
    return this.#issue(csr, key, edge);
  }

  async #renew({ csr = '', certificate = '', signature = '' }: Record<string, string>): Promise<Answer> {
    const old = parseCertificates(certificate)[0] as X509Certificate;
    const edge = commonNameOf(old) ?? '';
    if (!issuerAmong(old, parseCertificates(this.ca))) return refusal('TEST_CA', 'not ours');
    const isItsKey = verify('sha256', Buffer.from(csr), old.publicKey, Buffer.from(signature, 'base64'));
    if (!isItsKey) return refusal('TEST_KEY', 'not by its key');
    if (this.revoked.has(edge)) return refusal('TEST_REVOKED', `${edge} is revoked`);
    return this.#issue(csr, await keyOf(csr), edge);
  }

  async #issue(csr: string, key: string, edge: string): Promise<Answer> {
    const nowMs = this.#options.nowMs();
    const life = { fromAt: nowMs, toAt: nowMs + (this.#options.lifeMs ?? 90 * DAY_MS) };
    const certificate = this.#issued.get(key) ?? (await this.authority.issue(csr, edge, life));
    this.#issued.set(key, certificate);
    const { broker = 'mqtts://127.0.0.1:8883' } = this.#options;
    return [200, { certificate, ca: this.ca, centre: '500112001', broker, commandKey: this.commandKey }];
  }
}

const refusal = (code: string, detail: string): Answer => [
  403,
  { type: 'about:blank', title: 'refused', status: 403, detail, code, remedy: 'ask for a new code' },
];

async function keyOf(csr: string): Promise<string> {
  const spki = Buffer.from(new Pkcs10CertificateRequest(csr).publicKey.rawData);
  createPublicKey({ key: spki, format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest('hex');
}
