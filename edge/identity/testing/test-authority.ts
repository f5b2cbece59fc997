/** A certificate authority for tests, made independently of the gateway's own: with @peculiar/x509, for any time. */
import 'reflect-metadata';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  AuthorityKeyIdentifierExtension,
  type X509Certificate,
} from '@peculiar/x509';

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
export const DAY_MS = 86_400_000;
export const YEAR_MS = 365 * DAY_MS;

export interface TestServer {
  certPem: string;
  keyPem: string;
}

interface Lifetime {
  fromAt: number;
  toAt: number;
}

export interface TestAuthority {
  pem: string;
  /** With the CA behind it, as a gateway presents itself. */
  server(names: readonly string[], life: Lifetime): Promise<TestServer>;
  /** What is asked for, under a name that the authority decides. */
  issue(csrPem: string, edge: string, life: Lifetime): Promise<string>;
  /** Key and certificate of an edge at once. */
  edge(edge: string, life: Lifetime): Promise<TestServer>;
}

let serial = 1;
const nextSerial = (): string => (serial += 1).toString(16).padStart(8, '0');

export async function testAuthority(name: string, { fromAt, toAt }: Lifetime): Promise<TestAuthority> {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const authority = await X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(), name: `CN=${name}`, notBefore: new Date(fromAt), notAfter: new Date(toAt), keys, signingAlgorithm: SIGNING,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const sign = async (
    subject: string,
    publicKey: CryptoKey,
    life: Lifetime,
    usage: string,
    names: readonly string[],
  ): Promise<X509Certificate> =>
    X509CertificateGenerator.create({
      serialNumber: nextSerial(), subject, issuer: authority.subject, publicKey, signingKey: keys.privateKey, signingAlgorithm: SIGNING,
      notBefore: new Date(life.fromAt), notAfter: new Date(life.toAt),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        await AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ...(names.length > 0
          ? [new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })))]
          : []),
      ],
    });
  const withKey = async (subject: string, life: Lifetime, usage: string, names: readonly string[]): Promise<TestServer> => {
    const own = await crypto.subtle.generateKey(EC, true, ['sign', 'verify']);
    const certificate = await sign(subject, own.publicKey, life, usage, names);
    const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64');
    return { certPem: `${certificate.toString('pem')}\n`, keyPem: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` };
  };
  const pem = `${authority.toString('pem')}\n`;
  return {
    pem,
    async server(names, life) {
      const { certPem, keyPem } = await withKey('CN=gateway', life, ExtendedKeyUsage.serverAuth, names);
      return { certPem: certPem + pem, keyPem };
    },
    async issue(csrPem, edge, life) {
      const csr = new Pkcs10CertificateRequest(csrPem);
      if (!(await csr.verify())) throw new Error('the request is not signed by its own key');
      const certificate = await sign(`CN=${edge}`, await csr.publicKey.export(), life, ExtendedKeyUsage.clientAuth, []);
      return `${certificate.toString('pem')}\n`;
    },
    edge: (edge, life) => withKey(`CN=${edge}`, life, ExtendedKeyUsage.clientAuth, []),
  };
}
