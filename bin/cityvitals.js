#!/usr/bin/env node
/**
 * The command. Plain JavaScript for any Node: it finds Node 24 beside the package when this one is older, and runs the
 * compiled program when installed below a node_modules, else the sources.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiled = join(root, 'dist', 'cli', 'main.js');
const program = root.includes(`${sep}node_modules${sep}`) || !existsSync(join(root, 'cli', 'main.ts')) ? compiled : join(root, 'cli', 'main.ts');

const child = spawn(nodePath(), [program, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));

function nodePath() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  try {
    return createRequire(import.meta.url).resolve(`node-linux-${process.arch}/bin/node`);
  } catch (error) {
    process.stderr.write(`cityvitals needs Node 24 and this is ${process.version} (${error.code}).\n  → npm install with optional dependencies, or run it with Node 24\n`);
    process.exit(3);
  }
}
