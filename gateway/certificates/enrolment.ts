/**
 * Enrolment of edges: one-time codes, certificates by a code, renewal by the certificate before, revocation; and who an edge
 * is by the certificate that it shows. What is answered is on disk first, so that a box that was cut off asks again.
 */
import { randomUUID, verify, X509Certificate } from 'node:crypto';
import { authorityDigest, base32, commonNameOf, issuerAmong, parseCertificates, validityOf } from '../../core/certificates.ts';
import { FaultError, faultOf, type Fault, type FaultCode, type FaultParams } from '../../core/faults.ts';
import { networkOf } from '../../core/net.ts';
import { RateLimit } from '../../core/rate-limit.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import { NO_AUDIT, type Audit } from '../people/audit.ts';
import { digestOf } from '../people/secret.ts';
import type { JsonRowsFile } from '../sqlite/json-rows.ts';
import type { CertifiedEdge, EdgeCertificates } from '../tls/certificates.ts';
import type { CertificateAuthority } from './authority.ts';
import { centresOfCertificate, issueEdge, keyDigestOf, readSigningRequest, type SigningRequest } from './issuing.ts';
import { certificateRecord, codeRecord } from './records.ts';
import type { CertificateChange, CertificateRecord, CertificateTable, CodeRecord } from './records.ts';
import '../people/faults.ts';
import './faults.ts';

const DAY_MS = 86_400_000;
/** 80 bits: 16 characters of RFC 4648. */
const SECRET_BYTES = 10;
const MAX_CODES = 5000;
/** Wrong codes and signatures from one network, a minute. */
const MAX_WRONG = 30;
/** Certificates of one edge within a day: more is two boxes with one identity, or one that cannot write. */
const MAX_A_DAY = 20;
const REFRESH_MS = DAY_MS;

export interface EdgeEnrolmentOptions {
  authority: CertificateAuthority;
  file: JsonRowsFile<CertificateTable>;
  /** Of a certificate, and how long after its end it may still ask for another. */
  lifeMs: number;
  graceMs: number;
  /** The CA by which a box knows this gateway, where its certificate is not of our own CA. */
  serverAuthority?(): X509Certificate | null;
  audit?: Audit;
  /** One edge takes the place of another: its devices are its own from now on. Asked again where that was cut off. */
  replaced?(before: string, after: string): Promise<void>;
}

export interface EnrolledEdge {
  readonly edge: string;
  /** That it speaks for. */
  readonly centres: readonly string[];
}

/** A code that was just made. */
export interface NewCode {
  record: CodeRecord;
  /** What is given to the field engineer, and shown once. */
  code: string;
}

export class EdgeEnrolment implements EdgeCertificates {
  readonly #options: EdgeEnrolmentOptions;
  readonly #world: Pick<World, 'clock' | 'tell' | 'random'>;
  readonly #audit: Audit;
  readonly #wrong: RateLimit;
  /** By serial number. */
  readonly #certificates = new Map<string, CertificateRecord>();
  /** By the hash of their secret. */
  readonly #codes = new Map<string, CodeRecord>();
  /** Serial numbers of certificates that were shown since the start. */
  readonly #seen = new Set<string>();
  readonly #listeners = new Set<(edge: string, serialNumber: string) => void>();
  /** One change at a time: two requests for one key are one. */
  #changing: Promise<unknown> = Promise.resolve();
  #timer: Timer | null = null;
  #edges: readonly EnrolledEdge[] | null = null;
  #revoked: ReadonlySet<string> | null = null;
  /** By edge: of certificates that are not in the file. */
  readonly #shown = new Map<string, readonly string[]>();

  constructor(options: EdgeEnrolmentOptions, world: Pick<World, 'clock' | 'tell' | 'random'>) {
    this.#options = options;
    this.#world = world;
    this.#audit = options.audit ?? NO_AUDIT;
    this.#wrong = new RateLimit(MAX_WRONG, world.clock);
  }

  /** @throws CV_CERTIFICATES_UNSAVED: without it a revoked certificate would count again */
  async open(): Promise<void> {
    try {
      const rows = await this.#options.file.open();
      const [certificates, codes] = [rows.certificates, rows.codes].map((texts) => texts.map((json) => JSON.parse(json) as unknown));
      for (const row of (certificates ?? []).map((one) => certificateRecord.parse(one))) this.#certificates.set(row.serialNumber, row);
      for (const row of (codes ?? []).map((one) => codeRecord.parse(one))) this.#codes.set(row.hash, row);
    } catch (error) {
      throw new FaultError('CV_CERTIFICATES_UNSAVED', { detail: (error as Error).message }, { cause: error });
    }
    await this.#refresh();
    this.#timer = everyMs(this.#world.clock, REFRESH_MS, () => {
      void this.#alone(() => this.#refresh());
    });
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#changing.catch(() => undefined);
    await this.#options.file.close();
  }

  certificates(): CertificateRecord[] {
    return [...this.#certificates.values()];
  }

  codes(): CodeRecord[] {
    const nowAt = this.#world.clock.nowMs();
    return [...this.#codes.values()].filter(({ expiresAt }) => expiresAt > nowAt);
  }

  /** Edges that have a certificate which counts. The same array until something of it changes. */
  edges(): readonly EnrolledEdge[] {
    if (this.#edges) return this.#edges;
    const newest = new Map([...this.#shown].map(([edge, centres]) => [edge, { edge, centres, issuedAt: -Infinity }]));
    for (const { edge, centres, issuedAt, revokedAt } of this.#certificates.values())
      if (revokedAt === undefined && issuedAt >= (newest.get(edge)?.issuedAt ?? -Infinity)) newest.set(edge, { edge, centres, issuedAt });
    this.#edges = [...newest.values()].map(({ edge, centres }) => ({ edge, centres }));
    return this.#edges;
  }

  isRevoked(edge: string): boolean {
    if (!this.#revoked) {
      const all = this.certificates();
      const counting = new Set(all.flatMap((one) => (one.revokedAt === undefined ? one.edge : [])));
      this.#revoked = new Set(all.flatMap((one) => (counting.has(one.edge) ? [] : one.edge)));
    }
    return this.#revoked.has(edge);
  }

  /** CAs that a box is to trust: ours, and the one that our server's certificate is of. */
  get trustedPem(): string {
    return this.#options.authority.trustedPem + (this.#options.serverAuthority?.()?.toString() ?? '');
  }

  /** @throws CV_CERTIFICATES_UNSAVED, CV_PEOPLE_FULL */
  async addCode(
    given: { edge: string; centres: string[]; replaces?: string | undefined; forMs: number },
    by: { name: string; address: string },
  ): Promise<NewCode> {
    if (this.codes().length >= MAX_CODES)
      throw new FaultError('CV_PEOPLE_FULL', { what: 'enrolment codes', whatZh: '入网码', max: MAX_CODES });
    const secret = base32(Uint8Array.from({ length: SECRET_BYTES }, () => Math.floor(this.#world.random.next() * 256)));
    const nowAt = this.#world.clock.nowMs();
    const { edge, centres, replaces } = given;
    const record: CodeRecord = {
      id: randomUUID(), hash: digestOf(secret), edge, centres, createdBy: by.name, createdAt: nowAt, expiresAt: nowAt + given.forMs,
      ...(replaces !== undefined && { replaces }),
    };
    await this.#save([codeRow(record)]);
    this.#codes.set(record.hash, record);
    this.#note(by, `code for ${edge}${replaces === undefined ? '' : ` in place of ${replaces}`}`);
    const shown = parseCertificates(this.#options.authority.server().certificatePem);
    const authority = this.#options.serverAuthority?.() ?? (shown.at(-1) as X509Certificate);
    return { record, code: `${secret}${authorityDigest(authority)}` };
  }

  /** @returns whether there was one */
  async removeCode(id: string, by: { name: string; address: string }): Promise<boolean> {
    const code = [...this.#codes.values()].find((one) => one.id === id);
    if (!code) return false;
    await this.#save([['codes', code.hash, null]]);
    this.#codes.delete(code.hash);
    this.#note(by, `code for ${code.edge} removed`);
    return true;
  }

  /**
   * @param address of the box
   * @throws CV_ENROLMENT_CODE_…, CV_SIGNING_REQUEST, CV_CERTIFICATES_…, CV_COMMAND_TOO_MANY
   */
  enrol(given: { edge: string; code: string; csr: string; replaces?: string | undefined }, address: string): Promise<CertificateRecord> {
    return this.#alone(async () => {
      const code = this.#codes.get(digestOf(given.code.toUpperCase()));
      const refuse = (fault: FaultCode, params: FaultParams = {}): FaultError => {
        this.#audit.append({ kind: 'refusal', who: given.edge, from: address, what: 'enrolment', outcome: 'refused' });
        return new FaultError(fault, params);
      };
      if (!code || code.expiresAt <= this.#world.clock.nowMs()) {
        const unknown = refuse('CV_ENROLMENT_CODE_UNKNOWN');
        this.#wrong.count(networkOf(address));
        throw unknown;
      }
      if (code.edge !== given.edge)
        throw refuse('CV_ENROLMENT_CODE_EDGE', { edge: given.edge, detail: 'it is for another edge', detailZh: '属于另一个边缘节点' });
      if (code.replaces !== given.replaces)
        throw refuse('CV_ENROLMENT_CODE_EDGE', {
          edge: given.edge,
          detail: code.replaces === undefined ? 'it replaces nobody' : `it is given with --replaces ${code.replaces}`,
          detailZh: code.replaces === undefined ? '不用于替换' : `须与 --replaces ${code.replaces} 同用`,
        });
      const request = await this.#requestOf(given.csr, code.edge);
      if (code.keyDigest !== undefined && code.keyDigest !== request.keyDigest) throw refuse('CV_ENROLMENT_CODE_USED');
      const used = { ...code, keyDigest: request.keyDigest };
      const issued = await this.#issue(request, { centres: code.centres, by: 'code' }, [codeRow(used)]);
      this.#codes.set(code.hash, used);
      if (code.replaces !== undefined) {
        await this.#options.replaced?.(code.replaces, code.edge);
        await this.#revoke(this.#live(code.replaces));
      }
      this.#note({ name: code.edge, address }, `enrolled by the code of ${code.createdBy}`);
      return issued;
    });
  }

  /** @throws CV_CERTIFICATE_REFUSED, CV_SIGNING_REQUEST, CV_CERTIFICATES_…, CV_COMMAND_TOO_MANY */
  renew(given: { csr: string; certificate: string; signature: string }, address: string): Promise<CertificateRecord> {
    return this.#alone(async () => {
      const old = this.#ownCertificate(given.certificate, address);
      const edge = commonNameOf(old) ?? '';
      const refuse = (detail: string, detailZh: string): FaultError => this.#refusal(edge, address, detail, detailZh);
      if (!isSigned(given.csr, given.signature, old)) throw refuse('the request is not signed by its key', '请求不是用该证书的私钥签名');
      const nowAt = this.#world.clock.nowMs();
      const { notAfterAt } = validityOf(old);
      if (this.#certificates.get(old.serialNumber)?.revokedAt !== undefined) throw refuse('it was revoked', '已吊销');
      if (nowAt > notAfterAt + this.#options.graceMs)
        throw refuse(`it ended ${Math.floor((nowAt - notAfterAt) / DAY_MS)} days ago`, `已过期 ${Math.floor((nowAt - notAfterAt) / DAY_MS)} 天`);
      const request = await this.#requestOf(given.csr, edge);
      const by = nowAt > notAfterAt ? 'grace' : 'renewal';
      const issued = await this.#issue(request, { centres: centresOfCertificate(old), by, renews: old.serialNumber }, []);
      this.#note({ name: edge, address }, by === 'grace' ? 'certificate renewed after its end' : 'certificate renewed');
      if (by === 'grace')
        this.#world.tell({
          kind: 'notice', level: 'warn',
          en: `${edge} is back after its certificate had ended, and has a new one`, zh: `${edge} 在证书过期后恢复连接，已获得新证书`,
        });
      return issued;
    });
  }

  /** @param which an edge, or a serial number. @returns those that were revoked by this */
  revoke(which: string, by: { name: string; address: string }): Promise<CertificateRecord[]> {
    return this.#alone(async () => {
      const revoked = await this.#revoke(this.#live(which));
      for (const { edge, serialNumber } of revoked) this.#note(by, `certificate ${serialNumber} of ${edge} revoked`);
      return revoked;
    });
  }

  /** Another CA issues from now on; boxes learn it as they renew. @returns digests of the CAs that count, the new one first */
  replaceAuthority(by: { name: string; address: string }): Promise<string[]> {
    return this.#alone(async () => {
      const { authority } = this.#options;
      try {
        await authority.replace();
      } catch (error) {
        throw new FaultError('CV_CERTIFICATES_UNSAVED', { detail: (error as Error).message }, { cause: error });
      }
      this.#note(by, 'certificate authority replaced');
      await this.#refresh();
      return authority.trusted.map(authorityDigest);
    });
  }

  /** Told of each that is revoked, at once. */
  onRevoked(listener: (edge: string, serialNumber: string) => void): void {
    this.#listeners.add(listener);
  }

  judge(certificate: X509Certificate): CertifiedEdge | Fault {
    const edge = commonNameOf(certificate);
    const refuse = (detail: string, detailZh: string): Fault => ({
      code: 'CV_CERTIFICATE_REFUSED', params: { edge: edge ?? '?', detail, detailZh },
    });
    const centres = centresOfCertificate(certificate);
    if (edge === null || !issuerAmong(certificate, this.#options.authority.trusted)) return refuse('it is not of our CA', '不是本网关 CA 签发');
    if (centres.length === 0) return refuse('it is not one of an edge', '不是边缘节点证书');
    const nowAt = this.#world.clock.nowMs();
    const { notBeforeAt, notAfterAt } = validityOf(certificate);
    if (nowAt < notBeforeAt || nowAt >= notAfterAt) return refuse('its time has ended, or not begun', '不在有效期内');
    const { serialNumber } = certificate;
    if (this.#certificates.get(serialNumber)?.revokedAt !== undefined) return refuse('it was revoked', '已吊销');
    const isOld = [...this.#seen].some((seen) => this.#certificates.get(seen)?.renews === serialNumber);
    if (isOld) this.#world.tell({ kind: 'fault', fault: { code: 'CV_CERTIFICATE_COPIED', params: { edge } }, edge });
    this.#seen.add(serialNumber);
    // Of a backup that is older than this certificate.
    if (!this.#certificates.has(serialNumber)) this.#noteShown(edge, centres);
    return { edge, centres, serialNumber };
  }

  /** A certificate that a CA of ours has issued to an edge. @throws CV_CERTIFICATE_REFUSED, CV_COMMAND_TOO_MANY */
  #ownCertificate(pem: string, address: string): X509Certificate {
    let found: X509Certificate | undefined;
    try {
      [found] = parseCertificates(pem);
    } catch {
      // Told as any other that is none of ours.
    }
    if (found && issuerAmong(found, this.#options.authority.trusted) && centresOfCertificate(found).length > 0) return found;
    throw this.#refusal('?', address, 'it is not of our CA', '不是本网关 CA 签发');
  }

  #refusal(edge: string, address: string, detail: string, detailZh: string): FaultError {
    this.#audit.append({ kind: 'refusal', who: edge, from: address, what: 'renewal', outcome: 'refused' });
    this.#wrong.count(networkOf(address));
    return new FaultError('CV_CERTIFICATE_REFUSED', { edge, detail, detailZh });
  }

  async #requestOf(csr: string, edge: string): Promise<SigningRequest> {
    try {
      const request = await readSigningRequest(csr);
      if (request.commonName !== edge) throw new Error(`it is for ${request.commonName.slice(0, 64)}, not for ${edge}`);
      return request;
    } catch (error) {
      throw new FaultError('CV_SIGNING_REQUEST', { detail: (error as Error).message }, { cause: error });
    }
  }

  /** The same again for the same key. */
  async #issue(
    request: SigningRequest,
    { centres, by, renews }: Pick<CertificateRecord, 'centres' | 'by' | 'renews'>,
    changes: readonly CertificateChange[],
  ): Promise<CertificateRecord> {
    const edge = request.commonName;
    const nowAt = this.#world.clock.nowMs();
    const own = this.certificates().filter((one) => one.edge === edge);
    const same = own.find((one) => one.keyDigest === request.keyDigest && one.revokedAt === undefined && one.notAfterAt > nowAt);
    if (same) return same;
    const recent = own.filter(({ issuedAt }) => nowAt - issuedAt < DAY_MS).length;
    if (recent >= MAX_A_DAY) throw new FaultError('CV_CERTIFICATES_TOO_MANY', { edge, count: recent });
    const life = { notBeforeAt: nowAt, notAfterAt: nowAt + this.#options.lifeMs };
    const certificatePem = await issueEdge({ edge, centres, publicKeyDer: request.publicKeyDer }, life, this.#options.authority.issuer);
    const certificate = new X509Certificate(certificatePem);
    const record: CertificateRecord = {
      serialNumber: certificate.serialNumber, edge, centres, keyDigest: keyDigestOf(request.publicKeyDer), certificatePem,
      ...validityOf(certificate), issuedAt: nowAt, by, ...(renews !== undefined && { renews }),
    };
    await this.#save([certificateRow(record), ...changes]);
    this.#certificates.set(record.serialNumber, record);
    this.#forget();
    return record;
  }

  /** Of an edge, or of a serial number: those that were not revoked yet. */
  #live(which: string): CertificateRecord[] {
    const isMeant = ({ edge, serialNumber }: CertificateRecord): boolean => edge === which || serialNumber === which.toUpperCase();
    return this.certificates().filter((one) => isMeant(one) && one.revokedAt === undefined);
  }

  async #revoke(records: readonly CertificateRecord[]): Promise<CertificateRecord[]> {
    if (records.length === 0) return [];
    const revokedAt = this.#world.clock.nowMs();
    const revoked = records.map((one) => ({ ...one, revokedAt }));
    await this.#save(revoked.map(certificateRow));
    for (const one of revoked) {
      this.#certificates.set(one.serialNumber, one);
      this.#shown.delete(one.edge);
    }
    this.#forget();
    for (const { edge, serialNumber } of revoked) for (const listener of this.#listeners) listener(edge, serialNumber);
    await this.#refresh();
    return revoked;
  }

  /** Lets go of what nobody can use any more, and has the files of the authority written anew. */
  async #refresh(): Promise<void> {
    const nowAt = this.#world.clock.nowMs();
    const ended = this.certificates().filter(({ notAfterAt }) => nowAt > notAfterAt + this.#options.graceMs);
    const codes = [...this.#codes.values()].filter(({ expiresAt }) => expiresAt <= nowAt);
    const changes = [
      ...ended.map(({ serialNumber }) => ['certificates', serialNumber, null] as const),
      ...codes.map(({ hash }) => ['codes', hash, null] as const),
    ];
    try {
      if (changes.length > 0) await this.#save(changes);
      for (const { serialNumber } of ended) {
        this.#certificates.delete(serialNumber);
        this.#seen.delete(serialNumber);
      }
      this.#forget();
      for (const { hash } of codes) this.#codes.delete(hash);
      await this.#options.authority.refresh(this.certificates().filter((one) => one.revokedAt !== undefined));
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_CERTIFICATES_UNSAVED') });
    }
  }

  /** After those that were asked for before. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#changing.catch(() => undefined).then(act);
    this.#changing = done;
    return done;
  }

  #noteShown(edge: string, centres: readonly string[]): void {
    if (String(this.#shown.get(edge) ?? '') === String(centres)) return;
    this.#shown.set(edge, centres);
    this.#forget();
  }

  /** What was made of the certificates. */
  #forget(): void {
    this.#edges = null;
    this.#revoked = null;
  }

  async #save(changes: readonly CertificateChange[]): Promise<void> {
    try {
      await this.#options.file.save(changes);
    } catch (error) {
      throw new FaultError('CV_CERTIFICATES_UNSAVED', { detail: (error as Error).message }, { cause: error });
    }
  }

  #note({ name, address }: { name: string; address: string }, what: string): void {
    this.#audit.append({ kind: 'certificate', who: name, from: address, what, outcome: 'done' });
  }
}

const certificateRow = (record: CertificateRecord): CertificateChange => ['certificates', record.serialNumber, JSON.stringify(record)];
const codeRow = (record: CodeRecord): CertificateChange => ['codes', record.hash, JSON.stringify(record)];

/** ECDSA with SHA-256 over the text of the request, as it was sent. */
function isSigned(csr: string, signature: string, { publicKey }: X509Certificate): boolean {
  try {
    return verify('sha256', Buffer.from(csr), publicKey, Buffer.from(signature.slice(0, 1000), 'base64'));
  } catch {
    return false;
  }
}
