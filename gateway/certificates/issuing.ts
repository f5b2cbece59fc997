/**
 * Making certificates (RFC 5280), with @peculiar/x509: a CA, servers and edges below it, lists of what was revoked. Keys are
 * P-256. The library is loaded when something is made: on most days nothing is.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { X509Certificate } from 'node:crypto';
import type { Pkcs10CertificateRequest } from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;
const CA_LIFE_MS = 20 * 365 * 24 * HOUR_MS;
/** A box whose clock is a little behind takes a new certificate at once. */
const BACKDATED_MS = HOUR_MS;
const CENTRE_URI = 'urn:cityvitals:centre:';
const MAX_REQUEST_CHARACTERS = 16 * 1024;

/** A certificate with its private key, PEM. */
export interface KeyPair {
  keyPem: string;
  certificatePem: string;
}

export interface Lifetime {
  notBeforeAt: number;
  notAfterAt: number;
}

/** A request that was made by whoever has its key. */
export interface SigningRequest {
  commonName: string;
  publicKeyDer: Buffer;
  keyDigest: string;
}

async function library() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

const kindOf = (name: string): 'ip' | 'url' | 'dns' => (isIP(name) ? 'ip' : name.startsWith(CENTRE_URI) ? 'url' : 'dns');

const newKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;

/** Positive and not to be guessed (RFC 5280, 4.1.2.2). */
const newSerial = (): string => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.toString('hex');
};

const importPrivate = (pem: string) =>
  crypto.subtle.importKey('pkcs8', createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }), EC, true, ['sign']);
const importPublic = (spki: Uint8Array<ArrayBuffer>) =>
  crypto.subtle.importKey('spki', spki, EC, true, ['verify']);
const publicDerOf = (privatePem: string): Buffer<ArrayBuffer> =>
  Buffer.from(createPublicKey(privatePem).export({ type: 'spki', format: 'der' }));

/** The name of a key, by which it is known again. */
export const keyDigestOf = (spkiDer: Uint8Array): string => createHash('sha256').update(spkiDer).digest('base64url');

/** @param name in its subject, beside a random part: a CA that takes the place of another has a name of its own */
export async function makeAuthority(name: string, nowAt: number): Promise<KeyPair> {
  const x509 = await library();
  const keyPem = newKey();
  const publicKey = await importPublic(publicDerOf(keyPem));
  const subject = [{ CN: [`cityvitals ${name} ${randomBytes(4).toString('hex')}`] }];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(), subject, issuer: subject, publicKey, signingKey: await importPrivate(keyPem), signingAlgorithm: SIGNING,
    notBefore: new Date(nowAt - BACKDATED_MS), notAfter: new Date(nowAt + CA_LIFE_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return { keyPem, certificatePem: `${certificate.toString('pem')}\n` };
}

/** @param names DNS names and IP addresses by which it is reached */
export async function issueServer(names: readonly string[], life: Lifetime, authority: KeyPair): Promise<KeyPair> {
  const keyPem = newKey();
  const subject = { commonName: names[0] ?? 'gateway', publicKeyDer: publicDerOf(keyPem), names, usage: 'serverAuth' as const };
  const certificatePem = await issue(subject, life, authority);
  return { keyPem, certificatePem };
}

/** @param centres that the edge speaks for: they stand in the certificate, so that it says whole who this is. @returns PEM */
export const issueEdge = (
  { edge, centres, publicKeyDer }: { edge: string; centres: readonly string[]; publicKeyDer: Buffer },
  life: Lifetime,
  authority: KeyPair,
): Promise<string> => {
  const names = centres.map((centre) => CENTRE_URI + centre);
  return issue({ commonName: edge, publicKeyDer: Buffer.from(publicKeyDer), names, usage: 'clientAuth' }, life, authority);
};

/** Those that `issueEdge` wrote in it. */
export const centresOfCertificate = ({ subjectAltName }: Pick<X509Certificate, 'subjectAltName'>): string[] =>
  (subjectAltName ?? '').split(', ').flatMap((name) => (name.startsWith(`URI:${CENTRE_URI}`) ? [name.slice(4 + CENTRE_URI.length)] : []));

async function issue(
  { commonName, publicKeyDer, names, usage }: {
    commonName: string;
    publicKeyDer: Buffer<ArrayBuffer>;
    names: readonly string[];
    usage: 'serverAuth' | 'clientAuth';
  },
  { notBeforeAt, notAfterAt }: Lifetime,
  authority: KeyPair,
): Promise<string> {
  const x509 = await library();
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const publicKey = await importPublic(publicKeyDer);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(), subject: [{ CN: [commonName] }], issuer: issuer.subjectName, publicKey,
    signingKey: await importPrivate(authority.keyPem), signingAlgorithm: SIGNING,
    notBefore: new Date(notBeforeAt - BACKDATED_MS),
    // One that outlives its CA would be valid for nobody.
    notAfter: new Date(Math.min(notAfterAt, issuer.notAfter.getTime())),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[usage]]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ...(names.length > 0
        ? [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: kindOf(value), value })))]
        : []),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** @param revoked serial numbers, hexadecimal, ms UTC */
export async function makeRevocationList(
  revoked: readonly { serialNumber: string; revokedAt?: number | undefined }[],
  { notBeforeAt, notAfterAt }: Lifetime,
  authority: KeyPair,
): Promise<string> {
  const x509 = await library();
  const issuer = new x509.X509Certificate(authority.certificatePem);
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.subjectName, thisUpdate: new Date(notBeforeAt), nextUpdate: new Date(notAfterAt),
    entries: revoked.map(({ serialNumber, revokedAt }) => ({ serialNumber, revocationDate: new Date(revokedAt ?? notBeforeAt) })),
    extensions: [await x509.AuthorityKeyIdentifierExtension.create(issuer)],
    signingKey: await importPrivate(authority.keyPem), signingAlgorithm: SIGNING,
  });
  // The library writes CRL; readers look for X509 CRL (RFC 7468, 6).
  return `${list.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL')}\n`;
}

/** PKCS #10 (RFC 2986). @throws Error with what is wrong, in English: for the `detail` of a fault */
export async function readSigningRequest(pem: string): Promise<SigningRequest> {
  if (pem.length > MAX_REQUEST_CHARACTERS) throw new Error(`more than ${MAX_REQUEST_CHARACTERS} characters`);
  const x509 = await library();
  let request: Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(pem);
  } catch {
    throw new Error('no PKCS #10 request');
  }
  const publicKeyDer = Buffer.from(request.publicKey.rawData);
  const key = createPublicKey({ key: publicKeyDer, format: 'der', type: 'spki' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('its key is not P-256');
  if (!(await request.verify())) throw new Error('it is not signed by its own key');
  const names = request.subjectName.getField('CN');
  if (names.length !== 1) throw new Error(`${names.length} common names`);
  return { commonName: names[0] as string, publicKeyDer, keyDigest: keyDigestOf(publicKeyDer) };
}
