/** `cityvitals audit verify FOLDER`: verifies the audit journal of an edge or a gateway. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { FaultError } from '../core/faults.ts';
import { verifyJournal } from '../log/journal.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  command
    .command('verify')
    .description(text({ en: 'check that no line was changed, removed or inserted', zh: '检查记录未被修改、删除或插入' }))
    .argument(
      '<folder>',
      text({
        en: 'the commands folder beside a log: data/<edge>/commands, data/<gateway>/log/commands',
        zh: '日志旁的 commands 目录：data/<edge>/commands、data/<gateway>/log/commands',
      }),
    )
    .option('--json')
    .option('--lang <language>')
    .action((folder: string) => verify(terminal, resolve(folder)));
  return command;
}

async function verify(terminal: CommandTerminal, folder: string): Promise<void> {
  if (!existsSync(folder))
    return exitWithFault(terminal, new FaultError('CV_CONFIG_UNREADABLE', { path: folder, detail: 'ENOENT' }), EXIT.usage);
  const { lines, faults, last } = await verifyJournal(folder);
  for (const fault of faults) terminal.fault(fault);
  if (terminal.json) terminal.record({ folder, lines: lines.length, broken: faults.length, last });
  else
    terminal.print(
      terminal.text({
        en: `${folder}: ${lines.length} lines, ${faults.length} broken; last hash ${last}`,
        zh: `${folder}：${lines.length} 行，${faults.length} 处异常；末行哈希 ${last}`,
      }),
    );
  process.exitCode = faults.length > 0 ? EXIT.found : EXIT.ok;
}
