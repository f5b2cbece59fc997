/**
 * Enrolment codes: what a field engineer types. A secret that the gateway knows by its hash, and the beginning of the
 * SHA-256 of the gateway's CA, by which the box knows the gateway before it sends anything.
 */
import { BASE32_ALPHABET } from '../../core/certificates.ts';
import { FaultError } from '../../core/faults.ts';
import './faults.ts';

const SECRET_CHARACTERS = 16;
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
  const wrong = [...readable].find((character) => !BASE32_ALPHABET.includes(character));
  if (wrong !== undefined)
    throw new FaultError('CV_ENROLMENT_CODE', { detail: `no code contains "${wrong}"`, detailZh: `入网码中不会出现“${wrong}”` });
  return { secret: readable.slice(0, SECRET_CHARACTERS), caDigest: readable.slice(SECRET_CHARACTERS) };
}
