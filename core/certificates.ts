/** X.509 certificates as PEM text: bundles, names, who issued whom. Bounded, since they may come from a stranger. */
import { createHash, X509Certificate } from 'node:crypto';

const MAX_CHARACTERS = 64 * 1024;
const MAX_CERTIFICATES = 16;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** @throws Error with what is wrong, in English: for the `detail` of a fault */
export function parseCertificates(pem: string): X509Certificate[] {
  if (pem.length > MAX_CHARACTERS) throw new Error(`more than ${MAX_CHARACTERS} characters`);
  const blocks = pem.match(PEM) ?? [];
  if (blocks.length === 0) throw new Error('no certificate in it');
  // One that is cut would pass unseen beside whole ones.
  if (blocks.length !== pem.split('-----BEGIN').length - 1) throw new Error('a certificate in it is cut, or it holds something else');
  if (blocks.length > MAX_CERTIFICATES) throw new Error(`more than ${MAX_CERTIFICATES} certificates`);
  return blocks.map((block) => new X509Certificate(block));
}

/** The common name; null where there is none, or more than one. */
export function commonNameOf({ subject }: Pick<X509Certificate, 'subject'>): string | null {
  const names = (subject ?? '').split('\n').filter((line) => line.startsWith('CN='));
  return names.length === 1 ? (names[0] as string).slice(3) : null;
}

/** Signed by one of them itself, with nobody in between. */
export function issuerAmong(certificate: X509Certificate, authorities: readonly X509Certificate[]): X509Certificate | null {
  return authorities.find((one) => one.ca && certificate.checkIssued(one) && certificate.verify(one.publicKey)) ?? null;
}

/** ms UTC. */
export const validityOf = ({ validFromDate, validToDate }: X509Certificate) => ({
  notBeforeAt: validFromDate.getTime(),
  notAfterAt: validToDate.getTime(),
});

/** UTC, as faults name it. */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

const DIGEST_BYTES = 16;
/** RFC 4648, without padding. */
export const BASE32_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** By which a CA is named in codes, on the screen and over the telephone: the first 128 bits of the SHA-256 of its DER. */
export function authorityDigest({ raw }: Pick<X509Certificate, 'raw'>): string {
  return base32(createHash('sha256').update(raw).digest().subarray(0, DIGEST_BYTES));
}

export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32_ALPHABET[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + BASE32_ALPHABET[(held << (5 - bits)) & 31] : text;
}
