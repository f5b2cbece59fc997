/**
 * `npm run rig -- clips [--json]`: what short tests cannot say of clips. Blurred copies of the clips in `footage` are judged by
 * detectors of two other families; a disk that is really full (a small one in memory, needs root) costs clips and no picture,
 * and they come back by themselves; an ffmpeg that is killed in the middle of a piece costs that piece. Ends with 1 when one
 * of these does not hold, 3 when nothing of it can be tried here.
 */
import { judgeCopies } from './copies.ts';
import type { ClipCheckFinding } from './check-finding.ts';
import { fullDisk } from './full-disk.ts';
import { killedFfmpeg } from './killed.ts';

const PARTS: Record<string, () => Promise<ClipCheckFinding>> = { copies: judgeCopies, 'full-disk': fullDisk, killed: killedFfmpeg };

export async function run(argv: string[]): Promise<number> {
  const found: Record<string, ClipCheckFinding> = {};
  for (const [name, part] of Object.entries(PARTS)) {
    const finding = (found[name] = await part());
    if (!argv.includes('--json'))
      process.stdout.write(
        `${name}: ${finding.ok === null ? 'not tried' : finding.ok ? 'holds' : 'DOES NOT HOLD'} ${JSON.stringify(finding)}\n`,
      );
  }
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(found)}\n`);
  const tried = Object.values(found).filter(({ ok }) => ok !== null);
  return tried.length === 0 ? 3 : tried.every(({ ok }) => ok) ? 0 : 1;
}
