import assert from 'node:assert/strict';
import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import { AT_REST_ALGORITHMS, requireAlgorithm, type AtRestAlgorithm } from './algorithms.ts';
import { decryptContent, encryptContent, encryptedChunks } from './encrypt.ts';
import { EncryptedFile } from './encrypted-file.ts';
import { CHUNK_BYTES, encryptedBytes, HEADER_BYTES, plainBytes } from './encrypted-format.ts';
import { AtRestKeys, type WritingKey } from './keys.ts';
import { readSecretFile, writeSecretFile } from './secret-file.ts';
import { AT_REST_SCHEMA, atRestSetup } from './setting.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');
const OTHER = Buffer.alloc(32, 8).toString('base64');
const NAME = 'evidence:a';
/** Each side of the edges of chunks. */
const LENGTHS = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5];

const keysOf = (algorithm: AtRestAlgorithm, key: string | null = KEY, oldKeys: string[] = []) =>
  new AtRestKeys({ algorithm, key, oldKeys });
const writing = (keys: AtRestKeys): WritingKey => keys.current as WritingKey;
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return 'none';
  } catch (error) {
    return error instanceof FaultError ? error.fault.code : String(error);
  }
};
const changed = (content: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(content);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
};

async function tempFile(t: TestContext, content: Uint8Array): Promise<string> {
  const { dir, remove } = await tempDir();
  t.after(remove);
  await writeFile(join(dir, 'a'), content);
  return join(dir, 'a');
}

test('SM4 and SM3 of this Node.js are those of GB/T 32907-2016 and GB/T 32905-2016', () => {
  const block = Buffer.from('0123456789abcdeffedcba9876543210', 'hex');
  const cipher = createCipheriv('sm4-ecb', block, null).setAutoPadding(false);
  assert.equal(cipher.update(block).toString('hex'), '681edf34d206965e86b3e94f536e4246');
  // The counter is the block: of zeros, what comes out is the block encrypted.
  assert.equal(createCipheriv('sm4-ctr', block, block).update(Buffer.alloc(16)).toString('hex'), '681edf34d206965e86b3e94f536e4246');
  assert.equal(createHash('sm3').update('abc').digest('hex'), '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0');
  assert.equal(
    createHash('sm3').update('abcd'.repeat(16)).digest('hex'),
    'debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732',
  );
  // By its definition (GB/T 15852.2, RFC 2104), of SM3 as it was just checked.
  const pad = (byte: number) => Buffer.alloc(64, byte).map((one, at) => one ^ (block[at] ?? 0));
  const inner = createHash('sm3').update(pad(0x36)).update('abc').digest();
  assert.deepEqual(createHmac('sm3', block).update('abc').digest(), createHash('sm3').update(pad(0x5c)).update(inner).digest());
});

for (const algorithm of AT_REST_ALGORITHMS) {
  const keys = keysOf(algorithm);

  test(`${algorithm}: what was written is read, whole and in parts, at each side of the edges of chunks`, async (t) => {
    for (const length of LENGTHS) {
      const content = randomBytes(length);
      const encrypted = encryptContent(content, writing(keys), NAME);
      assert.deepEqual([encrypted.length, plainBytes(encrypted.length, algorithm)], [encryptedBytes(length, algorithm), length]);
      assert.deepEqual(decryptContent(encrypted, { path: 'a', name: NAME }, keys), content);
      const file = await EncryptedFile.open({ path: await tempFile(t, encrypted), name: NAME }, keys);
      assert.equal(file.bytes, length);
      const edges = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, length - 1, length, length + 9].filter((at) => at >= 0);
      for (const from of edges)
        for (const to of edges) assert.deepEqual(await file.read(from, to), content.subarray(from, Math.max(from, to)));
      assert.deepEqual(await buffer(file.content()), content);
      await file.close();
    }
  });

  test(`${algorithm}: a stream in pieces of any size gives the same as all at once`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 40_000 }), { maxLength: 8 }), async (sizes) => {
        const parts = sizes.map((size) => randomBytes(size));
        const encrypted = await buffer(encryptedChunks(parts, writing(keys), NAME));
        assert.deepEqual(decryptContent(encrypted, { path: 'a', name: NAME }, keys), Buffer.concat(parts));
      }),
      { numRuns: 20 },
    );
  });

  test(`${algorithm}: any changed byte is found`, () => {
    const encrypted = encryptContent(randomBytes(300), writing(keys), NAME);
    const read = (at: number) => codeOf(() => decryptContent(changed(encrypted, at), { path: 'a', name: NAME }, keys));
    for (let at = 0; at < encrypted.length; at += 1) {
      // The id of the key is what it is looked up by.
      const isKeyId = at >= 12 && at < 20;
      assert.equal(read(at), isKeyId ? 'CV_AT_REST_KEY' : 'CV_AT_REST_DAMAGED', `byte ${at}`);
    }
  });

  test(`${algorithm}: a cut, a longer, a reordered and a foreign file are found, and no part of them is given`, async (t) => {
    const full = CHUNK_BYTES + encryptedBytes(0, algorithm) - HEADER_BYTES;
    const encrypted = encryptContent(randomBytes(3 * CHUNK_BYTES), writing(keys), NAME);
    const chunk = (index: number, of = encrypted) => of.subarray(HEADER_BYTES + index * full, HEADER_BYTES + (index + 1) * full);
    const header = encrypted.subarray(0, HEADER_BYTES);
    const other = encryptContent(randomBytes(3 * CHUNK_BYTES), writing(keys), NAME);
    const wrong: Record<string, Buffer> = {
      'without its last chunk': Buffer.concat([header, chunk(0), chunk(1)]),
      'without its first chunk': Buffer.concat([header, chunk(1), chunk(2)]),
      'header alone': Buffer.from(header),
      nothing: Buffer.alloc(0),
      'chunks swapped': Buffer.concat([header, chunk(1), chunk(0), chunk(2)]),
      'a chunk twice': Buffer.concat([header, chunk(0), chunk(0), chunk(1), chunk(2)]),
      'a chunk of another file': Buffer.concat([header, chunk(0), chunk(1, other), chunk(2)]),
      'the last chunk of another file': Buffer.concat([header, chunk(0), chunk(1), chunk(2, other)]),
      'header of another file': Buffer.concat([other.subarray(0, HEADER_BYTES), chunk(0), chunk(1), chunk(2)]),
      'a byte more': Buffer.concat([encrypted, Buffer.alloc(1)]),
      'an empty chunk more': Buffer.concat([encrypted, Buffer.alloc(full - CHUNK_BYTES)]),
    };
    for (const [what, content] of Object.entries(wrong)) {
      assert.equal(codeOf(() => decryptContent(content, { path: 'a', name: NAME }, keys)), 'CV_AT_REST_DAMAGED', what);
      const place = { path: await tempFile(t, content), name: NAME };
      const read = async () => {
        const file = await EncryptedFile.open(place, keys);
        await buffer(file.content()).finally(() => file.close());
      };
      await assert.rejects(read, { name: 'CV_AT_REST_DAMAGED' }, what);
    }
    assert.equal(codeOf(() => decryptContent(encrypted, { path: 'a', name: 'evidence:b' }, keys)), 'CV_AT_REST_DAMAGED');
    const cut = encryptContent(randomBytes(100), writing(keys), NAME);
    const readCut = (length: number) => codeOf(() => decryptContent(cut.subarray(0, length), { path: 'a', name: NAME }, keys));
    for (let length = 0; length < cut.length; length += 1) assert.equal(readCut(length), 'CV_AT_REST_DAMAGED', `${length} bytes`);
  });

  test(`${algorithm}: a part is not given of a file whose end was cut off, though the part itself is whole`, async (t) => {
    const full = CHUNK_BYTES + encryptedBytes(0, algorithm) - HEADER_BYTES;
    const encrypted = encryptContent(randomBytes(3 * CHUNK_BYTES), writing(keys), NAME);
    const path = await tempFile(t, encrypted.subarray(0, HEADER_BYTES + 2 * full));
    await assert.rejects(EncryptedFile.open({ path, name: NAME }, keys), { name: 'CV_AT_REST_DAMAGED' });
  });

  test(`${algorithm}: the same content twice has no chunk in common`, () => {
    const [a, b] = [1, 2].map(() => encryptContent(Buffer.alloc(2 * CHUNK_BYTES), writing(keys), NAME)) as [Buffer, Buffer];
    const blocks = (of: Buffer) =>
      Array.from({ length: Math.floor((of.length - HEADER_BYTES) / 16) }, (_, at) => {
        const from = HEADER_BYTES + at * 16;
        return of.toString('hex', from, from + 16);
      });
    assert.equal(new Set([...blocks(a), ...blocks(b)]).size, 2 * blocks(a).length);
  });
}

test('a file says which key it needs, and is read by an old one; the other algorithm reads on', () => {
  const encrypted = encryptContent(Buffer.from('text'), writing(keysOf('sm4-ctr-hmac-sm3')), NAME);
  const place = { path: '/clips/a', name: NAME };
  assert.equal(decryptContent(encrypted, place, keysOf('aes-256-gcm', OTHER, [KEY])).toString(), 'text');
  assert.equal(decryptContent(encrypted, place, keysOf('aes-256-gcm', null, [KEY])).toString(), 'text');
  assert.throws(() => decryptContent(encrypted, place, keysOf('aes-256-gcm', OTHER)), (error: FaultError) => {
    const key = encrypted.toString('hex', 12, 20);
    assert.deepEqual(error.fault, { code: 'CV_AT_REST_KEY', params: { path: '/clips/a', key, count: 1 } });
    return true;
  });
});

test('an algorithm that OpenSSL does not have is told by name, when it is to be used', () => {
  const has = { ciphers: ['AES-256-GCM'], hashes: ['sha256', 'RSA-SM3'] };
  requireAlgorithm('aes-256-gcm', has);
  assert.throws(() => new AtRestKeys({ algorithm: 'sm4-ctr-hmac-sm3', key: KEY, oldKeys: [] }, has), (error: FaultError) => {
    assert.deepEqual(error.fault, { code: 'CV_AT_REST_ALGORITHM', params: { algorithm: 'sm4-ctr-hmac-sm3', missing: 'sm4-ctr, sm3' } });
    return true;
  });
  assert.equal(new AtRestKeys({ algorithm: 'sm4-ctr-hmac-sm3', key: null, oldKeys: [KEY] }, has).current, null);
});

test('a key is 32 bytes in base64, written in one way; keys are in nothing that is printed', () => {
  const parse = (written: unknown) => AT_REST_SCHEMA.safeParse(written).success;
  assert.deepEqual(
    [
      { key: KEY }, { oldKeys: [KEY] },
      { key: KEY.slice(1) }, { key: `${KEY.slice(0, -2)}d=` }, { key: 'a'.repeat(64) }, {}, { oldKeys: [] },
    ].map(parse),
    [true, true, false, false, false, false, false],
  );
  assert.deepEqual(atRestSetup(AT_REST_SCHEMA.parse({ key: KEY })), { algorithm: 'aes-256-gcm', key: KEY, oldKeys: [] });
  assert.equal(atRestSetup(undefined), null);
  assert.equal(JSON.stringify(keysOf('aes-256-gcm')), '{}');
});

test('a secret is for its own user alone, whole, and read whatever was set when it was written', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const place = { path: join(dir, 'ca-key.pem'), name: 'secret:ca-key' };
  const [on, off] = [keysOf('aes-256-gcm'), new AtRestKeys(null)];
  const secret = '-----BEGIN PRIVATE KEY-----';
  await writeFile(`${place.path}.new`, 'left by a power cut', { mode: 0o644 });
  await writeSecretFile(place, secret, off);
  assert.deepEqual([(await readSecretFile(place, on)).toString(), (await readFile(place.path)).includes(secret)], [secret, true]);
  await writeSecretFile(place, secret, on);
  assert.deepEqual([(await readSecretFile(place, on)).toString(), (await readFile(place.path)).includes('PRIVATE')], [secret, false]);
  assert.deepEqual([(await stat(place.path)).mode & 0o777, await readdir(dir)], [0o600, ['ca-key.pem']]);
  await assert.rejects(readSecretFile(place, off), { name: 'CV_AT_REST_KEY' });
  await assert.rejects(readSecretFile({ ...place, name: 'secret:audit-key' }, on), { name: 'CV_AT_REST_DAMAGED' });
});
