/**
 * The key pair that the library wants to have even where nothing is signed or encrypted. Made in memory, once a
 * process, so that an edge that speaks without security leaves no key files behind.
 */
import { hostname } from 'node:os';
import { CertificatePurpose, coercePEMorDerToPrivateKey, convertPEMtoDER, createSelfSignedCertificate, generatePrivateKey, privateKeyToPEM } from 'node-opcua-crypto';

export const APPLICATION_NAME = 'cityvitals';
/** The client's name in the standard's form; the certificate's subject alternative name must carry the same. */
export const applicationUri = () => `urn:${hostname()}:${APPLICATION_NAME}`;

export type KeyPairProvider = Awaited<ReturnType<typeof makeProvider>>;
let made: Promise<KeyPairProvider> | undefined;

export function ownKey(): Promise<KeyPairProvider> {
  made ??= makeProvider();
  return made;
}

async function makeProvider() {
  const key = await generatePrivateKey(2048);
  const { privPem } = await privateKeyToPEM(key);
  const { cert } = await createSelfSignedCertificate({ privateKey: key, applicationUri: applicationUri(), subject: `/CN=${APPLICATION_NAME}`, dns: [hostname()], purpose: CertificatePurpose.ForApplication });
  const certificate = convertPEMtoDER(cert);
  const privateKey = coercePEMorDerToPrivateKey(privPem);
  return { getCertificate: () => certificate, getCertificateChain: () => [certificate], getPrivateKey: () => privateKey };
}
