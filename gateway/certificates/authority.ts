/**
 * The certificate authority of a gateway: its key, the certificate by which the gateway itself is known, and the list of
 * those that were revoked, as files that other programs read too. What can be made anew is; a CA never is by itself.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { issuerAmong, parseCertificates, validityOf } from '../../core/certificates.ts';
import { FaultError } from '../../core/faults.ts';
import { makeFolder } from '../../core/folder.ts';
import type { World } from '../../core/world.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { isAtRestFault, readSecretFile, rewriteSecretFile, writeSecretFile } from '../../log/at-rest/secret-file.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import type { ServerCertificate } from '../tls/certificates.ts';
import { issueServer, makeAuthority, makeRevocationList, type KeyPair } from './issuing.ts';
import '../../log/at-rest/faults.ts';
import './faults.ts';

const DAY_MS = 86_400_000;
/** The most that today's clients take of a server. */
const SERVER_LIFE_MS = 397 * DAY_MS;
/** Renewed when less than so much of its life is left. */
const SERVER_RENEWED_AT = 1 / 3;
/** mosquitto refuses everybody once its list has ended; it is written anew each day. */
const LIST_LIFE_MS = 30 * DAY_MS;
const OPEN_MODE = 0o644;
const GROUP_MODE = 0o640;

/** In the folder of the authority. */
export const AUTHORITY_FILES = {
  caKey: 'ca-key.pem', ca: 'ca.pem', previous: 'previous-ca.pem', serverKey: 'server-key.pem', server: 'server.pem', revoked: 'crl.pem',
} as const;

export interface AuthorityOptions {
  dir: string;
  /** Id of the gateway, for the name of its CA. */
  gateway: string;
  /** Names and addresses by which it is reached. */
  names: readonly string[];
  /** Folder with copies for another broker, as `COPIED_FILES` names them; its group may read them. */
  copyTo?: string | null;
  /** By which its keys are encrypted on disk; the copies are for programs that cannot read that. */
  keys?: AtRestKeys;
}

/** What another broker needs: the CAs that count, the gateway's own certificate with those above it, its key, the list. */
export const COPIED_FILES = { ca: 'ca.pem', server: 'server.pem', serverKey: 'server-key.pem', revoked: 'crl.pem' } as const;

const SECRETS: Partial<Record<keyof typeof AUTHORITY_FILES, string>> = { caKey: 'secret:ca-key', serverKey: 'secret:server-key' };

export class CertificateAuthority {
  readonly #options: AuthorityOptions;
  readonly #keys: AtRestKeys;
  readonly #clock: Pick<World['clock'], 'nowMs'>;
  readonly #listeners = new Set<() => void>();
  #authority: KeyPair = { keyPem: '', certificatePem: '' };
  #previousPem = '';
  #trusted: readonly X509Certificate[] = [];
  #server: KeyPair = { keyPem: '', certificatePem: '' };

  constructor(options: AuthorityOptions, clock: Pick<World['clock'], 'nowMs'>) {
    this.#options = options;
    this.#keys = options.keys ?? new AtRestKeys(null);
    this.#clock = clock;
  }

  /** @throws CV_AUTHORITY_UNUSABLE, CV_AT_REST_KEY, CV_AT_REST_DAMAGED */
  async open(): Promise<void> {
    const { dir } = this.#options;
    try {
      await makeFolder(dir, 0o700);
      await chmod(dir, 0o700);
      for (const [file, name] of Object.entries(SECRETS)) await rewriteSecretFile({ path: this.#pathOf(file as 'caKey'), name }, this.#keys);
      const own = await this.#read('caKey');
      if (own !== null) await this.#takeAuthority(authorityOf(own), own);
      // Its key was lost, or left out of a copy: boxes know this CA, so another one is no help.
      else if ((await this.#read('ca')) !== null) throw new Error(`${AUTHORITY_FILES.caKey} is missing`);
      else await this.#makeAuthority();
      this.#previousPem = (await this.#read('previous')) ?? '';
      this.#trust();
      await this.#openServer();
    } catch (error) {
      if (isAtRestFault(error)) throw error;
      throw new FaultError('CV_AUTHORITY_UNUSABLE', { dir, detail: (error as Error).message }, { cause: error });
    }
  }

  /** By which certificates are made now. */
  get issuer(): KeyPair {
    return this.#authority;
  }

  /** CAs whose certificates count: the one that issues now, and those before it. */
  get trusted(): readonly X509Certificate[] {
    return this.#trusted;
  }

  get trustedPem(): string {
    return this.#authority.certificatePem + this.#previousPem;
  }

  /**
   * By which the gateway is known. Whoever sees it sees its CA too, since a new box knows the CA alone by its digest; after a
   * replacement that is the CA of before, until this certificate is renewed.
   */
  server(): ServerCertificate {
    const issuer = issuerAmong(new X509Certificate(this.#server.certificatePem), this.#trusted);
    return { keyPem: this.#server.keyPem, certificatePem: `${this.#server.certificatePem}${issuer?.toString() ?? ''}` };
  }

  onServerChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Another CA takes the place of this one: it issues from now on, and what this one has issued goes on counting. Each box
   * learns the new one when it renews.
   */
  async replace(): Promise<void> {
    const previous = this.trustedPem;
    await this.#write('previous', previous);
    this.#previousPem = previous;
    await this.#makeAuthority();
    this.#trust();
  }

  /** Renews the gateway's own certificate where it is time to, and writes the list of those that were revoked. */
  async refresh(revoked: readonly { serialNumber: string; revokedAt?: number | undefined }[]): Promise<void> {
    await this.#openServer();
    const nowAt = this.#clock.nowMs();
    const list = await makeRevocationList(revoked, { notBeforeAt: nowAt, notAfterAt: nowAt + LIST_LIFE_MS }, this.#authority);
    await this.#write('revoked', list);
    await this.#copy(list);
  }

  async #copy(list: string): Promise<void> {
    const { copyTo } = this.#options;
    if (!copyTo) return;
    const { keyPem, certificatePem } = this.server();
    const copies = { ca: this.trustedPem, server: certificatePem, serverKey: keyPem, revoked: list };
    for (const [file, name] of Object.entries(COPIED_FILES) as [keyof typeof COPIED_FILES, string][]) {
      const path = join(copyTo, name);
      const before = await readFile(path, 'utf8').catch(() => null);
      // A broker that watches the folder is not woken for nothing.
      if (before !== copies[file]) await writeFileAtomically(path, copies[file], { mode: GROUP_MODE });
    }
  }

  async #makeAuthority(): Promise<void> {
    const made = await makeAuthority(this.#options.gateway, this.#clock.nowMs());
    const own = made.keyPem + made.certificatePem;
    // In one file: a key without its certificate would be no CA, whatever the moment of a power cut.
    await this.#write('caKey', own);
    await this.#takeAuthority(made, own);
  }

  /** With the file for other programs, which a power cut may have left behind. */
  async #takeAuthority(authority: KeyPair, own: string): Promise<void> {
    const [certificate] = parseCertificates(authority.certificatePem);
    if (!certificate?.checkPrivateKey(createPrivateKey(own))) throw new Error(`${AUTHORITY_FILES.caKey} holds a key of another CA`);
    if ((await this.#read('ca')) !== authority.certificatePem) await this.#write('ca', authority.certificatePem);
    this.#authority = authority;
  }

  #trust(): void {
    this.#trusted = parseCertificates(this.trustedPem);
  }

  async #openServer(): Promise<void> {
    const nowAt = this.#clock.nowMs();
    if (this.#server.keyPem === '') {
      const [keyPem, certificatePem] = [await this.#read('serverKey'), await this.#read('server')];
      if (keyPem !== null && certificatePem !== null) this.#server = { keyPem, certificatePem };
    }
    if (this.#isServerGood(nowAt)) return;
    const life = { notBeforeAt: nowAt, notAfterAt: nowAt + SERVER_LIFE_MS };
    const made = await issueServer(this.#options.names, life, this.#authority);
    await this.#write('serverKey', made.keyPem);
    await this.#write('server', made.certificatePem);
    this.#server = made;
    for (const listener of this.#listeners) listener();
  }

  /** Of a CA that boxes know, for all names, with enough of its life left, and with its own key. */
  #isServerGood(nowAt: number): boolean {
    try {
      const certificate = new X509Certificate(this.#server.certificatePem);
      const { notBeforeAt, notAfterAt } = validityOf(certificate);
      return (
        certificate.checkPrivateKey(createPrivateKey(this.#server.keyPem)) &&
        issuerAmong(certificate, this.#trusted) !== null &&
        nowAt >= notBeforeAt &&
        notAfterAt - nowAt > (notAfterAt - notBeforeAt) * SERVER_RENEWED_AT &&
        this.#options.names.every((name) => certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined)
      );
    } catch {
      return false;
    }
  }

  #pathOf(file: keyof typeof AUTHORITY_FILES): string {
    return join(this.#options.dir, AUTHORITY_FILES[file]);
  }

  async #read(file: keyof typeof AUTHORITY_FILES): Promise<string | null> {
    const [path, name] = [this.#pathOf(file), SECRETS[file]];
    try {
      return name === undefined ? await readFile(path, 'utf8') : String(await readSecretFile({ path, name }, this.#keys));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async #write(file: keyof typeof AUTHORITY_FILES, text: string): Promise<void> {
    const [path, name] = [this.#pathOf(file), SECRETS[file]];
    if (name === undefined) await writeFileAtomically(path, text, { mode: OPEN_MODE });
    else await writeSecretFile({ path, name }, text, this.#keys);
  }
}

/** A key with its certificate behind it. */
function authorityOf(own: string): KeyPair {
  const at = own.indexOf('-----BEGIN CERTIFICATE-----');
  if (at < 0) throw new Error(`${AUTHORITY_FILES.caKey} holds no certificate`);
  return { keyPem: own.slice(0, at), certificatePem: own.slice(at) };
}
