/**
 * An encrypted file: a header, then chunks of 64 KiB, each with a tag of its own. Each file has a key of its own, derived from
 * the configured one, a random salt, the header and what the file is; a chunk's nonce is its number and whether it is the last
 * (STREAM, Hoang et al. 2015, as in age). So a changed byte, a chunk too few, too many or elsewhere, and a file under another's name
 * are all found, and a part can be read without the rest.
 */
import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import { ALGORITHM_TRAITS, algorithmOfCode, NONCE_BYTES, requireAlgorithm, type AtRestAlgorithm, type ChunkCipher } from './algorithms.ts';
import type { AtRestKeys, WritingKey } from './keys.ts';
import './faults.ts';

export const CHUNK_BYTES = 65_536;
const CHUNK_POWER = 16;
/** Its first byte is in no text, its last two are changed by whatever takes it for one. */
const MAGIC = Buffer.from('894356454e430d0a', 'hex');
const VERSION = 1;
const CODE_AT = 9;
const KEY_ID_AT = 12;
const SALT_AT = 20;
/** Magic 8, version, algorithm, power of two of a chunk, 0, key id 8, salt 32. */
export const HEADER_BYTES = 52;
const FILE_KEY_USE = 'cityvitals at rest: file';

/** Where an encrypted file lies, and what it is, by a name that it keeps wherever it lies: `evidence:<sha256>`. */
export interface EncryptedPlace {
  path: string;
  name: string;
}

export const isEncrypted = (head: Uint8Array): boolean => MAGIC.equals(head.subarray(0, MAGIC.length));

/** Whether a new file would be written in the same way. @param key null: as it is */
export function isWrittenBy(content: Uint8Array, key: WritingKey | null): boolean {
  if (!isEncrypted(content)) return key === null;
  const { code } = ALGORITHM_TRAITS[key?.algorithm ?? 'aes-256-gcm'];
  return key !== null && content[CODE_AT] === code && Buffer.from(content.subarray(KEY_ID_AT, SALT_AT)).toString('hex') === key.id;
}

export function newHeader({ id, algorithm }: WritingKey): Buffer {
  const { code } = ALGORITHM_TRAITS[algorithm];
  return Buffer.concat([MAGIC, Buffer.from([VERSION, code, CHUNK_POWER, 0]), Buffer.from(id, 'hex'), randomBytes(HEADER_BYTES - SALT_AT)]);
}

/** Key id and algorithm; neither is believed before a chunk was read. @throws FaultError CV_AT_REST_DAMAGED, CV_AT_REST_ALGORITHM */
function parseHeader(header: Uint8Array, path: string): { id: string; algorithm: AtRestAlgorithm } {
  const [version, code = 0, power, zero] = header.subarray(MAGIC.length, KEY_ID_AT);
  const id = Buffer.from(header.subarray(KEY_ID_AT, SALT_AT)).toString('hex');
  const algorithm = algorithmOfCode(code);
  if (header.length < HEADER_BYTES || !isEncrypted(header)) throw damaged(path, '?', 'it has no header', '没有文件头');
  if (version !== VERSION || !algorithm || power !== CHUNK_POWER || zero !== 0)
    throw damaged(path, id, `its header is of no known form (version ${version}, algorithm ${code})`, `文件头格式未知（版本 ${version}，算法 ${code}）`);
  requireAlgorithm(algorithm);
  return { id, algorithm };
}

export function fileCipher(secret: Uint8Array, algorithm: AtRestAlgorithm, header: Uint8Array, name: string): ChunkCipher {
  const { digest, keyBytes, cipher } = ALGORITHM_TRAITS[algorithm];
  const use = Buffer.concat([Buffer.from(FILE_KEY_USE), header, createHash(digest).update(name).digest()]);
  return cipher(Buffer.from(hkdfSync(digest, secret, header.subarray(SALT_AT), use, keyBytes)));
}

export function nonceOf(index: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUIntBE(index, NONCE_BYTES - 7, 6);
  nonce[NONCE_BYTES - 1] = isLast ? 1 : 0;
  return nonce;
}

/** Encrypted size of so many bytes. */
export function encryptedBytes(plain: number, algorithm: AtRestAlgorithm): number {
  return HEADER_BYTES + plain + Math.max(1, Math.ceil(plain / CHUNK_BYTES)) * ALGORITHM_TRAITS[algorithm].tagBytes;
}

/** null: no file is of this size. */
export function plainBytes(encrypted: number, algorithm: AtRestAlgorithm): number | null {
  const { tagBytes } = ALGORITHM_TRAITS[algorithm];
  const chunks = Math.max(1, Math.ceil((encrypted - HEADER_BYTES) / (CHUNK_BYTES + tagBytes)));
  const plain = encrypted - HEADER_BYTES - chunks * tagBytes;
  return plain >= 0 && encryptedBytes(plain, algorithm) === encrypted ? plain : null;
}

/** What reads the chunks of one file. */
export class ChunkDecryptor {
  readonly bytes: number;
  readonly chunkBytes: number;
  readonly #cipher: ChunkCipher;
  readonly #path: string;
  readonly #id: string;

  /** @param size of the whole file. @throws FaultError CV_AT_REST_DAMAGED, CV_AT_REST_KEY, CV_AT_REST_ALGORITHM */
  constructor(header: Uint8Array, size: number, { path, name }: EncryptedPlace, keys: Pick<AtRestKeys, 'get'>) {
    const { id, algorithm } = parseHeader(header, path);
    const bytes = plainBytes(size, algorithm);
    if (bytes === null) throw damaged(path, id, `its size is ${size}`, `文件大小为 ${size}`);
    this.bytes = bytes;
    this.chunkBytes = CHUNK_BYTES + ALGORITHM_TRAITS[algorithm].tagBytes;
    this.#cipher = fileCipher(keys.get(id, path), algorithm, header, name);
    this.#path = path;
    this.#id = id;
  }

  get last(): number {
    return Math.max(0, Math.ceil(this.bytes / CHUNK_BYTES) - 1);
  }

  /** @throws FaultError CV_AT_REST_DAMAGED */
  decrypt(index: number, chunk: Uint8Array): Buffer {
    const plain = this.#cipher.decrypt(nonceOf(index, index === this.last), chunk);
    if (plain) return plain;
    const [nth, of] = [index + 1, this.last + 1];
    throw damaged(this.#path, this.#id, `chunk ${nth} of ${of} has another tag`, `第 ${nth} 块（共 ${of} 块）校验不符`);
  }
}

const damaged = (path: string, key: string, detail: string, detailZh: string) =>
  new FaultError('CV_AT_REST_DAMAGED', { path, key, detail, detailZh });
