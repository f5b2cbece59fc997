/** What this machine says of its own clock: whether NTP has set it, and whether a hardware clock with a battery has. */
import { execFile } from 'node:child_process';
import type { Files } from '../../core/world.ts';

export interface ClockProbe {
  /** The system's clock was set by NTP, a GNSS receiver behind it included. */
  isSynchronised(): Promise<boolean>;
  /** ms UTC of the hardware clock that the system's clock was set from at boot; null when there is none. */
  hardwareAt(): Promise<number | null>;
}

/** systemd-timesyncd makes it when it has the time; it lies in memory, so a boot begins without it. */
const TIMESYNC_FILE = '/run/systemd/timesync/synchronized';
const CLOCKS = ['rtc0', 'rtc1'].map((name) => `/sys/class/rtc/${name}`);
const ASK_TIMEOUT_MS = 2000;
/** Each asks the kernel, which chrony, ntpd and others tell as well: whether its clock is synchronised. */
const QUESTIONS: readonly { command: string; args: readonly string[]; yes: RegExp }[] = [
  { command: 'timedatectl', args: ['show', '--property=NTPSynchronized', '--value'], yes: /^yes$/m },
  { command: 'chronyc', args: ['-n', 'tracking'], yes: /^Leap status\s*:\s*(Normal|Insert|Delete)/m },
];

export type RunProgram = (command: string, args: readonly string[]) => Promise<string | null>;

export function systemClockProbe(files: Files, ask: RunProgram = askSystem): ClockProbe {
  return {
    async isSynchronised() {
      if (await files.exists(TIMESYNC_FILE)) return true;
      for (const { command, args, yes } of QUESTIONS) {
        const answer = await ask(command, args);
        // The first that is there speaks for all: they look at the same kernel.
        if (answer !== null) return yes.test(answer);
      }
      return false;
    },
    async hardwareAt() {
      for (const clock of CLOCKS) {
        if ((await textOf(files, `${clock}/hctosys`)) !== '1') continue;
        const seconds = Number(await textOf(files, `${clock}/since_epoch`));
        if (seconds > 0) return seconds * 1000;
      }
      return null;
    },
  };
}

async function textOf(files: Files, path: string): Promise<string | null> {
  if (!(await files.exists(path))) return null;
  try {
    return (await files.readText(path)).trim();
  } catch (error) {
    // A clock chip that does not answer (EIO) is one that is not there.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return null;
  }
}

/** What a program says; null when it is not there or does not answer. */
const askSystem: RunProgram = (command, args) => new Promise((resolve) => {
  execFile(command, args, { timeout: ASK_TIMEOUT_MS, encoding: 'utf8' }, (error, stdout) => { resolve(error ? null : stdout); });
});
