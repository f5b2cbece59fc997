/** Help and usage errors in the terminal's language; the library has English only. */
import type { Command } from 'commander';
import { EXIT, type CommandTerminal } from './terminal.ts';

/** The library's messages and their Chinese translation. */
const SENTENCES: [english: RegExp, chinese: string][] = [
  [/^error: unknown option '(.+)'/m, '错误：没有选项“$1”'],
  [/^error: unknown command '(.+)'/m, '错误：没有命令“$1”'],
  [/^error: missing required argument '(.+)'/m, '错误：缺少参数“$1”'],
  [/^error: option '(.+)' argument missing/m, '错误：选项“$1”缺少取值'],
  [/^error: required option '(.+)' not specified/m, '错误：必须给出选项“$1”'],
  [/^error: too many arguments(?: for '.+?')?\. Expected (\d+) arguments? but got (\d+): (.*)\.$/m, '错误：参数过多，应为 $1 个，现有 $2 个：$3'],
  [/^error: option '(.+)' argument '(.*)' is invalid\. ?(.*)$/m, '错误：选项“$1”的取值“$2”不对：$3'],
  [/^error: command-argument value '(.*)' is invalid for argument '(.+)'\. ?(.*)$/m, '错误：参数“$2”的取值“$1”不对：$3'],
  [/^\(Did you mean (?:one of )?(.+)\?\)$/m, '（是否想写 $1？）'],
];

const TITLES: Record<string, string> = { 'Usage:': '用法：', 'Arguments:': '参数：', 'Options:': '选项：', 'Commands:': '命令：' };

/** A complaint of the library in Chinese; what it never said before stays as it is. */
export const translateUsageError = (complaint: string): string =>
  SENTENCES.reduce((text, [english, chinese]) => text.replace(english, chinese), complaint);

/** Makes a command and all below it speak the terminal's language and end with our exit codes. */
export function localizeHelp(command: Command, terminal: CommandTerminal): void {
  const isChinese = terminal.language !== 'en';
  command
    .showHelpAfterError()
    .exitOverride((error) => { process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage); })
    .configureOutput({ outputError: (complaint, write) => { write(isChinese ? translateUsageError(complaint) : complaint); } })
    .configureHelp({ styleTitle: (title) => (isChinese ? (TITLES[title] ?? title) : title) })
    .helpOption('-h, --help', terminal.text({ en: 'show help', zh: '显示此帮助' }))
    .helpCommand(false);
  for (const below of command.commands) localizeHelp(below, terminal);
}
