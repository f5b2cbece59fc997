/** What a bench needs beside ours: Debian's programs by the set-up's goals, npm packages of peers into .cache/peers, so that none of theirs ever gets among ours. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PEERS_FOLDER, printBench } from '../rig.ts';

/** Fixed, so that figures of two days compare. Later ones of node-red-contrib-modbus take a part from outside the npm registry. */
const PACKAGES = { 'node-red': '4.1.15', 'node-red-contrib-modbus': '5.23.3' };

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Debian's programs that a set-up goal names. */
export function installPrograms(
  goal: 'bench-ingest' | 'bench-log' | 'bench-modbus' | 'bench-memory' | 'bench-store' | 'bench-vision',
): void {
  const done = spawnSync(process.execPath, [join(ROOT, 'setup.mjs'), goal], { stdio: ['ignore', 2, 2] });
  if (done.status !== 0) throw new Error(`set-up for ${goal} failed; see above`);
}

/** Node-RED and its Modbus nodes. @throws when npm cannot */
export function installNodeRed(): void {
  installPeers(PACKAGES);
}

/** Packages by their exact versions. @throws when npm cannot */
export function installPeers(packages: Record<string, string>): void {
  const missing = Object.entries(packages).filter(([name, version]) => peerVersion(name) !== version);
  if (missing.length === 0) return;
  printBench(`installing ${missing.map(([name]) => name).join(', ')} …`);
  mkdirSync(PEERS_FOLDER, { recursive: true });
  const done = spawnSync(
    'npm',
    [
      'install',
      '--prefix',
      PEERS_FOLDER,
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...missing.map(([name, version]) => `${name}@${version}`),
    ],
    { stdio: ['ignore', 2, 2] },
  );
  if (done.status !== 0) throw new Error('npm could not install the peers; see above');
}

/** Loads what was installed there. */
export function peerRequire(): NodeJS.Require {
  return createRequire(join(PEERS_FOLDER, 'package.json'));
}

export function peerVersion(name: string): string | null {
  const manifest = join(PEERS_FOLDER, 'node_modules', name, 'package.json');
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version : null;
}
