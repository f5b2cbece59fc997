/** What is made from our own sources and from packages: the converted detector and the console's pages. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeLink } from './packages.mjs';
import { say, SetupError, text } from './say.mjs';

/** TensorFlow.js graph → ONNX, once; the converter itself sees that nothing is left to do. */
export function convertModels(root) {
  step(root, ['models/convert/main.ts'], { en: 'converting the detector failed', zh: '转换检测模型失败' });
}

/** Builds the console when one of its sources is newer than what was built. */
export function buildConsole(root) {
  const stampFile = join(root, 'gateway', 'console-dist', '.stamp');
  const stamp = hashOf([join(root, 'console'), join(root, 'api'), join(root, 'core', 'event.ts')]);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say({ en: 'building the console …', zh: '正在构建控制台 …' });
  step(root, ['node_modules/vite/bin/vite.js', 'build', 'console', '--logLevel', 'warn'], {
    en: 'building the console failed',
    zh: '构建控制台失败',
  });
  writeFileSync(stampFile, stamp);
}

function step(root, args, failure) {
  const done = spawnSync(nodeLink(root), args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (done.status !== 0) {
    throw new SetupError(text(failure), {
      en: 'the lines above say why; remove node_modules and start again if they do not help',
      zh: '原因见上文；若无帮助，删除 node_modules 后重试',
    });
  }
}

function hashOf(paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    let entries = null;
    try {
      entries = readdirSync(path).toSorted();
    } catch (error) {
      if (error.code !== 'ENOTDIR') throw error;
    }
    if (entries) for (const entry of entries) add(join(path, entry));
    else hash.update(path.slice(path.lastIndexOf('/'))).update(readFileSync(path));
  };
  for (const path of paths) add(path);
  return hash.digest('hex');
}
