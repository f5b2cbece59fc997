/**
 * Keeps the certificate of this edge valid: renewed at two thirds of its life, with a new key, asked for by the old one. A box
 * that was away until after its end asks in the same way; whether it is still let in is for the gateway to say. Where nobody
 * has set the clock, a gateway that lets us in no more is the only sign that the certificate has ended.
 */
import { sign } from 'node:crypto';
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { EdgeAuditLog } from '../../log/audit/edge-entry.ts';
import { dayOf, validityOf } from '../../core/certificates.ts';
import { postToGateway, refusalOf } from './gateway-request.ts';
import { finishReplacement, nextKey, readEdgeIdentity, replaceIdentity, type EdgeIdentity, type IdentityFiles } from './identity-folder.ts';
import { issuedIdentity } from './issued-identity.ts';
import { identityFault, identityStatus, knownTime, renewalAt, type IdentityStatus } from './judge-identity.ts';
import { signingRequest } from './signing-request.ts';
import { addressOf, hostPortOf } from './tls-connect.ts';
import { uplinkTls, type UplinkTlsSettings } from './uplink-tls.ts';
import './faults.ts';

const PATH = '/api/v1/enrolment/renewal';
const LOOK_MS = 60_000;
const FIRST_RETRY_MS = 60_000;
const MAX_RETRY_MS = 6 * 3_600_000;
/** By a clock that is wrong a new certificate may be as invalid as the old one: it is not asked for again at once. */
const MIN_BETWEEN_MS = 24 * 3_600_000;
/** So long without an uplink before the certificate is suspected, where its dates say nothing. */
const SUSPECT_AFTER_MS = 120_000;
/** A connection is made anew with the new certificate at the latest when so much of the old one's life is left. */
const RECONNECT_BEFORE = 1 / 24;

export interface IdentityRenewalParts extends UplinkTlsSettings {
  gateway: { identity: string; ca?: string | undefined };
  files: IdentityFiles;
  /** Connects anew, with what is there then. */
  reconnect(): void;
  audit?: EdgeAuditLog;
}

export class IdentityRenewal {
  readonly #parts: IdentityRenewalParts;
  readonly #world: Pick<World, 'clock' | 'random' | 'tell'>;
  readonly #stop = new AbortController();
  readonly #chance: number;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  /** Monotonic ms before which nothing is asked for. */
  #waitsUntilMs = -Infinity;
  #failures = 0;
  /** Monotonic ms since when there is no uplink; null: there is one. */
  #downSinceMs: number | null = null;
  /** What the uplink showed last. */
  #shown: EdgeIdentity | null = null;
  #isTold = false;
  #status: IdentityStatus | Fault | null = null;

  constructor(parts: IdentityRenewalParts, world: Pick<World, 'clock' | 'random' | 'tell'>) {
    this.#parts = parts;
    this.#world = world;
    this.#chance = world.random.next();
  }

  async open(): Promise<void> {
    // Whoever reads a file of the folder by its name finds the newest.
    const { gateway: { identity: dir }, files } = this.#parts;
    const isThere = (await this.#read()) !== null;
    try {
      // Told now, and not when the certificate ends.
      if (isThere) await files.makeFolder(dir);
      await finishReplacement(dir, files);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#tell({ code: 'CV_IDENTITY_FOLDER', params: { dir, detail: code ?? message } });
    }
    this.#downSinceMs = this.#world.clock.monotonicMs();
    this.#timer = everyMs(this.#world.clock, LOOK_MS, () => { void this.look(); });
    void this.look();
  }

  /** The uplink is about to connect with this one. */
  shown(identity: EdgeIdentity | null): void {
    // Whoever enrolled it did so with another program: here it is seen first.
    if (identity && identity.certificate.serialNumber !== this.#shown?.certificate.serialNumber) this.#audit(identity, 'in use', 'done');
    this.#shown = identity;
  }

  /** The uplink came up, or a try to connect failed. */
  uplinkChanged(isUp: boolean): void {
    if (isUp) this.#downSinceMs = null;
    else this.#downSinceMs ??= this.#world.clock.monotonicMs();
  }

  /** For health, as of the last look: a fault where there is none, or it cannot be used. */
  get status(): IdentityStatus | Fault | null {
    return this.#status;
  }

  /** Renews where it is time to; one at a time. Never rejects. */
  look(): Promise<void> {
    return (this.#running ??= this.#look().finally(() => { this.#running = null; }));
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort();
    await this.#running;
  }

  /** @returns null: none yet, or a damaged one. The uplink tells of it at each try */
  async #read(): Promise<EdgeIdentity | null> {
    const { edge, gateway: { identity: dir }, files } = this.#parts;
    const nowAt = knownTime(this.#world.clock);
    try {
      const identity = await readEdgeIdentity(dir, files);
      const fault = identityFault(identity, edge, nowAt);
      this.#status = fault ?? identityStatus(identity, nowAt);
      return fault?.code === 'CV_IDENTITY_FOREIGN' ? null : identity;
    } catch (error) {
      this.#status = faultOf(error, 'CV_IDENTITY_UNREADABLE', { path: dir });
      return null;
    }
  }

  async #look(): Promise<void> {
    const { clock } = this.#world;
    const identity = await this.#read();
    const nowAt = knownTime(clock);
    if (identity && nowAt !== null && this.#downSinceMs === null && this.#isShownEnding(identity, nowAt)) this.#parts.reconnect();
    if (!identity || clock.monotonicMs() < this.#waitsUntilMs || !this.#isDue(identity, nowAt)) return;
    try {
      await this.#renew(identity);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(identity, error);
    }
  }

  /** Another one is there, and a broker may end the connection with the old one's life. */
  #isShownEnding({ certificate }: EdgeIdentity, nowAt: number): boolean {
    if (!this.#shown || this.#shown.certificate.serialNumber === certificate.serialNumber) return false;
    const { notBeforeAt, notAfterAt } = validityOf(this.#shown.certificate);
    return nowAt >= notAfterAt - (notAfterAt - notBeforeAt) * RECONNECT_BEFORE;
  }

  #isDue({ certificate }: EdgeIdentity, nowAt: number | null): boolean {
    if (nowAt !== null) return nowAt >= renewalAt(certificate, this.#chance);
    return this.#downSinceMs !== null && this.#world.clock.monotonicMs() - this.#downSinceMs >= SUSPECT_AFTER_MS;
  }

  async #renew(old: EdgeIdentity): Promise<void> {
    const { edge, gateway: { identity: dir }, files } = this.#parts;
    const { clock } = this.#world;
    const base = new URL(old.enrolment.gateway);
    const address = addressOf(hostPortOf(base, 443));
    const keyPem = await nextKey(dir, files);
    const csr = await signingRequest(edge, keyPem);
    const signature = sign('sha256', Buffer.from(csr), old.keyPem).toString('base64');
    const { ca, authorities } = await uplinkTls(this.#parts, files, clock);
    const body = { csr, certificate: old.certificatePem, signature };
    const answer = await postToGateway(base, PATH, body, { ca, authorities }, clock, this.#stop.signal);
    if (answer.status !== 200 && answer.status !== 201) throw new Error(refusalOf(answer).detail);
    const issued = issuedIdentity(answer.body, { edge, keyPem, address, enrolment: old.enrolment });
    await replaceIdentity(dir, issued, files);
    const renewed = await this.#read();
    if (renewed) this.#renewed(renewed);
  }

  #renewed(identity: EdgeIdentity): void {
    const { clock, tell } = this.#world;
    const { certificate } = identity;
    this.#audit(identity, 'renewed', 'done');
    this.#failures = 0;
    this.#waitsUntilMs = clock.monotonicMs() + MIN_BETWEEN_MS;
    const until = dayOf(validityOf(certificate).notAfterAt);
    tell({ kind: 'notice', level: 'info', en: `certificate renewed, valid until ${until}`, zh: `证书已续期，有效期至 ${until}` });
    if (this.#isTold) tell({ kind: 'fault_cleared', code: 'CV_RENEWAL_FAILED' });
    this.#isTold = false;
  }

  #failed(identity: EdgeIdentity, error: unknown): void {
    const { edge, certificate } = identity;
    this.#audit(identity, 'renewal', 'refused', faultOf(error, 'CV_RENEWAL_FAILED').code);
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#waitsUntilMs = this.#world.clock.monotonicMs() + delayMs * (0.5 + this.#world.random.next() / 2);
    const detail = error instanceof FaultError ? `${error.fault.code} ${error.message}` : (error as Error).message;
    this.#isTold = true;
    this.#tell({ code: 'CV_RENEWAL_FAILED', params: { edge, detail, day: dayOf(validityOf(certificate).notAfterAt) } });
  }

  #audit({ certificate }: EdgeIdentity, what: string, outcome: 'done' | 'refused', code?: string): void {
    const { edge, audit } = this.#parts;
    const details = { serial: certificate.serialNumber, until: dayOf(validityOf(certificate).notAfterAt), ...(code && { code }) };
    audit?.append({ kind: 'certificate', who: edge, from: 'local', what, outcome, details });
  }

  #tell(fault: Fault): void {
    this.#world.tell({ kind: 'fault', fault });
  }
}
