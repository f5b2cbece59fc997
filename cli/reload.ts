/** SIGHUP: the configuration file is read and checked anew; one in order is taken in, any other is refused and the old one goes on. */
import { readFileSync } from 'node:fs';
import type { ConfigProblem, ConfigSource } from '../core/config/check.ts';
import type { ConfigWatch, Reloaded } from '../core/config/reload.ts';
import { faultOf, type Fault } from '../core/faults.ts';
import { printProblems } from './service.ts';
import type { Terminal } from './terminal.ts';
import './faults.ts';

export interface Reloading<S> {
  what: 'edge' | 'gateway';
  path: string;
  load(source: ConfigSource): Promise<{ setup: S | null; problems: ConfigProblem[] }>;
  take(setup: S): Promise<Reloaded>;
  watch: ConfigWatch;
}

export async function reload<S>(terminal: Terminal, { what, path, load, take, watch }: Reloading<S>): Promise<void> {
  const refuse = (problems: readonly ConfigProblem[]) => {
    printProblems(terminal, problems);
    watch.refused(problems);
    if (terminal.json) terminal.record({ reloaded: what, ok: false, problems: problems.length });
  };
  const whole = (fault: Fault): ConfigProblem => ({ file: path, line: 1, column: 1, path: '', fault });
  try {
    const { setup, problems } = await load({ path, text: readFileSync(path, 'utf8') });
    if (!setup) return refuse(problems);
    const done = await take(setup);
    watch.taken(done.restartNeeded);
    report(terminal, what, done);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    refuse([whole(code?.startsWith('E') ? { code: 'CV_CONFIG_UNREADABLE', params: { path, detail: code } } : faultOf(error, 'CV_COMMAND_FAILED'))]);
  }
}

function report(terminal: Terminal, what: string, { added, changed, removed, kept, restartNeeded }: Reloaded): void {
  if (terminal.json) return terminal.record({ reloaded: what, ok: true, added, changed, removed, kept, restartNeeded });
  const list = (names: readonly string[]) => (names.length > 0 ? names.join(', ') : '–');
  terminal.print(terminal.text({
    en: `configuration taken in: added ${list(added)}; changed ${list(changed)}; removed ${list(removed)}; ${kept} as before`,
    zh: `新配置已采用：新增 ${list(added)}；变更 ${list(changed)}；移除 ${list(removed)}；${kept} 项不变`,
  }));
  if (restartNeeded.length > 0) terminal.print(terminal.text({ en: `  restart needed for: ${list(restartNeeded)}`, zh: `  需重启后生效：${list(restartNeeded)}` }));
}
