/** A certificate request as a box makes it, from any key. */
import 'reflect-metadata';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';

export async function signingRequestFor(commonName: string, keyPem: string, namedCurve = 'P-256'): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve };
  const der = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [commonName] }],
    keys: {
      privateKey: await crypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']),
      publicKey: await crypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
    },
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  return `${request.toString('pem')}\n`;
}
