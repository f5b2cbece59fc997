/** What running programs cost, from /proc: processor time of all their threads, and memory they hold. */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second for programs, whatever the kernel's own tick. */
const TICK_MS = 10;

/** Processor time used so far, user and system, ms; children that have ended are not counted. */
export function cpuMsOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name is in brackets and may hold anything; user time is the 12th field after it, system time the 13th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * TICK_MS;
}

/** The same to the nanosecond, ms, of programs whose threads stay: those that have ended are not counted. */
export function steadyCpuMsOf(pids: readonly number[]): number {
  let sumNs = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`))
      sumNs += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
  }
  return sumNs / 1e6;
}

/** The same of our children that have ended, and of theirs. */
export function cpuMsOfChildren(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

/** Resident memory, bytes. */
export function residentBytesOf(pids: readonly number[]): number {
  let bytes = 0;
  for (const pid of pids) bytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  return bytes;
}

/** Share of all processors that was busy between two calls, and the part that was not ours; for saying how quiet the machine was. */
export function machineBusy(): { total: number; idle: number } {
  const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string).trim().split(/\s+/).slice(1).map(Number);
  const total = fields.slice(0, 8).reduce((sum, one) => sum + one, 0);
  return { total: total * TICK_MS, idle: ((fields[3] ?? 0) + (fields[4] ?? 0)) * TICK_MS };
}
