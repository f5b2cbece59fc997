/** Certificate requests (PKCS #10). The library is loaded when one is made: on most days none is. */
import { createPublicKey } from 'node:crypto';

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** @param keyPem P-256, PKCS #8 */
export async function signingRequest(edge: string, keyPem: string): Promise<string> {
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const der = Buffer.from(keyPem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const spki = createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
  const keys = {
    privateKey: await crypto.subtle.importKey('pkcs8', der, EC, true, ['sign']),
    publicKey: await crypto.subtle.importKey('spki', spki, EC, true, ['verify']),
  };
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [edge] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return `${request.toString('pem')}\n`;
}
