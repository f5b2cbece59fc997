/** What the uplink shows of itself and whom it trusts, read anew for each connection: `enrol` and renewal change it meanwhile. */
import { FaultError, type Fault } from '../../core/faults.ts';
import type { World } from '../../core/world.ts';
import { parseCertificates } from '../../core/certificates.ts';
import { readEdgeIdentity, type EdgeIdentity, type IdentityFiles } from './identity-folder.ts';
import { identityFault, knownTime } from './judge-identity.ts';
import type { TlsOptions } from './tls-connect.ts';
import './faults.ts';

export interface UplinkTls extends Pick<TlsOptions, 'ca' | 'authorities' | 'key' | 'cert'> {
  /** What is wrong with our own certificate: the likely reason where the gateway refuses it. */
  fault: Fault | null;
  /** The one that is shown. */
  identity: EdgeIdentity | null;
}

export interface UplinkTlsSettings {
  edge: string;
  /** Identity folder and a file with further CAs. */
  gateway: { identity?: string | undefined; ca?: string | undefined };
}

/**
 * @returns one that is empty trusts the CAs of Node
 * @throws CV_IDENTITY_MISSING, CV_IDENTITY_UNREADABLE, CV_IDENTITY_KEY, CV_IDENTITY_FOREIGN
 */
export async function uplinkTls(
  { edge, gateway }: UplinkTlsSettings,
  files: Pick<IdentityFiles, 'read'>,
  clock: World['clock'],
): Promise<UplinkTls> {
  const identity = gateway.identity === undefined ? null : await readEdgeIdentity(gateway.identity, files);
  const fault = identity && identityFault(identity, edge, knownTime(clock));
  // Shown to a gateway, it would speak as another edge. One that expired is shown: ours may be the clock that is wrong.
  if (fault?.code === 'CV_IDENTITY_FOREIGN') throw new FaultError(fault.code, fault.params);
  const further = gateway.ca === undefined ? '' : await authoritiesIn(gateway.ca, files);
  const ca = `${identity?.caPem ?? ''}${further}`;
  return {
    fault, identity,
    ...(ca !== '' && { ca, authorities: parseCertificates(ca) }),
    ...(identity && { key: identity.keyPem, cert: identity.certificatePem }),
  };
}

async function authoritiesIn(path: string, files: Pick<IdentityFiles, 'read'>): Promise<string> {
  try {
    const text = await files.read(path);
    if (text === null) throw new Error('ENOENT');
    parseCertificates(text);
    return `\n${text}`;
  } catch (error) {
    const detail = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    throw new FaultError('CV_IDENTITY_UNREADABLE', { path, detail }, { cause: error });
  }
}
