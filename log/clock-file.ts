/** The file `clock` of a log folder: a checksum and the boot history. Written rarely and atomically. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { makeFolder } from '../core/folder.ts';
import { writeFileAtomically } from './atomic-write.ts';

/** null when absent or damaged. */
export async function readClockFile(dir: string): Promise<string | null> {
  try {
    const [sum, text] = (await readFile(join(dir, 'clock'), 'utf8')).split('\n');
    return text !== undefined && Number(sum) === crc32(text) ? text : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}

/** On disk when it resolves; the old file stays until the new one is complete. */
export async function writeClockFile(dir: string, text: string): Promise<void> {
  await makeFolder(dir);
  await writeFileAtomically(join(dir, 'clock'), `${crc32(text)}\n${text}\n`);
}
