/** `cityvitals enrolment add EDGE | list | remove ID`: one-time codes by which boxes get their certificates, through a gateway's API. */
import { networkInterfaces } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import type { EnrolmentCodeView, NewEnrolmentCodeView } from '../api/enrolment.ts';
import { isLocalHost } from '../core/http-host.ts';
import { parseDurationMs } from '../core/quantity.ts';
import { addOperatorOptions, operatorList, operatorRequest, type OperatorOptions } from './operator-request.ts';
import type { CommandTerminal } from './terminal.ts';

interface AddOptions extends OperatorOptions {
  centre: string[];
  replaces?: string;
  for: number;
}

const MINUTE_MS = 60_000;
const MAX_MS = 7 * 24 * 60 * MINUTE_MS;
const CODE_GROUP = /.{1,6}/g;

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  const sub = (name: string, words: { en: string; zh: string }) =>
    addOperatorOptions(command.command(name).description(text(words)), terminal);
  sub('add', { en: 'make a code for one box, and print what is typed there', zh: '为一台设备生成入网码，并显示在设备上输入的命令' })
    .argument('<edge>', text({ en: 'id of the edge', zh: '边缘节点编号' }))
    .requiredOption('--centre <code...>', text({ en: 'centres that it speaks for, its own first', zh: '可代表的治理中心，首个为其所属中心' }))
    .option(
      '--replaces <edge>',
      text({
        en: 'the box whose place it takes: its devices move, its certificates are revoked',
        zh: '被替换的边缘节点：其设备归新节点，其证书被吊销',
      }),
    )
    .option('--for <duration>', text({ en: 'how long it may be used: 1m … 7d', zh: '有效时长：1m … 7d' }), validFor, 60 * MINUTE_MS)
    .action((edge: string, options: AddOptions) => add(terminal, edge, options));
  sub('list', { en: 'list codes that have not ended, without the codes themselves', zh: '列出未到期的入网码（不显示入网码本身）' }).action(
    async (options: OperatorOptions) => {
      for await (const view of operatorList<EnrolmentCodeView>(terminal, options, 'enrolment-codes')) show(terminal, view);
    },
  );
  sub('remove', { en: 'take back a code', zh: '作废入网码' })
    .argument('<id>', text({ en: 'as `enrolment list` shows it', zh: 'enrolment list 显示的编号' }))
    .action(async (id: string, options: OperatorOptions) => {
      await operatorRequest(terminal, options, `enrolment-codes/${encodeURIComponent(id)}`, undefined, 'DELETE');
      if (terminal.json) return terminal.record({ id, removed: true });
      terminal.print(text({ en: `code ${id} cannot be used any more`, zh: `入网码 ${id} 已作废` }));
    });
  return command.addHelpText(
    'after',
    `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals enrolment add pump-07 --centre 500112001\n  cityvitals enrolment add pump-12 --centre 500112001 --replaces pump-07 --for 24h`,
  );
}

async function add(terminal: CommandTerminal, edge: string, options: AddOptions): Promise<void> {
  const { centre: centres, replaces, for: validMs } = options;
  const body = { edge, centres, replaces, validMs };
  const { code, view } = await operatorRequest<NewEnrolmentCodeView>(terminal, options, 'enrolment-codes', body);
  if (terminal.json) return terminal.record({ ...view, code });
  const until = minuteOf(view.expiresAt);
  terminal.print(terminal.text({ en: `on the box, once, before ${until} UTC:`, zh: `在设备上执行（一次有效，${until} UTC 前）：` }));
  const grouped = (code.match(CODE_GROUP) ?? []).join('-');
  const more = replaces === undefined ? '' : ` --replaces ${replaces}`;
  terminal.print(`  cityvitals enrol --gateway ${gatewayForBoxes(options.gateway)} --code ${grouped} --edge ${edge}${more} --config edge.yaml --write`);
}

/** By which a box reaches the gateway, where the operator sits at the gateway itself. */
function gatewayForBoxes(given: string): string {
  const url = new URL(given);
  url.protocol = 'https:';
  if (isLocalHost(url.hostname)) {
    const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    const own = addresses.find(({ internal, family }) => !internal && family === 'IPv4');
    if (own && url.hostname !== 'localhost') url.hostname = own.address;
  }
  return url.href.replace(/\/$/, '');
}

function show(terminal: CommandTerminal, view: EnrolmentCodeView): void {
  if (terminal.json) return terminal.record(view);
  const { text } = terminal;
  const { id, edge, centres, createdBy, expiresAt, used, replaces } = view;
  const state = used ? text({ en: 'used', zh: '已使用' }) : text({ en: 'not used', zh: '未使用' });
  const place = replaces === undefined ? '' : text({ en: `, in place of ${replaces}`, zh: `，替换 ${replaces}` });
  const until = text({ en: `until ${minuteOf(expiresAt)} UTC, by ${createdBy}`, zh: `${minuteOf(expiresAt)} UTC 到期，${createdBy} 创建` });
  terminal.print(`${id}  ${edge.padEnd(20)} ${centres.join(', ')}  ${state}, ${until}${place}`);
}

const minuteOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');

function validFor(given: string): number {
  const durationMs = parseDurationMs(given);
  if (durationMs === null || durationMs < MINUTE_MS || durationMs > MAX_MS) throw new InvalidArgumentError('1m … 7d');
  return durationMs;
}
