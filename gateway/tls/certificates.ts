/** What TLS needs to know of certificates: what the gateway shows, and what it makes of those that edges show. */
import type { X509Certificate } from 'node:crypto';
import type { Fault } from '../../core/faults.ts';

/** PEM. */
export interface ServerCertificate {
  keyPem: string;
  /** The gateway's own first, then those above it. */
  certificatePem: string;
}

/** Who somebody is by a certificate. */
export interface CertifiedEdge {
  edge: string;
  /** That it speaks for. */
  centres: readonly string[];
  serialNumber: string;
}

export interface EdgeCertificates {
  /** Or why it is not let in. */
  judge(certificate: X509Certificate): CertifiedEdge | Fault;
  /** Whether it had certificates, and all of them were revoked: no other way is open to it either. */
  isRevoked(edge: string): boolean;
}
