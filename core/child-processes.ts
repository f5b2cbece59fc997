/**
 * Child processes that must not outlive us. Ours end by themselves when nobody listens to them any more, but one that hangs
 * does not notice; whoever is ended in haste (a second Ctrl-C, a stop that takes too long) kills them on its way out.
 */
import type { ChildProcess } from 'node:child_process';

const living = new Map<ChildProcess, () => void>();

process.on('exit', () => {
  for (const kill of living.values()) kill();
});

/** @param kill where more than the child itself has to go */
export function killOnExit(child: ChildProcess, kill = () => { child.kill('SIGKILL'); }): void {
  living.set(child, kill);
  const forget = () => { living.delete(child); };
  child.once('exit', forget).once('error', forget);
}
