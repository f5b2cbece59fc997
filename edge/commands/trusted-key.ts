/**
 * The key by which this edge knows commands of its gateway: of a file that somebody put there, else of the identity folder.
 * It is read anew for each command, since enrolment and renewal change it while the edge runs.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { FaultError, faultOf, type Fault } from '../../core/faults.ts';
import { commandKeyId } from '../../core/wire/signed-commands.ts';
import { commandKeyPathOf, readCommandKey, type IdentityFiles } from '../identity/identity-folder.ts';

export interface TrustedKeySettings {
  edge: string;
  /** `commands.key`: goes before that of the identity. */
  file?: string | undefined;
  /** The identity folder. */
  identity?: string | undefined;
}

export interface TrustedKey {
  key: KeyObject;
  id: string;
}

/** null: none was given. */
export type TrustedKeyStatus = { id: string } | Fault | null;

/** null: none, or none that can be used. */
export const idOfKey = (status: TrustedKeyStatus): string | null => (status && 'id' in status ? status.id : null);

export class TrustedKeyReader {
  readonly #settings: () => TrustedKeySettings;
  readonly #files: Pick<IdentityFiles, 'read'>;
  /** Where one was found in this run: a file that vanishes from there does not open the edge to unsigned commands. */
  #foundAt: string | null = null;
  #status: TrustedKeyStatus = null;

  /** @param settings read each time: they change with the configuration */
  constructor(settings: () => TrustedKeySettings, files: Pick<IdentityFiles, 'read'>) {
    this.#settings = settings;
    this.#files = files;
  }

  /** As it was read last. */
  get status(): TrustedKeyStatus {
    return this.#status;
  }

  /** null: none was given, and unsigned commands are taken. @throws CV_COMMAND_KEY_UNREADABLE */
  async read(): Promise<TrustedKey | null> {
    const settings = this.#settings();
    const path = settings.file ?? (settings.identity === undefined ? null : commandKeyPathOf(settings.identity));
    if (path === null) return (this.#status = null);
    try {
      const found = await this.#keyAt(settings, path);
      this.#status = found && { id: found.id };
      return found;
    } catch (error) {
      const detail = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      const fault = new FaultError('CV_COMMAND_KEY_UNREADABLE', { edge: settings.edge, path, detail }, { cause: error });
      this.#status = faultOf(fault, 'CV_COMMAND_KEY_UNREADABLE');
      throw fault;
    }
  }

  async #keyAt({ file, identity }: TrustedKeySettings, path: string): Promise<TrustedKey | null> {
    const pem = file === undefined ? await readCommandKey(identity as string, this.#files) : await this.#files.read(file);
    if (pem === null && file === undefined && this.#foundAt !== path) return null;
    if (pem === null) throw new Error('ENOENT');
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${key.asymmetricKeyType}, not Ed25519`);
    this.#foundAt = path;
    return { key, id: commandKeyId(key) };
  }
}
