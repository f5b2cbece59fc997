/**
 * The key by which this gateway signs commands: made at the first start, for this user alone, and never replaced by itself,
 * since edges know it. The public one lies beside it, for edges to which it is carried by hand.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { makeFolder } from '../../core/folder.ts';
import { serialQueue } from '../../core/task-queue.ts';
import { commandKeyId, signCommand, type SignedCommand } from '../../core/wire/signed-commands.ts';
import type { Command } from '../../core/wire/commands.ts';
import type { EncryptedPlace } from '../../log/at-rest/encrypted-format.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { isAtRestFault, readSecretFile, rewriteSecretFile, writeSecretFile } from '../../log/at-rest/secret-file.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';

const PRIVATE_FILE = 'command-key.pem';
const PUBLIC_FILE = 'command-key.pub.pem';
const FOLDER_MODE = 0o700;
const OPEN_MODE = 0o644;

export interface LoadedCommandKey {
  /** SHA-256 of the public key, as edges name it. */
  id: string;
  publicPem: string;
  sign(edge: string, command: Command, counter: number): SignedCommand;
}

export class CommandSigner {
  readonly #dir: string;
  readonly #keys: AtRestKeys;
  readonly #inTurn = serialQueue();
  #loaded: LoadedCommandKey | null = null;

  /**
   * @param dir made where it is missing
   * @param keys by which the private half is encrypted on disk
   */
  constructor(dir: string, keys: AtRestKeys = new AtRestKeys(null)) {
    this.#dir = dir;
    this.#keys = keys;
  }

  /** Made where there is none. @throws CV_COMMAND_KEY_UNUSABLE */
  async key(): Promise<LoadedCommandKey> {
    return this.#loaded ?? (await this.#inTurn(() => this.#load()));
  }

  /** The public key as enrolment and renewal give it to edges: SPKI. @throws CV_COMMAND_KEY_UNUSABLE */
  async commandKeyPem(): Promise<string> {
    return (await this.key()).publicPem;
  }

  async #load(): Promise<LoadedCommandKey> {
    if (this.#loaded) return this.#loaded;
    const path = join(this.#dir, PRIVATE_FILE);
    const place = { path, name: 'secret:command-key' };
    try {
      await rewriteSecretFile(place, this.#keys);
      const pem = (await noneIfMissing(readSecretFile(place, this.#keys)))?.toString() ?? (await this.#make(place));
      const loaded = loadedKey(privateKeyOf(pem));
      await this.#putPublicBeside(loaded.publicPem);
      return (this.#loaded = loaded);
    } catch (error) {
      if (isAtRestFault(error)) throw error;
      const detail = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      throw new FaultError('CV_COMMAND_KEY_UNUSABLE', { path, detail }, { cause: error });
    }
  }

  async #make(place: EncryptedPlace): Promise<string> {
    await makeFolder(this.#dir, FOLDER_MODE);
    // Edges know this key, so another one is no help: its private half was lost, or left out of a copy.
    if ((await textOf(join(this.#dir, PUBLIC_FILE))) !== null) throw new Error(`it is missing, and ${PUBLIC_FILE} is there`);
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    // Left by a power cut, perhaps with other rights.
    await rm(`${place.path}.new`, { force: true });
    await writeSecretFile(place, pem, this.#keys);
    return pem;
  }

  /** Missing after a power cut between the two. */
  async #putPublicBeside(pem: string): Promise<void> {
    const path = join(this.#dir, PUBLIC_FILE);
    if ((await textOf(path)) !== pem) await writeFileAtomically(path, pem, { mode: OPEN_MODE });
  }
}

function loadedKey(privateKey: KeyObject): LoadedCommandKey {
  const publicKey = createPublicKey(privateKey);
  return {
    id: commandKeyId(publicKey),
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    sign: (edge, command, counter) => signCommand(edge, command, counter, privateKey),
  };
}

function privateKeyOf(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${key.asymmetricKeyType}, not Ed25519`);
  return key;
}

const textOf = (path: string): Promise<string | null> => noneIfMissing(readFile(path, 'utf8'));

async function noneIfMissing<T>(read: Promise<T>): Promise<T | null> {
  try {
    return await read;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
