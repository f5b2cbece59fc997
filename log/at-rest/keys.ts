/** The keys by which files are encrypted on disk: one for new files, and those of before for reading. */
import { hkdfSync } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import { requireAlgorithm, type AtRestAlgorithm, type OpensslParts } from './algorithms.ts';
import type { AtRestSetup } from './setting.ts';
import './faults.ts';

/** Says which key a file needs, and nothing of the key itself. */
const KEY_ID_BYTES = 8;
const KEY_ID_USE = 'cityvitals at rest: key id';

/** How new files are encrypted. */
export interface WritingKey {
  /** 16 hexadecimal digits. */
  id: string;
  algorithm: AtRestAlgorithm;
  secret: Buffer;
}

export class AtRestKeys {
  readonly #byId = new Map<string, Buffer>();
  readonly #current: WritingKey | null;

  /** @throws FaultError CV_AT_REST_ALGORITHM */
  constructor(setup: AtRestSetup | null | undefined, has?: OpensslParts) {
    const { key = null, algorithm = 'aes-256-gcm', oldKeys = [] } = setup ?? {};
    if (key !== null) requireAlgorithm(algorithm, has);
    const secrets = [...(key === null ? [] : [key]), ...oldKeys].map((text) => Buffer.from(text, 'base64'));
    for (const secret of secrets) this.#byId.set(atRestKeyId(secret), secret);
    const [secret] = secrets;
    this.#current = key === null || !secret ? null : { id: atRestKeyId(secret), algorithm, secret };
  }

  /** null: new files are written as they are. */
  get current(): WritingKey | null {
    return this.#current;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** @param path what is encrypted with it. @throws FaultError CV_AT_REST_KEY */
  get(id: string, path: string): Buffer {
    const secret = this.#byId.get(id);
    if (!secret) throw missingKey(id, path, 1);
    return secret;
  }
}

/** @param count of files */
export const missingKey = (key: string, path: string, count: number): FaultError => new FaultError('CV_AT_REST_KEY', { key, path, count });

const atRestKeyId = (secret: Uint8Array): string => Buffer.from(hkdfSync('sha256', secret, '', KEY_ID_USE, KEY_ID_BYTES)).toString('hex');
