/**
 * Enrolment codes: what a field engineer types. A secret that the gateway knows by its hash, and the beginning of the
 * SHA-256 of the gateway's CA, by which the box knows the gateway before it sends anything.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import './faults.ts';

/** RFC 4648, without padding: no character is taken for another one but those that `readable` puts right. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const SECRET_CHARACTERS = 16;
const DIGEST_BYTES = 16;
const DIGEST_CHARACTERS = 26;

export interface EnrolmentCode {
  /** What is sent. */
  secret: string;
  /** As `authorityDigest` gives it. */
  caDigest: string;
}

/** @throws CV_ENROLMENT_CODE; the code itself is in no message: it is a secret */
export function parseEnrolmentCode(text: string): EnrolmentCode {
  // Typed from paper or a telephone: case, blanks and dashes say nothing, and 0, 1 and 8 are letters that look like them.
  const readable = text.slice(0, 200).toUpperCase().replace(/[\s-]/g, '').replaceAll('0', 'O').replaceAll('1', 'I').replaceAll('8', 'B');
  const want = SECRET_CHARACTERS + DIGEST_CHARACTERS;
  if (readable.length !== want)
    throw new FaultError('CV_ENROLMENT_CODE', {
      detail: `${readable.length} of ${want} characters`,
      detailZh: `应为 ${want} 个字符，现为 ${readable.length} 个`,
    });
  const wrong = [...readable].find((character) => !ALPHABET.includes(character));
  if (wrong !== undefined)
    throw new FaultError('CV_ENROLMENT_CODE', { detail: `no code contains "${wrong}"`, detailZh: `入网码中不会出现“${wrong}”` });
  return { secret: readable.slice(0, SECRET_CHARACTERS), caDigest: readable.slice(SECRET_CHARACTERS) };
}

/** By which a CA is named in codes, on the screen and over the telephone: the first 128 bits of the SHA-256 of its DER. */
export function authorityDigest({ raw }: Pick<X509Certificate, 'raw'>): string {
  return base32(createHash('sha256').update(raw).digest().subarray(0, DIGEST_BYTES));
}

export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text;
}
