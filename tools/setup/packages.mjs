/** npm packages, Node 24 among them: `npm ci` when the lock, the manifest or the processor changed, and only then. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say, SetupError, text } from './say.mjs';

export async function installPackages(root) {
  // Inside node_modules, so that it goes when they go.
  const stampFile = join(root, 'node_modules', '.setup-stamp');
  const stamp = stampOf(root);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp && existsSync(nodeLink(root))) return;
  say({ en: 'installing npm packages (about 480, half a minute) …', zh: '正在安装 npm 包（约 480 个，半分钟）…' });
  const startedAt = Date.now();
  const code = await npmCi(root);
  if (code !== 0) {
    throw new SetupError(text({ en: 'npm ci failed, see above', zh: 'npm ci 失败，见上文' }), {
      en: 'check the network or npm\'s registry and proxy settings (npm config get registry), then start again; nothing half-made is left',
      zh: '检查网络或 npm 的镜像与代理设置（npm config get registry）后重试；不会留下半成品',
    });
  }
  linkNode(root);
  writeFileSync(stampFile, stamp);
  say({
    en: `npm packages ready after ${Math.round((Date.now() - startedAt) / 1000)} s`,
    zh: `npm 包就绪，用时 ${Math.round((Date.now() - startedAt) / 1000)} 秒`,
  });
}

/** @returns npm's exit code; null when it could not be started, or was killed */
function npmCi(root) {
  return new Promise((resolve) => {
    // A group of its own that goes when we go: told to stop, npm would tidy up for half a minute first.
    const child = spawn('npm', ['ci', '--include=optional', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true,
      // Its install script would fetch CUDA libraries that nothing here uses.
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
    const kill = () => process.kill(-child.pid, 'SIGKILL');
    if (child.pid) process.once('exit', kill);
    const end = (code) => {
      process.removeListener('exit', kill);
      resolve(code);
    };
    child.once('error', () => end(null));
    child.once('close', end);
  });
}

/** The Node 24 that npm brought. */
export const nodeLink = (root) => join(root, 'node_modules', '.bin', 'node');

function stampOf(root) {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', 'package.json']) hash.update(readFileSync(join(root, file)));
  return hash.update(process.arch).digest('hex');
}

function linkNode(root) {
  const link = nodeLink(root);
  if (existsSync(link)) return;
  // npm 9 removes the link together with the package of the other processor.
  rmSync(link, { force: true });
  const target = join('..', `node-linux-${process.arch}`, 'bin', 'node');
  if (!existsSync(join(root, 'node_modules', '.bin', target))) {
    throw new SetupError(
      text({ en: `no Node 24 for ${process.platform}/${process.arch}`, zh: `没有适用于 ${process.platform}/${process.arch} 的 Node 24` }),
      {
        en: 'cityvitals runs on Linux x64 and arm64; elsewhere install Node 24 yourself and run `node bin/cityvitals.js`',
        zh: 'cityvitals 支持 Linux x64 与 arm64；其他平台请自行安装 Node 24 并运行 `node bin/cityvitals.js`',
      },
    );
  }
  symlinkSync(target, link);
}
