/** `npm run rig -- NAME …`: the smaller rigs, each exporting `run(argv)` with an exit code. What heads a rig's file is its help. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const RIGS: Record<string, () => Promise<{ run(argv: string[]): Promise<number> }>> = {
  'log-cuts': () => import('./log-cuts/main.ts'),
  'log-damage': () => import('./log-damage/main.ts'),
  dtu: () => import('./dtu/main.ts'),
  stations: () => import('./stations/main.ts'),
  'broker-abuse': () => import('./broker-abuse/main.ts'),
  'vision-clips': () => import('./vision-clips/main.ts'),
  'video-faults': () => import('./video-faults/main.ts'),
  attack: () => import('./attack/main.ts'),
  blur: () => import('./blur/main.ts'),
  linear: () => import('./linear/main.ts'),
  clips: () => import('./clips/main.ts'),
  'console-fake': () => import('./console-fake/main.ts'),
  flakes: () => import('./flakes/main.ts'),
  mutate: () => import('./mutate/main.ts'),
  'lost-writes': () => import('./lost-writes/main.ts'),
  fixtures: () => import('./fixtures/main.ts'),
  picture: () => import('./picture/main.ts'),
  precision: () => import('./precision/main.ts'),
};

const [name, ...argv] = process.argv.slice(2);
const load = name === undefined ? undefined : RIGS[name];
const usage = `usage: npm run rig -- NAME [--json]\nrigs: ${Object.keys(RIGS).join(', ')}\n`;
if (name !== undefined && load && argv.includes('--help')) process.stdout.write(helpOf(name));
else if (load) process.exitCode = await (await load()).run(argv);
else if (name === '--help') process.stdout.write(usage);
else {
  process.stderr.write(usage);
  process.exitCode = 2;
}

function helpOf(rig: string): string {
  const [head = ''] = readFileSync(join(import.meta.dirname, rig, 'main.ts'), 'utf8').split('*/');
  return `${head.replace(/^\/\*\*/, '').replaceAll(/^ ?\*? ?/gm, '').trim()}\n`;
}
