/** The identity folder on the machine's own disk. */
import { chmod, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import type { IdentityFiles } from './identity-folder.ts';

const FOLDER_MODE = 0o700;

export const realIdentityFiles: IdentityFiles = {
  async read(path) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  },
  async write(path, text, mode) {
    // Left by a power cut, perhaps with other rights.
    await rm(`${path}.new`, { force: true });
    await writeFileAtomically(path, text, { mode });
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
};
