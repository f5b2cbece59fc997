/** `cityvitals devices list | bind DEVICE EDGE | move EDGE CENTRE`: manages device bindings through a gateway's API. */
import { Command } from 'commander';
import type { BindingView, BindResultView } from '../api/bindings.ts';
import { addOperatorOptions, operatorList, operatorRequest, type OperatorOptions } from './operator-request.ts';
import type { CommandTerminal } from './terminal.ts';

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  const sub = (name: string, words: { en: string; zh: string }) =>
    addOperatorOptions(command.command(name).description(text(words)), terminal);
  const reason = text({ en: 'reason, written to the audit journal', zh: '理由，写入审计记录' });
  sub('list', { en: 'list devices with their edges', zh: '列出设备及其所属的边缘节点' })
    .option('--foreign', text({ en: 'only devices with quarantined events of other edges', zh: '仅列出有其他节点的事件被暂存的设备' }))
    .action((options: OperatorOptions & { foreign?: boolean }) => list(terminal, options));
  sub('bind', {
    en: 'bind a device to an edge; its quarantined events are then accepted',
    zh: '把设备绑定到边缘节点；此前暂存的事件随即入库',
  })
    .argument('<device>')
    .argument('<edge>')
    .requiredOption('--reason <words>', reason)
    .action((device: string, edge: string, options: OperatorOptions & { reason: string }) =>
      bind(terminal, options, { device, edge, reason: options.reason }),
    );
  sub('move', { en: 'change the centre of an edge', zh: '变更边缘节点所代表的治理中心' })
    .argument('<edge>')
    .argument('<centre>')
    .requiredOption('--reason <words>', reason)
    .action((edge: string, centre: string, options: OperatorOptions & { reason: string }) =>
      bind(terminal, options, { edge, centre, reason: options.reason }),
    );
  return command.addHelpText(
    'after',
    `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals devices list --foreign\n  cityvitals devices bind pump-07-plc pump-08 --reason '${text({ en: 'new box', zh: '更换设备箱' })}'`,
  );
}

async function list(terminal: CommandTerminal, options: OperatorOptions & { foreign?: boolean }): Promise<void> {
  const path = `bindings${options.foreign ? '?foreign=true' : ''}`;
  for await (const view of operatorList<BindingView>(terminal, options, path)) show(terminal, view);
}

function show(terminal: CommandTerminal, view: BindingView): void {
  if (terminal.json) return terminal.record(view);
  const { text } = terminal;
  const by = view.configured ? text({ en: 'configured', zh: '配置' }) : text({ en: 'first seen or bound', zh: '首见或手动绑定' });
  terminal.print(`${view.device.padEnd(24)} ${view.edges.join(', ').padEnd(20)} ${by}`);
  for (const { edge, count } of view.foreign)
    terminal.print(`  ${text({ en: `${count} events of ${edge} quarantined`, zh: `暂存 ${edge} 的事件 ${count} 条` })}`);
}

async function bind(terminal: CommandTerminal, options: OperatorOptions, body: object): Promise<void> {
  const result = await operatorRequest<BindResultView>(terminal, options, 'bindings', body);
  if (terminal.json) return terminal.record(result);
  const { edge, device, centre, before, taken } = result;
  const was = before.length > 0 ? terminal.text({ en: `, before: ${before.join(', ')}`, zh: `，原为 ${before.join('、')}` }) : '';
  terminal.print(
    device === undefined
      ? terminal.text({ en: `${edge} reports for ${centre ?? ''}${was}`, zh: `${edge} 代表 ${centre ?? ''}${was}` })
      : terminal.text({ en: `${device} belongs to ${edge}${was}`, zh: `${device} 归属 ${edge}${was}` }),
  );
  if (taken > 0) terminal.print(terminal.text({ en: `${taken} quarantined events accepted`, zh: `暂存的 ${taken} 条事件已入库` }));
}
