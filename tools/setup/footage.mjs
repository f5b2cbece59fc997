/**
 * The demo's clip: people walking over a campus, from Debian's package opencv-doc. Fetched once with apt-get's own
 * mirrors and proxies, into lists and archives of our own, so that no root is needed. Optional: without it the camera
 * is left out.
 *
 *   node tools/setup/footage.mjs
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { say as sayAloud } from './say.mjs';

const PACKAGE = 'opencv-doc';
const MEMBER = './usr/share/doc/opencv-doc/examples/data/vtest.avi';
const CLIP = { name: 'vtest.avi', bytes: 8_131_690, sha256: '45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf' };
/** Unpacked and packed lists, package and clip together, while it is fetched. */
const ROOM = '250 MB';

/** Where the clip lies once it is fetched. */
export const clipPath = (root) => join(root, '.cache', 'footage', CLIP.name);

/**
 * @param {{ root: string, say?: (words: { en: string, zh: string }) => void, signal?: AbortSignal }} options
 * @returns {Promise<string | null>} path of the clip; null when it could not be had, which has been said then
 */
export async function fetchFootage({ root, say = sayAloud, signal }) {
  const clip = clipPath(root);
  if (await isClip(clip)) return clip;
  const folder = join(root, '.cache', 'footage');
  const work = join(folder, `.part-${process.pid}`);
  try {
    removeLeftovers(folder);
    for (const part of ['lists', 'archives']) mkdirSync(join(work, part, 'partial'), { recursive: true });
    say({
      en: `fetching a clip for the camera (98 MB once, from Debian's ${PACKAGE}) …`,
      zh: `正在获取摄像机演示视频（仅一次，98 MB，来自 Debian 的 ${PACKAGE}）…`,
    });
    const apt = (...args) => run('apt-get', [...aptOptions(work), ...args], { cwd: work, signal });
    await apt('update');
    await apt('download', PACKAGE);
    const deb = readdirSync(work).find((name) => name.endsWith('.deb'));
    if (!deb) throw new Error(`apt-get left no ${PACKAGE}_*.deb`);
    say({ en: 'unpacking the clip …', zh: '正在解包视频 …' });
    const part = join(work, CLIP.name);
    await unpack(join(work, deb), part, signal);
    if (!(await isClip(part))) throw new Error(`${MEMBER} of ${deb} is another file than expected`);
    renameSync(part, clip);
    return clip;
  } catch (error) {
    if (signal?.aborted) return null;
    say({
      en: `no clip for the camera, which is left out (${error.message}; ${ROOM} of disk are needed meanwhile). To take a video of your own: npm start -- --clip FILE`,
      zh: `未能获取演示视频，将略过摄像机（${error.message}；过程中需要约 ${ROOM} 磁盘空间）。使用自己的视频：npm start -- --clip FILE`,
    });
    return null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Sources, mirrors and proxies stay apt's own; only what it writes goes elsewhere. */
function aptOptions(work) {
  const options = [
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::Cache=${work}`,
    `Dir::Cache::archives=${join(work, 'archives')}`,
    'Debug::NoLocking=1',
    'Acquire::http::Timeout=30',
    'Acquire::https::Timeout=30',
    'Acquire::Retries=1',
    'Acquire::Languages=none',
  ];
  // Root's apt would hand the download to a user who may not write here.
  if (process.getuid?.() === 0) options.push('APT::Sandbox::User=root');
  return ['-qq', ...options.flatMap((option) => ['-o', option])];
}

const MAX_WORDS = 4000;

/** Rejects with what the program last said. Its chatter stays with us: stdout may be somebody's JSON. */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, env: { ...process.env, LC_ALL: 'C' } });
    const said = listen(child);
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.at(-1)}: ${said() || signal || `exit code ${code}`}`)),
    );
  });
}

function listen(child) {
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => { words = (words + text).slice(-MAX_WORDS); });
  return () => words.trim().split('\n').findLast((line) => line.startsWith('E:')) ?? words.trim().split('\n').at(-1);
}

/**
 * dpkg-deb … | tar -xO … > file, without a shell. Tar may stop before the archive's last bytes, on which dpkg-deb is
 * broken off: only tar's word counts, and the hash after it.
 */
async function unpack(deb, target, signal) {
  const file = openSync(target, 'w');
  try {
    const opened = spawn('dpkg-deb', ['--fsys-tarfile', deb], { stdio: ['ignore', 'pipe', 'ignore'], signal });
    const missing = new Promise((_, reject) => { opened.on('error', reject); });
    const taken = run('tar', ['-xOf', '-', MEMBER], { signal, stdio: [opened.stdout, file, 'pipe'] });
    opened.stdout.destroy(); // tar has it now; our end would keep dpkg-deb waiting for a reader
    await Promise.race([taken, missing]);
  } finally {
    closeSync(file);
  }
}

async function isClip(path) {
  if (!existsSync(path) || statSync(path).size !== CLIP.bytes) return false;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') === CLIP.sha256;
}

/** Of a fetch that was killed. */
function removeLeftovers(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = /^\.part-(\d+)$/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

if (process.argv[1] && basename(process.argv[1]) === 'footage.mjs') {
  const clip = await fetchFootage({ root: fileURLToPath(new URL('../..', import.meta.url)) });
  process.exitCode = clip ? 0 : 1;
}
