/** What an identity, and the certificate of a server, are worth at a time that may not be known. Pure. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Fault } from '../../core/faults.ts';
import type { Clock } from '../../core/world.ts';
import { authorityDigest, dayOf, issuerAmong, validityOf } from '../../core/certificates.ts';
import type { EdgeIdentity } from './identity-folder.ts';
import './faults.ts';

/** From here on a certificate is renewed, as a part of its life. */
const RENEWAL_AFTER = 2 / 3;
/** Boxes of a district were enrolled on one day: they come over so much of the life that is left. */
const RENEWAL_SPREAD = 1 / 12;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** The time, where it is worth something: a box without a battery does not refuse a certificate by a clock that nobody has set. */
export const knownTime = (clock: Clock): number | null => (clock.trust?.isTrusted() === false ? null : clock.nowMs());

export interface IdentityStatus {
  edge: string;
  /** `unknown`: nobody has set the clock of this box yet. */
  validity: 'valid' | 'renewal-due' | 'expired' | 'not-yet-valid' | 'unknown';
  notBeforeAt: number;
  notAfterAt: number;
  /** One for each CA that is trusted. */
  caDigests: string[];
}

export function identityStatus({ edge, certificate, authorities }: EdgeIdentity, nowAt: number | null): IdentityStatus {
  const { notBeforeAt, notAfterAt } = validityOf(certificate);
  const validity = () => {
    if (nowAt === null) return 'unknown';
    if (nowAt > notAfterAt) return 'expired';
    if (nowAt < notBeforeAt) return 'not-yet-valid';
    return nowAt >= renewalAt(certificate, 1) ? 'renewal-due' : 'valid';
  };
  return { edge, validity: validity(), notBeforeAt, notAfterAt, caDigests: authorities.map(authorityDigest) };
}

/** @param chance [0, 1): which of the boxes that were enrolled together this one is */
export function renewalAt(certificate: X509Certificate, chance: number): number {
  const { notBeforeAt, notAfterAt } = validityOf(certificate);
  return notBeforeAt + (notAfterAt - notBeforeAt) * (RENEWAL_AFTER + chance * RENEWAL_SPREAD);
}

/** @returns null: it may be used. One that expired may not, but for its renewal */
export function identityFault(identity: EdgeIdentity, edge: string, nowAt: number | null): Fault | null {
  const { dir, edge: named, enrolment: { gateway } } = identity;
  if (named !== edge) return { code: 'CV_IDENTITY_FOREIGN', params: { dir, named, edge } };
  const { validity, notBeforeAt, notAfterAt } = identityStatus(identity, nowAt);
  if (validity === 'expired') return { code: 'CV_IDENTITY_EXPIRED', params: { edge, gateway, day: dayOf(notAfterAt) } };
  if (validity === 'not-yet-valid') return { code: 'CV_IDENTITY_NOT_YET', params: { edge, day: dayOf(notBeforeAt) } };
  return null;
}

export interface PresentedServer {
  certificate: X509Certificate;
  /** As `host:port`, for faults. */
  address: string;
  /** As it stands in the URL. */
  host: string;
  /** OpenSSL found a way to the CAs, with the dates of the system's clock and with those in between. */
  isVerified: boolean;
}

/**
 * A server's certificate: from our CA, for servers, of this name, and valid, where the time is known. OpenSSL goes by the
 * system's clock, which may be years off while ours is right, and says of several mistakes only the last: so where it
 * refuses, a certificate counts that a CA of ours signed itself.
 */
export function serverFault(
  { certificate, address, host, isVerified }: PresentedServer,
  authorities: readonly X509Certificate[],
  nowAt: number | null,
): Fault | null {
  const untrusted = (detail: string, detailZh: string): Fault => ({ code: 'CV_SERVER_UNTRUSTED', params: { address, detail, detailZh } });
  const pinned = authorities.find((one) => one.raw.equals(certificate.raw));
  const issuer = pinned ?? issuerAmong(certificate, authorities);
  if (!issuer && !isVerified) return untrusted('no CA of the file signed it', '不是由文件中的任何 CA 签发');
  const uses = certificate.keyUsage as string[] | undefined;
  if (uses && !uses.includes(SERVER_AUTH)) return untrusted('it is not a certificate for servers', '不是服务器证书');
  if (!isForHost(certificate, host))
    return { code: 'CV_SERVER_NAME', params: { address, names: certificate.subjectAltName ?? certificate.subject.replaceAll('\n', ', ') } };
  for (const { notBeforeAt, notAfterAt } of [certificate, ...(issuer ? [issuer] : [])].map(validityOf))
    if (nowAt !== null && (nowAt < notBeforeAt || nowAt > notAfterAt))
      return { code: 'CV_SERVER_DATES', params: { address, from: dayOf(notBeforeAt), to: dayOf(notAfterAt), now: dayOf(nowAt) } };
  return null;
}

/** Names stand in the extension alone: what the subject says is for people. */
const isForHost = (certificate: X509Certificate, host: string): boolean =>
  (isIP(host) === 0 ? certificate.checkHost(host, { subject: 'never' }) : certificate.checkIP(host)) !== undefined;
