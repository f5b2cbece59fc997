/** `npm run rig -- NAME …`: the smaller rigs, each exporting `run(argv)` with an exit code. */
const RIGS: Record<string, () => Promise<{ run(argv: string[]): Promise<number> }>> = {
  'log-cuts': () => import('./log-cuts/main.ts'),
  'log-damage': () => import('./log-damage/main.ts'),
  dtu: () => import('./dtu/main.ts'),
  stations: () => import('./stations/main.ts'),
  'broker-abuse': () => import('./broker-abuse/main.ts'),
  'vision-clips': () => import('./vision-clips/main.ts'),
  'video-faults': () => import('./video-faults/main.ts'),
  blur: () => import('./blur/main.ts'),
  clips: () => import('./clips/main.ts'),
  'console-fake': () => import('./console-fake/main.ts'),
};

const [name, ...argv] = process.argv.slice(2);
const load = name === undefined ? undefined : RIGS[name];
if (!load) {
  process.stderr.write(`usage: npm run rig -- NAME [--json]\nrigs: ${Object.keys(RIGS).join(', ')}\n`);
  process.exit(2);
}
process.exitCode = await (await load()).run(argv);
