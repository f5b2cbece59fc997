import 'reflect-metadata';
import { X509CertificateGenerator } from '@peculiar/x509';
import { join } from 'node:path';
import { makeAuthority, type KeyPair } from '../../../gateway/certificates/issuing.ts';
import { askForRenewal, certificateFor, gatewayAuthority, knockAtBroker, lifeOf } from '../identities.ts';
import { tokenOf, type Attack } from '../rig.ts';

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
/** Longer ago than an edge may be away. */
const LONG_AGO = lifeOf(-400, -200);

export default {
  name: 'certificates that have ended, were revoked, are self-signed or of another CA, none, and that of another edge', clause: 'own',
  async run(rig) {
    const [own, foreign] = [await gatewayAuthority(rig), await makeAuthority('attacked', Date.now())];
    const { identity } = await rig.administrator.enrol('wanted', join(rig.dir, 'wanted'));
    const wanted: KeyPair = { keyPem: identity.keyPem, certificatePem: identity.certificatePem };
    const { identity: gone } = await rig.administrator.enrol('revoked', join(rig.dir, 'revoked'));
    const revoked: KeyPair = { keyPem: gone.keyPem, certificatePem: gone.certificatePem };
    await rig.administrator.post('certificates/revocation', { which: 'revoked' });
    const bad: [string, KeyPair | null, string][] = [
      ['ended', await certificateFor('wanted', LONG_AGO, own), 'wanted'],
      ['not yet', await certificateFor('wanted', lifeOf(200, 400), own), 'wanted'],
      ['revoked', revoked, 'revoked'],
      ['self-signed', await selfSigned('wanted'), 'wanted'],
      ['other CA', await certificateFor('wanted', lifeOf(0, 90), foreign), 'wanted'],
      ['none', null, 'wanted'],
      ['of another', wanted, 'honest'],
      ['two names', await certificateFor('wanted, CN=honest', lifeOf(0, 90), foreign), 'honest'],
    ];
    const wrong: string[] = [];
    for (const [name, shown, edge] of bad) {
      const said = await knockAtBroker(rig, shown, edge);
      if (said !== '5') wrong.push(`${name} at the broker: ${said}`);
      if (!shown || name === 'not yet' || name === 'of another') continue;
      const renewed = await askForRenewal(rig, edge, shown.certificatePem, shown.keyPem);
      if (!renewed.startsWith('4')) wrong.push(`${name} renewed: ${renewed}`);
    }
    // A token that is right does not help who shows the certificate of somebody else.
    const mixed = await knockAtBroker(rig, wanted, 'hostile', { username: 'hostile', password: tokenOf('hostile') });
    if (mixed !== '5') wrong.push(`a token beside the certificate of another: ${mixed}`);
    const right = await knockAtBroker(rig, wanted, 'wanted');
    return {
      held: wrong.length === 0 && right === 'in',
      detail: `${wrong.length === 0 ? `none of ${bad.length + 1} gets in or is renewed` : wrong.join(', ')}; the right one: ${right}`,
    };
  },
} satisfies Attack;

async function selfSigned(edge: string): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${edge}`, keys, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000),
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { keyPem: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`, certificatePem: `${certificate.toString('pem')}\n` };
}
