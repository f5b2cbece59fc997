/** SIGHUP: reloads the configuration file; an invalid one is rejected and the old one stays active. */
import { readFileSync } from 'node:fs';
import type { ConfigProblem, ConfigSource } from '../core/config/check.ts';
import type { ConfigWatch, ReloadResult } from '../core/config/reload.ts';
import { faultOf, type Fault } from '../core/faults.ts';
import { printProblems } from './service.ts';
import type { CommandTerminal } from './terminal.ts';
import './faults.ts';

export interface ReloadRequest<S> {
  what: 'edge' | 'gateway';
  path: string;
  load(source: ConfigSource): Promise<{ setup: S | null; problems: ConfigProblem[] }>;
  apply(setup: S): Promise<ReloadResult>;
  watch: ConfigWatch;
}

export async function reloadConfig<S>(terminal: CommandTerminal, { what, path, load, apply, watch }: ReloadRequest<S>): Promise<void> {
  const refuse = (problems: readonly ConfigProblem[]) => {
    printProblems(terminal, problems);
    watch.refused(problems);
    if (terminal.json) terminal.record({ reloaded: what, ok: false, problems: problems.length });
  };
  const whole = (fault: Fault): ConfigProblem => ({ file: path, line: 1, column: 1, path: '', fault });
  try {
    const { setup, problems } = await load({ path, text: readFileSync(path, 'utf8') });
    if (!setup) return refuse(problems);
    const done = await apply(setup);
    watch.taken(done.restartNeeded);
    report(terminal, what, done);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    refuse([
      whole(code?.startsWith('E') ? { code: 'CV_CONFIG_UNREADABLE', params: { path, detail: code } } : faultOf(error, 'CV_COMMAND_FAILED')),
    ]);
  }
}

function report(terminal: CommandTerminal, what: string, { added, changed, removed, kept, restartNeeded }: ReloadResult): void {
  if (terminal.json) return terminal.record({ reloaded: what, ok: true, added, changed, removed, kept, restartNeeded });
  const list = (names: readonly string[]) => (names.length > 0 ? names.join(', ') : '–');
  terminal.print(
    terminal.text({
      en: `configuration reloaded: added ${list(added)}; changed ${list(changed)}; removed ${list(removed)}; ${kept} unchanged`,
      zh: `新配置已采用：新增 ${list(added)}；变更 ${list(changed)}；移除 ${list(removed)}；${kept} 项不变`,
    }),
  );
  if (restartNeeded.length > 0)
    terminal.print(terminal.text({ en: `  restart required for: ${list(restartNeeded)}`, zh: `  需重启后生效：${list(restartNeeded)}` }));
}
