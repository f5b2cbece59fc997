#!/usr/bin/env node
/**
 * The command. Plain JavaScript for any Node: when this one is older than 24 it goes on with the Node 24 that npm put
 * beside the package. It runs the compiled program when installed below a node_modules, else the sources.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'cli', 'main.ts');
const program = root.includes(`${sep}node_modules${sep}`) || !existsSync(source) ? join(root, 'dist', 'cli', 'main.js') : source;

if (Number(process.versions.node.split('.')[0]) >= 24) await import(pathToFileURL(program).href);
else goOnWith(node24());

function goOnWith(node) {
  const child = spawn(node, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // Ctrl-C in a terminal reaches both of us; passed on, it would count as the second one, which ends at once.
  process.on('SIGINT', () => { if (!process.stdin.isTTY) child.kill('SIGINT'); });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function node24() {
  try {
    return createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  } catch (error) {
    process.stderr.write(
      `cityvitals needs Node 24 and this is ${process.version} (${error.code}).\n  → install it with its optional dependencies (npm install --include=optional), or run it with Node 24\ncityvitals 需要 Node 24，当前为 ${process.version}。\n  → 安装时包含可选依赖（npm install --include=optional），或改用 Node 24 运行\n`,
    );
    process.exit(3);
  }
}
