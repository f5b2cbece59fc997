import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { tempDir } from '../../core/testing/temp-dir.ts';

interface Words { en: string; zh: string }
const { fetchFootage, clipPath } = await import(pathToFileURL(join(import.meta.dirname, 'footage.mjs')).href) as {
  fetchFootage(options: { root: string; say(words: Words): void; signal?: AbortSignal }): Promise<string | null>;
  clipPath(root: string): string;
};

const { dir: folder, remove } = await tempDir();
after(remove);

/** Programs of that name come first in PATH meanwhile. */
async function withPrograms<T>(name: string, programs: Record<string, string>, run: () => Promise<T>): Promise<T> {
  const bin = join(folder, name);
  await mkdir(bin);
  for (const [program, script] of Object.entries(programs)) {
    await writeFile(join(bin, program), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, program), 0o755);
  }
  const path = process.env.PATH;
  process.env.PATH = `${bin}${delimiter}${path}`;
  try {
    return await run();
  } finally {
    process.env.PATH = path;
  }
}

async function fetchWith(name: string, programs: Record<string, string>, signal?: AbortSignal) {
  const root = join(folder, `${name}-root`);
  const said: Words[] = [];
  const path = await withPrograms(name, programs, () =>
    fetchFootage({
      root,
      say: (words) => {
        said.push(words);
      },
      ...(signal && { signal }),
    }),
  );
  return { path, said, left: await readdir(join(clipPath(root), '..')) };
}

test('no clip is no failure: it is said why and what to do instead, and nothing is left lying about', async () => {
  const { path, said, left } = await fetchWith('offline', { 'apt-get': 'echo "Get:1 something"; echo "E: no such host" >&2; exit 100' });
  assert.deepEqual([path, left], [null, []]);
  assert.match(said.at(-1)?.en ?? '', /no such host[^]*--clip FILE/);
  assert.match(said.at(-1)?.zh ?? '', /no such host[^]*--clip FILE/);
});

test('another file than the expected one is not taken', async () => {
  const { path, said, left } = await fetchWith('other', {
    'apt-get': 'for last; do :; done; [ "$last" = update ] || echo deb > opencv-doc_1_all.deb',
    'dpkg-deb':
      'd=$(mktemp -d); mkdir -p $d/usr/share/doc/opencv-doc/examples/data; echo other > $d/usr/share/doc/opencv-doc/examples/data/vtest.avi; tar -C $d -cf - ./usr; rm -r $d',
  });
  assert.deepEqual([path, left], [null, []]);
  assert.match(said.at(-1)?.en ?? '', /another file than expected/);
});

test('a fetch that is called off ends without a word of complaint', async () => {
  const stop = new AbortController();
  const fetching = fetchWith('called-off', { 'apt-get': 'exec tail -f /dev/null' }, stop.signal);
  setImmediate(() => stop.abort());
  const { path, said, left } = await fetching;
  assert.deepEqual([path, said.length <= 1, left], [null, true, []]);
});
