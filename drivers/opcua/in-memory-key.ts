/**
 * The key pair that the library needs even without security. Created in memory, once per process, so that an edge without
 * OPC UA security has no key files.
 */
import { hostname } from 'node:os';
import {
  CertificatePurpose,
  coercePEMorDerToPrivateKey,
  convertPEMtoDER,
  createSelfSignedCertificate,
  generatePrivateKey,
  privateKeyToPEM,
} from 'node-opcua-crypto';

export const APPLICATION_NAME = 'cityvitals';
/** The client's application URI, which must be in the certificate's subject alternative name. */
export const applicationUri = () => `urn:${hostname()}:${APPLICATION_NAME}`;

export type KeyPairProvider = Awaited<ReturnType<typeof makeProvider>>;
let made: Promise<KeyPairProvider> | undefined;

export function inMemoryKey(): Promise<KeyPairProvider> {
  made ??= makeProvider();
  return made;
}

async function makeProvider() {
  const key = await generatePrivateKey(2048);
  const { privPem } = await privateKeyToPEM(key);
  const { cert } = await createSelfSignedCertificate({
    privateKey: key,
    applicationUri: applicationUri(),
    subject: `/CN=${APPLICATION_NAME}`,
    dns: [hostname()],
    purpose: CertificatePurpose.ForApplication,
  });
  const certificate = convertPEMtoDER(cert);
  const privateKey = coercePEMorDerToPrivateKey(privPem);
  return { getCertificate: () => certificate, getCertificateChain: () => [certificate], getPrivateKey: () => privateKey };
}
