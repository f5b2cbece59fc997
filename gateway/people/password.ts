/**
 * Passwords as argon2id hashes (RFC 9106, of Node's own OpenSSL), each with the parameters that it was made with. A hash
 * takes memory and a core for some time: two at once, and a short queue; whoever floods with guesses waits for himself.
 */
import { argon2, randomBytes, timingSafeEqual, type Argon2Parameters } from 'node:crypto';
import { FaultError } from '../../core/faults.ts';
import './faults.ts';

const MIN_PASSWORD_CHARS = 10;
/** In UTF-8; looked at before anything is hashed. */
const MAX_PASSWORD_BYTES = 1024;
const MAX_AT_ONCE = 2;
const MAX_WAITING = 32;
const TAG_BYTES = 32;
const SALT_BYTES = 16;
const FORM = /^argon2id\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,2})\$([\w-]{8,128})\$([\w-]{8,128})$/;

export interface HashCost {
  memoryKiB: number;
  passes: number;
}
/** The first choice of OWASP's Password Storage Cheat Sheet, 2025. */
export const HASH_COST: HashCost = { memoryKiB: 19_456, passes: 2 };

export class Passwords {
  readonly #cost: HashCost;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** Verified where there is no user, so that it takes as long. */
  #nobodys: Promise<string> | null = null;

  constructor(cost: HashCost = HASH_COST) {
    this.#cost = cost;
  }

  /** @throws CV_USER_PASSWORD, CV_SIGN_IN_BUSY */
  async hash(password: string): Promise<string> {
    if ([...password].length < MIN_PASSWORD_CHARS || Buffer.byteLength(password) > MAX_PASSWORD_BYTES)
      throw new FaultError('CV_USER_PASSWORD', { min: MIN_PASSWORD_CHARS, max: MAX_PASSWORD_BYTES });
    return this.#make(password);
  }

  /** @param stored null where there is nobody: it takes as long, and is false. @throws CV_SIGN_IN_BUSY */
  async verify(password: string, stored: string | null): Promise<boolean> {
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false;
    const [, memory, passes, parallelism, salt = '', tag = ''] = FORM.exec(stored ?? (await this.#dummy())) ?? [];
    const wanted = Buffer.from(tag, 'base64url');
    if (memory === undefined) return false;
    const got = await this.#run({
      message: normalized(password),
      nonce: Buffer.from(salt, 'base64url'),
      parallelism: Number(parallelism),
      tagLength: wanted.length,
      memory: Number(memory),
      passes: Number(passes),
    });
    return timingSafeEqual(got, wanted) && stored !== null;
  }

  /** Whether a hash was made with other parameters than are used now. */
  isOutdated(stored: string): boolean {
    const [, memory, passes] = FORM.exec(stored) ?? [];
    return Number(memory) !== this.#cost.memoryKiB || Number(passes) !== this.#cost.passes;
  }

  /** A failed one is not kept. */
  #dummy(): Promise<string> {
    this.#nobodys ??= this.#make(randomBytes(16).toString('hex'), true);
    this.#nobodys.catch(() => {
      this.#nobodys = null;
    });
    return this.#nobodys;
  }

  async #make(password: string, isAhead = false): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const { memoryKiB: memory, passes } = this.#cost;
    const parameters = { message: normalized(password), nonce: salt, parallelism: 1, tagLength: TAG_BYTES, memory, passes };
    const tag = isAhead ? await derive(parameters) : await this.#run(parameters);
    return `argon2id$m=${memory},t=${passes},p=1$${salt.toString('base64url')}$${tag.toString('base64url')}`;
  }

  async #run(parameters: Argon2Parameters): Promise<Buffer> {
    if (this.#running >= MAX_AT_ONCE) {
      if (this.#waiting.length >= MAX_WAITING) throw new FaultError('CV_SIGN_IN_BUSY');
      // Whoever ends hands its place on.
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    } else this.#running += 1;
    try {
      return await derive(parameters);
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}

/** The same password typed on another keyboard may come in another form. */
const normalized = (password: string): string => password.normalize('NFKC');

const derive = (parameters: Argon2Parameters): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, key) => {
      if (error) reject(error);
      else resolve(Buffer.from(key));
    });
  });
