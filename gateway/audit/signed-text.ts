/**
 * One line of JSON with an Ed25519 signature as its last field. What is signed is the line without it, behind a word that
 * says what it is for, so that nothing that was signed for one purpose counts for another.
 */
import { sign, verify, type KeyObject } from 'node:crypto';
import { parseJson } from '../../core/wire/json.ts';

export type SigningPurpose = 'checkpoint' | 'head' | 'begin';

export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
}

export type PublicKeys = ReadonlyMap<string, KeyObject>;

const SIGNATURE = /^(\{.*),"sig":"([\w-]{86})"\}$/s;
const messageOf = (purpose: SigningPurpose, body: string): Buffer => Buffer.from(`cityvitals audit 1 ${purpose}\n${body}`);

export function signText(purpose: SigningPurpose, body: object, key: SigningKey): string {
  const text = JSON.stringify(body);
  return `${text.slice(0, -1)},"sig":"${sign(null, messageOf(purpose, text), key.privateKey).toString('base64url')}"}`;
}

/** Whether its signature is of this key; without a key, and for a text that has none: false. */
export function isSigned(purpose: SigningPurpose, text: string, key: KeyObject | undefined): boolean {
  const [, body, signature] = SIGNATURE.exec(text) ?? [];
  if (!key || body === undefined || signature === undefined) return false;
  const bytes = Buffer.from(signature, 'base64url');
  // The last letter has two bits over: another one with the same 64 bytes is a changed byte all the same.
  return bytes.toString('base64url') === signature && verify(null, messageOf(purpose, `${body}}`), key, bytes);
}

/** null where it is no JSON object. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = parseJson(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    // Whoever asks says what it means.
    return null;
  }
}
