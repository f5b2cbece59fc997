/** `at-rest`: pictures into the folder of evidence and out of it, encrypted beside plain, in turns. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../core/world.ts';
import { AT_REST_ALGORITHMS } from '../../log/at-rest/algorithms.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { EvidenceFolder } from '../../log/evidence/evidence-folder.ts';
import { result, type BenchResult } from './result.ts';

export const AT_REST_NOTES = [
  'Pictures of 200 KB of random bytes, one after the other, each forced to disk and renamed before the next; then each is read whole. plain is the same folder without a key, turn by turn with the others in the same run; reads come from memory, so they show the cipher and little else.',
  'sm4-ctr-hmac-sm3 is OpenSSL\'s, without instructions of the processor for it where there are none.',
];

const PICTURE_BYTES = 200_000;
const PICTURES_A_TURN = 20;
const MB = 1e6;

interface Contender {
  name: string;
  folder: EvidenceFolder;
  writtenMs: number;
  readMs: number;
  bytes: number;
}

export async function benchAtRest({ seconds }: { seconds: number }): Promise<BenchResult[]> {
  const dir = await mkdtemp(join(tmpdir(), 'cityvitals-bench-'));
  const key = randomBytes(32).toString('base64');
  const contenders: Contender[] = [];
  try {
    for (const algorithm of [null, ...AT_REST_ALGORITHMS]) {
      const keys = new AtRestKeys(algorithm && { algorithm, key, oldKeys: [] });
      const options = { dir: join(dir, algorithm ?? 'plain'), maxBytes: 100 * MB, keepMs: Infinity, keys };
      const folder = await EvidenceFolder.open(options, realClock);
      contenders.push({ name: algorithm ?? 'plain', folder, writtenMs: 0, readMs: 0, bytes: 0 });
    }
    const endMs = performance.now() + seconds * 1000;
    do for (const contender of contenders) await takeTurn(contender); while (performance.now() < endMs);
  } finally {
    for (const { folder } of contenders) await folder.close();
    await rm(dir, { recursive: true, force: true });
  }
  const rate = ({ bytes }: Contender, ms: number) => bytes / MB / (ms / 1000);
  const plain = contenders[0] as Contender;
  return contenders.slice(1).flatMap((one) => [
    result(`at-rest-write-${one.name}`, rate(one, one.writtenMs), 'MB/s', { plain: rate(plain, plain.writtenMs) }),
    result(`at-rest-read-${one.name}`, rate(one, one.readMs), 'MB/s', { plain: rate(plain, plain.readMs) }),
  ]);
}

async function takeTurn(contender: Contender): Promise<void> {
  const pictures = Array.from({ length: PICTURES_A_TURN }, () => {
    const content = randomBytes(PICTURE_BYTES);
    return { content, sha256: createHash('sha256').update(content).digest('hex') };
  });
  const startedMs = performance.now();
  for (const { content, sha256 } of pictures)
    await contender.folder.put({ sha256, mime: 'image/jpeg', atMs: realClock.nowMs() }, content, 'kept');
  const writtenMs = performance.now();
  for (const { content, sha256 } of pictures) {
    const found = await contender.folder.get(sha256);
    if (found?.content.length !== content.length) throw new Error(`${sha256} was not read`);
  }
  contender.writtenMs += writtenMs - startedMs;
  contender.readMs += performance.now() - writtenMs;
  contender.bytes += PICTURES_A_TURN * PICTURE_BYTES;
}
