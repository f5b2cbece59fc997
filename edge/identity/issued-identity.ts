/** What a gateway answers to an enrolment or a renewal, checked against what was asked for: it decides by whom this box is led. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { brokerUrl } from '../../core/config/address.ts';
import { FaultError } from '../../core/faults.ts';
import { commonNameOf, issuerAmong, parseCertificates } from '../../core/certificates.ts';
import type { EnrolmentRecord, IssuedIdentity } from './identity-folder.ts';
import './faults.ts';

const PEM = z.string().max(64 * 1024);
const ANSWER = z.object({
  certificate: PEM,
  /** One CA, or those that count while one takes the place of another. */
  ca: PEM,
  centre: z.string().min(1).max(64).optional(),
  broker: brokerUrl().optional(),
  /** Ed25519, SPKI. */
  commandKey: PEM.optional(),
});

export interface Requested {
  edge: string;
  keyPem: string;
  /** `host:port`, for faults. */
  address: string;
  /** What is not in the answer stays. */
  enrolment: Partial<EnrolmentRecord> & Pick<EnrolmentRecord, 'gateway'>;
}

/** @throws CV_ENROLMENT_ANSWER */
export function issuedIdentity(
  body: unknown,
  { edge, keyPem, address, enrolment }: Requested,
): IssuedIdentity & { authorities: X509Certificate[] } {
  const refuse = (detail: string, detailZh = detail) => new FaultError('CV_ENROLMENT_ANSWER', { address, detail, detailZh });
  const parsed = ANSWER.safeParse(body);
  if (!parsed.success) throw refuse(z.prettifyError(parsed.error).replaceAll('\n', ' ').slice(0, 300));
  const { data } = parsed;
  const centre = data.centre ?? enrolment.centre;
  const broker = data.broker ?? enrolment.broker;
  if (centre === undefined || broker === undefined) throw refuse('it names no centre or no broker', '未给出中心或消息服务器');
  let read;
  try {
    read = {
      certificate: parseCertificates(data.certificate)[0] as X509Certificate,
      authorities: parseCertificates(data.ca),
      commandKey: data.commandKey === undefined ? null : createPublicKey(data.commandKey),
    };
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const { certificate, authorities, commandKey } = read;
  if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) throw refuse('the certificate is for another key', '证书对应另一个私钥');
  if (commonNameOf(certificate) !== edge) throw refuse(`the certificate is not for ${edge}`, `证书不属于 ${edge}`);
  if (!issuerAmong(certificate, authorities)) throw refuse('the certificate is not from the CA beside it', '证书不是由所附 CA 签发');
  if (commandKey && commandKey.asymmetricKeyType !== 'ed25519') throw refuse('the key for commands is not Ed25519', '命令公钥不是 Ed25519');
  return {
    certificatePem: data.certificate, caPem: data.ca, commandKeyPem: data.commandKey ?? null,
    enrolment: { gateway: enrolment.gateway, broker, centre }, authorities,
  };
}
