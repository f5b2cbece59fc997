/** Ways to damage a file, each from a seed; what was done is said, so that it can be done again. */
import { open, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../core/world.ts';

const PAGE_BYTES = 4096;

export interface FileDamage {
  name: string;
  run(dir: string, random: Random): Promise<string>;
}

const pick = (random: Random, below: number) => Math.floor(random.next() * below);

async function change(path: string, offset: number, bytes: (old: Buffer) => Buffer, length = 1): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const old = Buffer.alloc(length);
    const { bytesRead } = await file.read(old, 0, length, offset);
    await file.write(bytes(old.subarray(0, bytesRead)), 0, bytesRead, offset);
  } finally {
    await file.close();
  }
}

/** The files of the chain and their write-ahead logs; a file is chosen by its size. */
async function target(dir: string, random: Random, which: RegExp): Promise<{ name: string; path: string; bytes: number }> {
  const names = (await readdir(dir)).filter((name) => which.test(name)).toSorted();
  const sized = await Promise.all(names.map(async (name) => ({ name, path: join(dir, name), bytes: (await stat(join(dir, name))).size })));
  let left = random.next() * sized.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const one of sized) {
    left -= one.bytes;
    if (left < 0) return one;
  }
  throw new Error(`nothing like ${String(which)} in ${dir}`);
}

const FILE = /^(state|log)-.*\.db$/;
const LOG = /^(state|log)-.*-wal$/;
const ANY = /^(state|log)-.*\.db(-wal)?$/;

/** Each of `count` bytes becomes another one; a third of them in the first bytes of a page or frame, where the structure is. */
export function bitFlips(count: number, which: 'file' | 'write-ahead log' | 'any'): FileDamage {
  return {
    name: `${count} flipped byte${count > 1 ? 's' : ''} in ${which === 'any' ? 'file and write-ahead log' : `the ${which}`}`,
    async run(dir, random) {
      const done: string[] = [];
      for (let flip = 0; flip < count; flip += 1) {
        const { name, path, bytes } = await target(dir, random, { file: FILE, 'write-ahead log': LOG, any: ANY }[which]);
        const inLog = name.endsWith('-wal');
        const [first, step] = inLog ? [32, PAGE_BYTES + 24] : [0, PAGE_BYTES];
        const offset =
          random.next() < 1 / 3
            ? Math.min(bytes - 1, first + pick(random, Math.ceil((bytes - first) / step)) * step + pick(random, 48))
            : pick(random, bytes);
        const flipped = 1 + pick(random, 255);
        await change(path, offset, (old) => Buffer.from([(old[0] as number) ^ flipped]));
        done.push(`${name}@${offset}^${flipped}`);
      }
      return done.join(' ');
    },
  };
}

export const TRUNCATED: FileDamage = {
  name: 'file cut short',
  async run(dir, random) {
    const { name, path, bytes } = await target(dir, random, FILE);
    const offset = pick(random, bytes);
    await truncate(path, offset);
    return `${name} cut at ${offset}`;
  },
};

export const ZEROED: FileDamage = {
  name: 'pages of zeros',
  async run(dir, random) {
    const { name, path, bytes } = await target(dir, random, ANY);
    const pages = 1 + pick(random, 4);
    const offset = pick(random, Math.ceil(bytes / PAGE_BYTES)) * PAGE_BYTES;
    await change(path, offset, (old) => Buffer.alloc(old.length), pages * PAGE_BYTES);
    return `${name}: ${pages} pages of zeros at ${offset}`;
  },
};

export const GARBAGE: FileDamage = {
  name: 'a stretch of garbage',
  async run(dir, random) {
    const { name, path, bytes } = await target(dir, random, ANY);
    const length = 1 + pick(random, 3 * PAGE_BYTES);
    const offset = pick(random, bytes);
    await change(path, offset, (old) => Buffer.from(old.map(() => pick(random, 256))), length);
    return `${name}: ${length} bytes of garbage at ${offset}`;
  },
};
