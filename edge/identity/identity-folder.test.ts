import assert from 'node:assert/strict';
import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { FaultError } from '../../core/faults.ts';
import { tempDir } from '../../core/testing/temp-dir.ts';
import {
  finishReplacement,
  nextKey,
  readEdgeIdentity,
  replaceIdentity,
  type EdgeIdentity,
  type IdentityFiles,
  type IssuedIdentity,
} from './identity-folder.ts';
import { realIdentityFiles } from './real-identity-files.ts';
import { signingRequest } from './signing-request.ts';
import { MemoryFiles, PowerCut } from './testing/memory-files.ts';
import { testAuthority, YEAR_MS } from './testing/test-authority.ts';

const DIR = '/identity';
const NOW = Date.UTC(2026, 5, 1);
const LIFE = { fromAt: NOW, toAt: NOW + YEAR_MS };
const authority = await testAuthority('centre', { fromAt: NOW, toAt: NOW + 10 * YEAR_MS });
const other = await testAuthority('other centre', { fromAt: NOW, toAt: NOW + 10 * YEAR_MS });
const enrolment = { gateway: 'https://10.0.0.5:8443', broker: 'mqtts://10.0.0.5:8883', centre: '500112001' };

/** Made once for a key, as a gateway does that is asked twice. */
const issued = new Map<string, IssuedIdentity>();
async function issuedFor(keyPem: string, by = authority, commandKeyPem: string | null = 'command key'): Promise<IssuedIdentity> {
  const known = issued.get(keyPem);
  if (known) return known;
  const certificatePem = await by.issue(await signingRequest('pump-07', keyPem), 'pump-07', LIFE);
  const made = { certificatePem, caPem: by.pem, commandKeyPem, enrolment };
  issued.set(keyPem, made);
  return made;
}

async function enrolInto(files: IdentityFiles, by = authority): Promise<string> {
  const key = await nextKey(DIR, files);
  await replaceIdentity(DIR, await issuedFor(key, by), files);
  return key;
}

const readOrCode = (files: MemoryFiles): Promise<EdgeIdentity | string> =>
  readEdgeIdentity(DIR, files).catch((error: unknown) => (error instanceof FaultError ? error.fault.code : Promise.reject(error as Error)));

/** @returns the disks as a power cut left them, at each step in both ways */
async function cuts(before: MemoryFiles): Promise<MemoryFiles[]> {
  const whole = copyOf(before);
  await enrolInto(whole, other);
  assert.ok(whole.steps > 12);
  const left: MemoryFiles[] = [];
  for (let step = 1; step <= whole.steps; step += 1)
    for (const cutIsAfter of [false, true]) {
      const files = copyOf(before);
      Object.assign(files, { cutAtStep: step, cutIsAfter });
      await assert.rejects(enrolInto(files, other), PowerCut);
      left.push(files);
    }
  return left;
}

function copyOf({ texts, modes }: MemoryFiles): MemoryFiles {
  const copy = new MemoryFiles();
  for (const [path, text] of texts) copy.texts.set(path, text);
  for (const [path, mode] of modes) copy.modes.set(path, mode);
  return copy;
}

const names = ({ texts }: MemoryFiles): string[] => [...texts.keys()].map((path) => path.slice(DIR.length + 1)).toSorted();
const WHOLE = ['ca.pem', 'certificate.pem', 'command-key.pem', 'enrolment.json', 'key.pem'];

test('a power cut at any step of a first enrolment leaves none or the whole; doing it again ends it', async () => {
  const seen = new Set<string>();
  for (const files of await cuts(new MemoryFiles())) {
    const found = await readOrCode(files);
    if (typeof found === 'string') assert.equal(found, 'CV_IDENTITY_MISSING');
    else assert.equal(found.caPem, other.pem);
    seen.add(typeof found === 'string' ? found : 'whole');
    const key = files.texts.get(`${DIR}/next-key.pem`);
    const again = copyOf(files);
    const asked = await nextKey(DIR, again);
    if (typeof found === 'string' && key !== undefined) assert.equal(asked, key, 'the gateway knows the key that it was asked for');
    await replaceIdentity(DIR, await issuedFor(asked, other), again);
    assert.deepEqual([names(again), (await readEdgeIdentity(DIR, again)).keyPem], [WHOLE, asked]);
  }
  assert.deepEqual([...seen].toSorted(), ['CV_IDENTITY_MISSING', 'whole']);
});

test('a power cut at any step of a replacement leaves the old identity or the new one, with the CA of each', async () => {
  const before = new MemoryFiles();
  const oldKey = await enrolInto(before);
  const seen = new Set<string>();
  for (const files of await cuts(before)) {
    const found = await readEdgeIdentity(DIR, files);
    assert.equal(found.caPem, found.keyPem === oldKey ? authority.pem : other.pem);
    seen.add(found.keyPem === oldKey ? 'old' : 'new');
    await finishReplacement(DIR, files);
    const finished = await readEdgeIdentity(DIR, files);
    assert.equal(finished.certificatePem, found.certificatePem, 'finishing changes nothing that readers see');
    await enrolInto(files, other);
    assert.deepEqual([names(files), (await readEdgeIdentity(DIR, files)).caPem], [WHOLE, other.pem]);
  }
  assert.deepEqual([...seen].toSorted(), ['new', 'old']);
});

test('what was cut off of one enrolment gets into no other', async () => {
  const files = new MemoryFiles();
  await enrolInto(files);
  const key = await nextKey(DIR, files);
  const made = await issuedFor(key, authority, 'a command key of somebody else');
  files.cutAtStep = files.steps + 6;
  await assert.rejects(replaceIdentity(DIR, made, files), PowerCut);
  assert.ok(files.texts.has(`${DIR}/next-command-key.pem`));
  await replaceIdentity(DIR, { ...made, commandKeyPem: null }, files);
  assert.equal(files.texts.get(`${DIR}/command-key.pem`), 'command key');
});

test('the key is for its own user alone, on the disk too', async (t) => {
  const { dir, remove } = await tempDir();
  t.after(remove);
  const folder = join(dir, 'a', 'identity');
  const key = await nextKey(folder, realIdentityFiles);
  await writeFile(join(folder, 'next-ca.pem.new'), 'left by a power cut');
  await replaceIdentity(folder, await issuedFor(key), realIdentityFiles);
  assert.deepEqual((await readdir(folder)).toSorted(), WHOLE);
  const modeOf = async (name: string) => (await stat(join(folder, name))).mode & 0o777;
  assert.deepEqual([await modeOf('key.pem'), await modeOf('')], [0o600, 0o700]);
  await chmod(folder, 0o755);
  await nextKey(folder, realIdentityFiles);
  assert.equal(await modeOf(''), 0o700);
  assert.equal((await readEdgeIdentity(folder, realIdentityFiles)).edge, 'pump-07');
});

test('damage is told with its file, and never with what that holds', async () => {
  const whole = new MemoryFiles();
  await enrolInto(whole);
  const key = whole.texts.get(`${DIR}/key.pem`) as string;
  const foreign = await authority.edge('pump-07', LIFE);
  const damages: [name: string, text: string | null, code: string][] = [
    ['key.pem', null, 'CV_IDENTITY_MISSING'],
    ['key.pem', '', 'CV_IDENTITY_UNREADABLE'],
    ['key.pem', key.slice(0, 90), 'CV_IDENTITY_UNREADABLE'],
    ['key.pem', foreign.keyPem, 'CV_IDENTITY_KEY'],
    ['certificate.pem', 'x'.repeat(1e6), 'CV_IDENTITY_UNREADABLE'],
    ['certificate.pem', foreign.certPem.slice(0, 300), 'CV_IDENTITY_UNREADABLE'],
    ['ca.pem', authority.pem + authority.pem.slice(0, 200), 'CV_IDENTITY_UNREADABLE'],
    ['ca.pem', authority.pem.repeat(17), 'CV_IDENTITY_UNREADABLE'],
    ['enrolment.json', '{}', 'CV_IDENTITY_UNREADABLE'],
    ['enrolment.json', '{"v":1', 'CV_IDENTITY_UNREADABLE'],
    ['enrolment.json', JSON.stringify({ v: 1, ...enrolment, gateway: 'http://10.0.0.5' }), 'CV_IDENTITY_UNREADABLE'],
  ];
  for (const [name, text, code] of damages) {
    const files = copyOf(whole);
    if (text === null) files.texts.delete(`${DIR}/${name}`);
    else files.texts.set(`${DIR}/${name}`, text);
    await assert.rejects(readEdgeIdentity(DIR, files), (error) => {
      assert.ok(error instanceof FaultError);
      assert.equal(error.fault.code, code, name);
      assert.ok(!JSON.stringify(error.fault).includes(key.split('\n')[1] as string));
      return true;
    });
  }
});

test('a disk that fails is not taken for one without an identity', async () => {
  const files = { read: () => Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' })) };
  await assert.rejects(readEdgeIdentity(DIR, files), { name: 'CV_IDENTITY_UNREADABLE' });
});
