/** Files that are written whole and put in place by rename: whoever reads finds the one before or the new one, never half of one. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { forceFolder } from '../core/folder.ts';

export interface AtomicWriteOptions {
  /** Of the file; absent: what the process gives new files. */
  mode?: number;
  /**
   * Default true: after a power cut the new one is there. False spares a forced write where the one before does as well:
   * a power cut may bring that back, whole.
   */
  forcesName?: boolean;
}

/** Its folder is there already. The content is on disk when it resolves. @returns its bytes */
export async function writeFileAtomically(path: string, text: string, { mode, forcesName = true }: AtomicWriteOptions = {}): Promise<number> {
  const file = await open(`${path}.new`, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  if (forcesName) await forceFolder(dirname(path));
  return Buffer.byteLength(text);
}
