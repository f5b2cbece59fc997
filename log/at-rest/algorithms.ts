/**
 * How a chunk of an encrypted file is made unreadable, and its change noticed. A key is for one file alone, and a nonce for
 * one chunk of it: neither cipher ever sees the same pair twice.
 */
import { createCipheriv, createDecipheriv, createHmac, getCiphers, getHashes, timingSafeEqual } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import './faults.ts';

export const AT_REST_ALGORITHMS = ['aes-256-gcm', 'sm4-ctr-hmac-sm3'] as const;
export type AtRestAlgorithm = (typeof AT_REST_ALGORITHMS)[number];

export const NONCE_BYTES = 12;

export interface ChunkCipher {
  /** Ciphertext, then tag. */
  encrypt(nonce: Uint8Array, plain: Uint8Array): Buffer;
  /** null: it is not what was encrypted under this key and nonce. */
  decrypt(nonce: Uint8Array, chunk: Uint8Array): Buffer | null;
}

interface AlgorithmTraits {
  /** In the header of a file. */
  code: number;
  /** In the names of files. */
  label: string;
  /** Of the derivation of keys. */
  digest: 'sha256' | 'sm3';
  keyBytes: number;
  tagBytes: number;
  /** What OpenSSL must have. */
  needs: { ciphers: readonly string[]; hashes: readonly string[] };
  cipher(key: Uint8Array): ChunkCipher;
}

const GCM_KEY_BYTES = 32;
const GCM_TAG_BYTES = 16;
const SM4_KEY_BYTES = 16;
const SM3_BYTES = 32;
/** SM4 in counter mode counts blocks in the last four bytes of its IV: 64 GiB, and a chunk is far smaller. */
const BLOCK_COUNTER = Buffer.alloc(4);

const aes256Gcm = (key: Uint8Array): ChunkCipher => ({
  encrypt(nonce, plain) {
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES });
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  },
  decrypt(nonce, chunk) {
    const end = chunk.length - GCM_TAG_BYTES;
    if (end < 0) return null;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: GCM_TAG_BYTES }).setAuthTag(chunk.subarray(end));
    const plain = decipher.update(chunk.subarray(0, end));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plain;
  },
});

/** Encrypted first, the tag is of the ciphertext: nothing is decrypted before it was checked. */
function sm4CtrHmacSm3(keys: Uint8Array): ChunkCipher {
  const [key, tagKey] = [keys.subarray(0, SM4_KEY_BYTES), keys.subarray(SM4_KEY_BYTES)];
  const iv = (nonce: Uint8Array) => Buffer.concat([nonce, BLOCK_COUNTER]);
  const tagOf = (nonce: Uint8Array, text: Uint8Array) => createHmac('sm3', tagKey).update(nonce).update(text).digest();
  return {
    encrypt(nonce, plain) {
      const text = createCipheriv('sm4-ctr', key, iv(nonce)).update(plain);
      return Buffer.concat([text, tagOf(nonce, text)]);
    },
    decrypt(nonce, chunk) {
      const end = chunk.length - SM3_BYTES;
      if (end < 0) return null;
      const text = chunk.subarray(0, end);
      return timingSafeEqual(tagOf(nonce, text), chunk.subarray(end)) ? createDecipheriv('sm4-ctr', key, iv(nonce)).update(text) : null;
    },
  };
}

export const ALGORITHM_TRAITS: Readonly<Record<AtRestAlgorithm, AlgorithmTraits>> = {
  'aes-256-gcm': {
    code: 1, label: 'aes', digest: 'sha256', keyBytes: GCM_KEY_BYTES, tagBytes: GCM_TAG_BYTES,
    needs: { ciphers: ['aes-256-gcm'], hashes: ['sha256'] }, cipher: aes256Gcm,
  },
  'sm4-ctr-hmac-sm3': {
    code: 2, label: 'sm4', digest: 'sm3', keyBytes: SM4_KEY_BYTES + SM3_BYTES, tagBytes: SM3_BYTES,
    needs: { ciphers: ['sm4-ctr'], hashes: ['sm3'] }, cipher: sm4CtrHmacSm3,
  },
};

export const algorithmOfCode = (code: number): AtRestAlgorithm | undefined =>
  AT_REST_ALGORITHMS.find((one) => ALGORITHM_TRAITS[one].code === code);
export const algorithmOfLabel = (label: string): AtRestAlgorithm | undefined =>
  AT_REST_ALGORITHMS.find((one) => ALGORITHM_TRAITS[one].label === label);

/** What OpenSSL has; for tests. */
export interface OpensslParts {
  ciphers: readonly string[];
  hashes: readonly string[];
}

/** @throws FaultError CV_AT_REST_ALGORITHM where this Node.js was built without it, or is told not to use it */
export function requireAlgorithm(algorithm: AtRestAlgorithm, has: OpensslParts = { ciphers: getCiphers(), hashes: getHashes() }): void {
  const { ciphers, hashes } = ALGORITHM_TRAITS[algorithm].needs;
  const known = new Set([...has.ciphers, ...has.hashes].map((name) => name.toLowerCase()));
  const missing = [...ciphers, ...hashes].filter((name) => !known.has(name));
  if (missing.length > 0) throw new FaultError('CV_AT_REST_ALGORITHM', { algorithm, missing: missing.join(', ') });
}
