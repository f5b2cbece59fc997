import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { translateUsageError } from './usage.ts';

/** What the library itself says to a mistake. */
function complaintOf(argv: readonly string[]): string {
  let said = '';
  const quiet = <T extends Command>(command: T): T =>
    command.exitOverride().configureOutput({
      writeErr: () => {},
      outputError: (text) => {
        said += text;
      },
    });
  const speed = (): number => {
    throw new InvalidArgumentError('1, 60 …');
  };
  const program = quiet(new Command('cityvitals'));
  program.addCommand(
    quiet(
      new Command('replay')
        .argument('<case>', 'a case', (text) => (text === 'odd' ? speed() : text))
        .option('--speed <speed>', 'how fast', speed),
    ),
  );
  program.addCommand(quiet(new Command('edge').requiredOption('--config <file>')));
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    assert.ok(error instanceof CommanderError);
  }
  return said.trim();
}

test('each complaint of the command line has its Chinese, with what was written', () => {
  const complaints: [argv: string[], chinese: string][] = [
    [['replay', 'a', '--sped', '1'], '错误：没有选项“--sped”\n（是否想写 --speed？）'],
    [['replya'], '错误：没有命令“replya”\n（是否想写 replay？）'],
    [['replay'], '错误：缺少参数“case”'],
    [['replay', 'a', '--speed'], '错误：选项“--speed <speed>”缺少取值'],
    [['edge'], '错误：必须给出选项“--config <file>”'],
    [['replay', 'a', 'b'], '错误：参数过多，应为 1 个，现有 2 个：a, b'],
    [['replay', 'a', '--speed', 'x'], '错误：选项“--speed <speed>”的取值“x”不对：1, 60 …'],
    [['replay', 'odd'], '错误：参数“case”的取值“odd”不对：1, 60 …'],
  ];
  for (const [argv, chinese] of complaints) assert.equal(translateUsageError(complaintOf(argv)), chinese);
});
