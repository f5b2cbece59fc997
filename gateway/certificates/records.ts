/** What `certificates.db` holds: certificates that were issued, and enrolment codes by their hash. */
import { z } from 'zod';
import type { JsonRowChange } from '../sqlite/json-rows.ts';

export const CERTIFICATE_TABLES = ['certificates', 'codes'] as const;
export type CertificateTable = (typeof CERTIFICATE_TABLES)[number];
export type CertificateChange = JsonRowChange<CertificateTable>;

const centres = z.array(z.string()).min(1);

export const certificateRecord = z.object({
  /** Hexadecimal in capitals, without leading zeros, as node:crypto writes it. */
  serialNumber: z.string(),
  edge: z.string(),
  /** Centres that the edge speaks for, its own first. */
  centres,
  /** SHA-256 of the public key (SPKI), base64url: who asks again for the same key gets the same certificate. */
  keyDigest: z.string(),
  certificatePem: z.string(),
  notBeforeAt: z.number(),
  notAfterAt: z.number(),
  issuedAt: z.number(),
  /** How it came about: by a code, by the certificate before it, or by one that had ended. */
  by: z.enum(['code', 'renewal', 'grace']),
  /** Of the certificate before it. */
  renews: z.string().optional(),
  revokedAt: z.number().optional(),
});
export type CertificateRecord = z.infer<typeof certificateRecord>;

export const codeRecord = z.object({
  /** Of the secret half. */
  hash: z.string(),
  id: z.string(),
  edge: z.string(),
  centres,
  /** The edge whose place this one takes. */
  replaces: z.string().optional(),
  createdBy: z.string(),
  createdAt: z.number(),
  expiresAt: z.number(),
  /** Key that it was used for. */
  keyDigest: z.string().optional(),
});
export type CodeRecord = z.infer<typeof codeRecord>;
