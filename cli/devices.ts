/** `cityvitals devices list | bind DEVICE EDGE | move EDGE CENTRE`: which edge has which device, by a gateway's API. */
import { Command } from 'commander';
import type { BindingView, BindResultView } from '../api/bindings.ts';
import type { Page } from '../api/fields.ts';
import { operatorRequest, withOperator, type OperatorOptions } from './operator-request.ts';
import type { Terminal } from './terminal.ts';

export function define(terminal: Terminal): Command {
  const { text } = terminal;
  const command = new Command();
  const sub = (name: string, words: { en: string; zh: string }) => withOperator(command.command(name).description(text(words)), terminal);
  const reason = text({ en: 'why; stands in the record', zh: '理由，写入审计记录' });
  sub('list', { en: 'devices with the edges that have them', zh: '列出设备及其所属的边缘节点' })
    .option('--foreign', text({ en: 'only those of which events of other edges are held back', zh: '仅列出有其他节点的事件被暂存的设备' }))
    .action((options: OperatorOptions & { foreign?: boolean }) => list(terminal, options));
  sub('bind', { en: 'give a device to an edge; its events that were held back come in', zh: '把设备绑定到边缘节点；此前暂存的事件随即入库' })
    .argument('<device>').argument('<edge>').requiredOption('--reason <words>', reason)
    .action((device: string, edge: string, options: OperatorOptions & { reason: string }) => bind(terminal, options, { device, edge, reason: options.reason }));
  sub('move', { en: 'let an edge speak for another centre', zh: '变更边缘节点所代表的治理中心' })
    .argument('<edge>').argument('<centre>').requiredOption('--reason <words>', reason)
    .action((edge: string, centre: string, options: OperatorOptions & { reason: string }) => bind(terminal, options, { edge, centre, reason: options.reason }));
  return command.addHelpText('after', `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals devices list --foreign\n  cityvitals devices bind pump-07-plc pump-08 --reason '${text({ en: 'new box', zh: '更换设备箱' })}'`);
}

async function list(terminal: Terminal, options: OperatorOptions & { foreign?: boolean }): Promise<void> {
  for (let after: string | null = ''; after !== null;) {
    const query: string = `bindings?limit=1000${options.foreign ? '&foreign=true' : ''}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
    const page: Page<BindingView> = await operatorRequest<Page<BindingView>>(terminal, options, query);
    for (const view of page.items) show(terminal, view);
    after = page.next;
  }
}

function show(terminal: Terminal, view: BindingView): void {
  if (terminal.json) return terminal.record(view);
  const { text } = terminal;
  const by = view.configured ? text({ en: 'configured', zh: '配置' }) : text({ en: 'first seen, or bound', zh: '首见或手动绑定' });
  terminal.print(`${view.device.padEnd(24)} ${view.edges.join(', ').padEnd(20)} ${by}`);
  for (const { edge, count } of view.foreign) terminal.print(`  ${text({ en: `${count} events of ${edge} are held back`, zh: `暂存 ${edge} 的事件 ${count} 条` })}`);
}

async function bind(terminal: Terminal, options: OperatorOptions, body: object): Promise<void> {
  const result = await operatorRequest<BindResultView>(terminal, options, 'bindings', body);
  if (terminal.json) return terminal.record(result);
  const { edge, device, centre, before, taken } = result;
  const was = before.length > 0 ? terminal.text({ en: `, before: ${before.join(', ')}`, zh: `，原为 ${before.join('、')}` }) : '';
  terminal.print(device === undefined ? terminal.text({ en: `${edge} speaks for ${centre ?? ''}${was}`, zh: `${edge} 代表 ${centre ?? ''}${was}` }) : terminal.text({ en: `${device} belongs to ${edge}${was}`, zh: `${device} 归属 ${edge}${was}` }));
  if (taken > 0) terminal.print(terminal.text({ en: `${taken} events that were held back came in`, zh: `暂存的 ${taken} 条事件已入库` }));
}
