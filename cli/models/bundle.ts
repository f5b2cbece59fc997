/** Graphs from a file, a folder or a .tar, found by SHA-256. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import '../../models/faults.ts';

const TAR_BLOCK_BYTES = 512;

/** @throws FaultError CV_PULL_NOT_THERE */
export async function readFromBundle(path: string, model: string, sha256: string): Promise<Uint8Array> {
  const isWanted = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex') === sha256;
  let seen = 0;
  try {
    for await (const bytes of filesIn(path)) {
      seen += 1;
      if (isWanted(bytes)) return bytes;
    }
  } catch (error) {
    throw new FaultError('CV_PULL_NOT_THERE', {
      model,
      want: sha256,
      path,
      detail: (error as NodeJS.ErrnoException).code ?? (error as Error).message,
    });
  }
  throw new FaultError('CV_PULL_NOT_THERE', { model, want: sha256, path, detail: `${seen} files` });
}

async function* filesIn(path: string): AsyncGenerator<Uint8Array> {
  if ((await stat(path)).isDirectory()) {
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      const inner = join(entry.parentPath, entry.name);
      if (entry.isFile() && entry.name.endsWith('.onnx')) yield await readFile(inner);
    }
    return;
  }
  const bytes = await readFile(path);
  if (path.endsWith('.tar')) yield* filesOfTar(bytes);
  else yield bytes;
}

/** Plain files of a tar (POSIX ustar, as every tar writes): a head of 512 bytes with name, size in octal and kind, then the bytes. */
function* filesOfTar(tar: Buffer): Generator<Uint8Array> {
  for (let offset = 0; offset + TAR_BLOCK_BYTES <= tar.length;) {
    const size = Number.parseInt(tar.toString('latin1', offset + 124, offset + 136).replace(/[\0 ]/g, '') || '0', 8);
    const kind = String.fromCharCode(tar[offset + 156] as number);
    if (!(size >= 0) || offset + TAR_BLOCK_BYTES + size > tar.length) throw new Error(`tar damaged or truncated at byte ${offset}`);
    if ((kind === '0' || kind === '\0') && size > 0) yield tar.subarray(offset + TAR_BLOCK_BYTES, offset + TAR_BLOCK_BYTES + size);
    offset += TAR_BLOCK_BYTES * (1 + Math.ceil(size / TAR_BLOCK_BYTES));
  }
}
