/** Atomic replacement of a file: written under a temporary name, forced to disk, renamed. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { forceFolder } from '../core/folder.ts';

export interface AtomicWriteOptions {
  /** File mode; default: that of the process for new files. */
  mode?: number;
  /**
   * Default true: the new file survives a power cut. False saves an fsync when the old file is good enough: a power cut
   * may bring it back.
   */
  forcesName?: boolean;
}

/** The folder must exist. The content is on disk when it resolves. @returns its bytes */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  { mode, forcesName = true }: AtomicWriteOptions = {},
): Promise<number> {
  const file = await open(`${path}.new`, 'w', mode);
  try {
    // Whatever the umask is, and one that a crash has left here may be open to others.
    if (mode !== undefined) await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  if (forcesName) await forceFolder(dirname(path));
  return Buffer.byteLength(content);
}
