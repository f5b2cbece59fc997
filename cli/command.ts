/** `cityvitals command read|write|snapshot DEVICE …`: sends a command through a gateway's API and waits for its result. */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandView } from '../api/commands.ts';
import { FaultError } from '../core/faults.ts';
import { parseDurationMs } from '../core/quantity.ts';
import { operatorRequest, addOperatorOptions, type OperatorOptions } from './operator-request.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import './faults.ts';

interface Options extends OperatorOptions {
  reason: string;
  within: string;
  unit?: string;
  id?: string;
  if?: string;
  out?: string;
}

const LOOK_MS = 200;
/** After the command's expiry, time for the gateway to report it. */
const GRACE_MS = 3_000;

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  const sub = (name: string, words: { en: string; zh: string }) =>
    addOperatorOptions(command.command(name).description(text(words)), terminal)
      .requiredOption('--reason <words>', text({ en: 'reason, written to the audit journal on both sides', zh: '理由，写入两侧的记录' }))
      .option('--within <duration>', text({ en: 'expires when not started within this time', zh: '超过此时长未开始则作废' }), '30s')
      .option('--id <id>', text({ en: 'idempotency key: repeating it is the same command', zh: '自定编号：重复下达视为同一命令' }));
  sub('read', { en: 'read points of a device now', zh: '立即读取设备的测点' })
    .argument('<device>')
    .argument('[points...]')
    .action((device: string, points: string[], options: Options) =>
      run(terminal, options, { kind: 'read', device, ...(points.length > 0 ? { points } : {}) }),
    );
  sub('write', { en: 'set a point and read it back', zh: '写入测点并回读' })
    .argument('<device>')
    .argument('<point>')
    .argument(
      '<value>',
      text({ en: 'true, false, a number, or a quoted text (quote it twice in a shell)', zh: 'true、false、数值，或再加一层引号的文本' }),
    )
    .option('--unit <unit>', text({ en: 'refuse if the point has a different unit', zh: '与测点单位不符则拒绝' }))
    .option(
      '--if <condition>',
      text({ en: 'refuse unless it holds: point=value, point>number or point<number', zh: '不满足则拒绝：point=值、point>数 或 point<数' }),
    )
    .action((device: string, point: string, value: string, options: Options) =>
      run(terminal, options, {
        kind: 'write',
        device,
        point,
        value: valueOf(terminal, value),
        ...(options.unit === undefined ? {} : { unit: options.unit }),
        ...(options.if === undefined ? {} : { ifState: conditionOf(terminal, options.if) }),
      }),
    );
  sub('snapshot', { en: 'the newest picture of a camera', zh: '摄像机的最新画面' })
    .argument('<device>').option('--out <file>', text({ en: 'output file for the JPEG', zh: 'JPEG 保存到' }))
    .action((device: string, _options: unknown, self: Command) => run(terminal, self.opts<Options>(), { kind: 'snapshot', device }));
  return command.addHelpText(
    'after',
    `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals command read pump-07-plc level --reason '${text({ en: 'a look', zh: '查看' })}'\n  cityvitals command write pump-07-plc running true --reason '${text({ en: 'water rises', zh: '水位上涨' })}' --if 'level>2.0'`,
  );
}

async function run(terminal: CommandTerminal, options: Options, asked: Record<string, unknown>): Promise<void> {
  const expiresInMs = parseDurationMs(options.within);
  if (expiresInMs === null) return usage(terminal, 'within', options.within);
  let view = await operatorRequest<CommandView>(terminal, options, 'commands', {
    ...asked,
    reason: options.reason,
    expiresInMs,
    ...(options.id === undefined ? {} : { id: options.id }),
  });
  const untilMs = performance.now() + expiresInMs + GRACE_MS;
  while (view.status === 'pending' && performance.now() < untilMs) {
    await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
    view = await operatorRequest<CommandView>(terminal, options, `commands/${view.id}`);
  }
  if (view.picture && options.out !== undefined) writeFileSync(options.out, Buffer.from(view.picture.jpegBase64, 'base64'));
  tell(terminal, view, options.out);
  process.exitCode = view.status === 'done' ? EXIT.ok : EXIT.found;
}

function tell(terminal: CommandTerminal, view: CommandView, out: string | undefined): void {
  if (terminal.json)
    return terminal.record(out === undefined ? view : { ...view, picture: view.picture && { ...view.picture, jpegBase64: '', file: out } });
  const { text } = terminal;
  for (const { point, value, unit, quality, flags } of view.values ?? [])
    terminal.print(`  ${point.padEnd(16)} ${`${String(value)} ${unit}`.trim().padEnd(20)} ${quality}  ${flags.join(' ')}`.trimEnd());
  if (view.readBack !== null) terminal.print(`  ${text({ en: 'read back', zh: '回读' })}: ${String(view.readBack)}`);
  if (view.picture) terminal.print(`  ${view.picture.width} × ${view.picture.height}${out === undefined ? '' : ` → ${out}`}`);
  terminal.print(`${STATUS[view.status][terminal.language === 'en' ? 'en' : 'zh']} (${view.id})`);
  if (view.fault)
    terminal.print(
      `  ${text(view.fault.message)} [${view.fault.code}]${text(view.fault.remedy) ? `\n  → ${text(view.fault.remedy)}` : ''}`,
    );
}

const STATUS: Record<CommandView['status'], { en: string; zh: string }> = {
  pending: { en: 'no answer yet', zh: '尚未应答' },
  done: { en: 'done', zh: '已完成' },
  refused: { en: 'refused, not executed', zh: '已拒绝，未执行' },
  failed: { en: 'failed', zh: '失败' },
  expired: { en: 'expired, not executed', zh: '已过期，未执行' },
  unknown: { en: 'result unknown', zh: '结果未知' },
};

/** JSON where it is a number, a boolean or a quoted text; any other word is itself. */
function valueOf(terminal: CommandTerminal, words: string): number | boolean | string {
  if (!/^(true|false|".*"|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/.test(words)) return words;
  try {
    return JSON.parse(words) as number | boolean | string;
  } catch {
    return usage(terminal, 'value', words);
  }
}

function conditionOf(terminal: CommandTerminal, words: string): Record<string, unknown> {
  const [, place = '', sign = '', rest = ''] = /^([^=<>]+)([=<>])(.+)$/.exec(words) ?? [];
  const [, device, point = ''] = /^(?:([^/]+)\/)?([^/]+)$/.exec(place.trim()) ?? [];
  const value = valueOf(terminal, rest.trim());
  if (point === '' || (sign !== '=' && typeof value !== 'number')) return usage(terminal, 'if', words);
  return {
    ...(device === undefined ? {} : { device }),
    point,
    ...(sign === '=' ? { is: value } : sign === '>' ? { above: value } : { below: value }),
  };
}

function usage(terminal: CommandTerminal, key: string, given: string): never {
  return exitWithFault(terminal, new FaultError('CV_INPUT_INVALID', { key, given }), EXIT.usage);
}
