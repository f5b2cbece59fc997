/** The identity folder on the machine's own disk; its key is encrypted there where the configuration says so. */
import { chmod, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import type { EncryptedPlace } from '../../log/at-rest/encrypted-format.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { readSecretFile, rewriteSecretFile, writeSecretFile } from '../../log/at-rest/secret-file.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import { isKeyFile, keyPathOf, type IdentityFiles } from './identity-folder.ts';

const FOLDER_MODE = 0o700;

/** The same for the key of today and the next one: that becomes the first by another name. */
const secretOf = (path: string): EncryptedPlace => ({ path, name: 'secret:edge-key' });

/** @throws FaultError beside those of the disk: CV_AT_REST_KEY, CV_AT_REST_DAMAGED */
export const identityFilesOf = (keys: AtRestKeys): IdentityFiles => ({
  async read(path) {
    try {
      return await (isKeyFile(basename(path)) ? readSecretFile(secretOf(path), keys).then(String) : readFile(path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  },
  async write(path, text, mode) {
    // Left by a power cut, perhaps with other rights.
    await rm(`${path}.new`, { force: true });
    await (isKeyFile(basename(path)) ? writeSecretFile(secretOf(path), text, keys) : writeFileAtomically(path, text, { mode }));
  },
  async rename(from, to) {
    await rename(from, to);
    await forceFolder(dirname(to));
  },
  async remove(path) {
    await rm(path, { force: true });
    await forceFolder(dirname(path));
  },
  async makeFolder(path) {
    await makeFolder(path, FOLDER_MODE);
    await chmod(path, FOLDER_MODE);
  },
});

/** For whoever has no configuration with keys: what it writes an edge encrypts when it starts. */
export const realIdentityFiles = identityFilesOf(new AtRestKeys(null));

/** Brings the key into the form that is set now. @returns whether it was written. @throws as reading and writing do */
export const rewriteIdentityKey = (dir: string, keys: AtRestKeys): Promise<boolean> => rewriteSecretFile(secretOf(keyPathOf(dir)), keys);
