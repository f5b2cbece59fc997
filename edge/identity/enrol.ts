/**
 * Enrolment: this box makes a key, and with a one-time code has the gateway certify it. The gateway is known by the digest
 * of its CA in the code: whoever shows another one gets nothing, not even the code.
 */
import type { X509Certificate } from 'node:crypto';
import { authorityDigest } from '../../core/certificates.ts';
import { FaultError, type Fault } from '../../core/faults.ts';
import type { HostPort } from '../../core/net.ts';
import type { World } from '../../core/world.ts';
import { parseEnrolmentCode } from './enrolment-code.ts';
import { postToGateway, refusalOf, type GatewayAnswer } from './gateway-request.ts';
import { nextKey, readEdgeIdentity, replaceIdentity, type EdgeIdentity, type IdentityFiles } from './identity-folder.ts';
import { issuedIdentity } from './issued-identity.ts';
import { signingRequest } from './signing-request.ts';
import { addressOf, connectTls, hostPortOf } from './tls-connect.ts';
import './faults.ts';

const PATH = '/api/v1/enrolment';
const MAX_CONNECT_MS = 10_000;

export interface EnrolmentRequest {
  /** https; its path is not used. */
  gateway: URL;
  code: string;
  edge: string;
  /** The edge whose place this one takes; the code must say so too. */
  replaces?: string | undefined;
  dir: string;
}

export interface Enrolment {
  identity: EdgeIdentity;
  /** ms by which the gateway's clock is ahead of ours; null when it did not say. */
  gatewayAheadMs: number | null;
}

/** @throws CV_ENROLMENT_…, CV_TLS_FAILED, CV_SERVER_…, CV_IDENTITY_UNREADABLE; the identity before, if there is one, stays then */
export async function enrol(
  request: EnrolmentRequest,
  files: IdentityFiles,
  clock: World['clock'],
  signal?: AbortSignal,
): Promise<Enrolment> {
  const { gateway, edge, dir } = request;
  const { secret, caDigest } = parseEnrolmentCode(request.code);
  const target = hostPortOf(gateway, 443);
  const address = addressOf(target);
  const keyPem = await nextKey(dir, files);
  const csr = await signingRequest(edge, keyPem);
  const body = { edge, code: secret, csr, ...(request.replaces !== undefined && { replaces: request.replaces }) };
  const authority = await shownAuthority(target, caDigest, clock, signal);
  const tls = { ca: authority.toString(), authorities: [authority] };
  const answer = await postToGateway(gateway, PATH, body, tls, clock, signal);
  if (answer.status !== 200 && answer.status !== 201) throw enrolmentRefusal(answer, address);
  const issued = issuedIdentity(answer.body, { edge, keyPem, address, enrolment: { gateway: gateway.origin } });
  if (!issued.authorities.some((one) => authorityDigest(one) === caDigest))
    throw new FaultError('CV_ENROLMENT_ANSWER', { address, detail: 'its CA is not that of the code', detailZh: '其 CA 与入网码不符' });
  await replaceIdentity(dir, issued, files);
  const gatewayAheadMs = answer.dateAt === null ? null : answer.dateAt - clock.nowMs();
  return { identity: await readEdgeIdentity(dir, files), gatewayAheadMs };
}

/**
 * The CA that a server shows and that the code names. Nothing is sent here; with the CA in hand a second connection is
 * judged like any other, those in between included. @throws CV_ENROLMENT_CA
 */
async function shownAuthority(target: HostPort, caDigest: string, clock: World['clock'], signal?: AbortSignal): Promise<X509Certificate> {
  let authority: X509Certificate | undefined;
  const judge = (presented: readonly X509Certificate[]): Fault | null => {
    authority = presented.find((one) => authorityDigest(one) === caDigest);
    return authority ? null : { code: 'CV_ENROLMENT_CA', params: { address: addressOf(target) } };
  };
  const limit = new AbortController();
  const timer = clock.after(MAX_CONNECT_MS, () => limit.abort());
  try {
    (await connectTls(target, { judge }, clock, signal ? AbortSignal.any([signal, limit.signal]) : limit.signal)).destroy();
  } finally {
    timer.cancel();
  }
  return authority as unknown as X509Certificate;
}

function enrolmentRefusal(answer: GatewayAnswer, address: string): FaultError {
  const { detail, advice } = refusalOf(answer);
  return new FaultError('CV_ENROLMENT_REFUSED', {
    address,
    detail,
    advice: advice || 'ask the centre for a new code',
    adviceZh: advice || '请向中心索取新的入网码',
  });
}
