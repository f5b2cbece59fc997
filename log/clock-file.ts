/** The file beside a log that knows of its clocks: `clock`, a checksum and a text. Written seldom, and never in part. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { makeFolder } from '../core/folder.ts';
import { writeFileAtomically } from './atomic-write.ts';

/** null when it is absent or torn. */
export async function readClockFile(dir: string): Promise<string | null> {
  try {
    const [sum, text] = (await readFile(join(dir, 'clock'), 'utf8')).split('\n', 2);
    return text !== undefined && Number(sum) === crc32(text) ? text : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}

/** On disk when it resolves; the old one stays until the new one is whole. */
export async function writeClockFile(dir: string, text: string): Promise<void> {
  await makeFolder(dir);
  await writeFileAtomically(join(dir, 'clock'), `${crc32(text)}\n${text}\n`);
}
