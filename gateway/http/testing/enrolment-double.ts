/** Certificates as the API's examples have them: every question is answered, nothing changes. */
import {
  AUTHORITIES_EXAMPLE,
  EDGE_CERTIFICATE_EXAMPLE,
  EDGE_IDENTITY_EXAMPLE,
  ENROLMENT_CODE_EXAMPLE,
  NEW_ENROLMENT_CODE_EXAMPLE,
} from '../../../api/enrolment.ts';
import type { CertificateRecord, CodeRecord } from '../../certificates/records.ts';
import { unknownId } from '../route.ts';
import type { EnrolmentSource } from '../sources.ts';

interface KnownEdge {
  /** Of its code. */
  id: string;
  edge: string;
  centres: string[];
}

/** @param known edges that have a code and a certificate; another is not found */
export function enrolmentDouble(known: readonly KnownEdge[] = [ENROLMENT_CODE_EXAMPLE]): EnrolmentSource {
  const { used: _, ...code } = ENROLMENT_CODE_EXAMPLE;
  const codes = known.map((one): CodeRecord => ({ ...code, ...one, hash: 'x' }));
  const certificates = known.map(({ edge, centres }): CertificateRecord => ({
    ...EDGE_CERTIFICATE_EXAMPLE, edge, centres, revokedAt: undefined, keyDigest: 'x', certificatePem: EDGE_IDENTITY_EXAMPLE.certificate,
  }));
  const certificate = certificates[0] as CertificateRecord;
  return {
    commandKey: () => Promise.resolve(EDGE_IDENTITY_EXAMPLE.commandKey),
    brokerUrl: () => EDGE_IDENTITY_EXAMPLE.broker,
    edges: {
      trustedPem: EDGE_IDENTITY_EXAMPLE.ca,
      enrol: () => Promise.resolve(certificate),
      renew: () => Promise.resolve(certificate),
      certificates: () => certificates,
      codes: () => codes,
      addCode({ edge }) {
        const record = codes.find((one) => one.edge === edge);
        return record
          ? Promise.resolve({ record, code: NEW_ENROLMENT_CODE_EXAMPLE.code })
          : Promise.reject(unknownId({ en: '', zh: '' }, edge, ''));
      },
      replaceAuthority: () => Promise.resolve(AUTHORITIES_EXAMPLE.authorities),
      removeCode: () => Promise.resolve(true),
      revoke: (which) =>
        Promise.resolve(certificates.filter(({ edge }) => edge === which).map((one) => ({ ...one, revokedAt: one.issuedAt }))),
    },
  };
}
