/** `cityvitals certificates list | revoke EDGE | replace-ca`: certificates of edges, through a gateway's API. */
import { Command } from 'commander';
import type { AuthoritiesView, EdgeCertificateView, RevokedView } from '../api/enrolment.ts';
import { dayOf } from '../core/certificates.ts';
import { addOperatorOptions, operatorList, operatorRequest, type OperatorOptions } from './operator-request.ts';
import type { CommandTerminal } from './terminal.ts';

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  const sub = (name: string, words: { en: string; zh: string }) =>
    addOperatorOptions(command.command(name).description(text(words)), terminal);
  sub('list', { en: 'list certificates of edges, those that were revoked too', zh: '列出边缘节点的证书，含已吊销的' })
    .option('--edge <id>', text({ en: 'of this edge alone', zh: '仅此边缘节点' }))
    .action(async ({ edge, ...options }: OperatorOptions & { edge?: string }) => {
      for await (const view of operatorList<EdgeCertificateView>(terminal, options, 'certificates'))
        if (edge === undefined || view.edge === edge) show(terminal, view);
    });
  sub('revoke', {
    en: 'revoke the certificates of an edge, or one by its serial number; its connection ends at once',
    zh: '吊销边缘节点的全部证书，或按序列号吊销一张；其连接立即断开',
  })
    .argument('<which>', text({ en: 'an edge, or a serial number', zh: '边缘节点编号或证书序列号' }))
    .action(async (which: string, options: OperatorOptions) => {
      const { revoked } = await operatorRequest<RevokedView>(terminal, options, 'certificates/revocation', { which });
      for (const view of revoked) show(terminal, view);
      if (revoked.length === 0 && !terminal.json) terminal.print(text({ en: 'they were revoked before', zh: '此前均已吊销' }));
    });
  sub('replace-ca', {
    en: 'make a new CA, which issues from now on; certificates of the old one still count',
    zh: '更换 CA：此后由新 CA 签发，旧 CA 签发的证书仍有效',
  }).action(async (options: OperatorOptions) => {
    const result = await operatorRequest<AuthoritiesView>(terminal, options, 'certificates/authority', {});
    if (terminal.json) return terminal.record(result);
    const [now, ...before] = result.authorities;
    terminal.print(`CA ${now}`);
    terminal.print(
      text({ en: `  before: ${before.join(', ')}; boxes learn the new one as they renew`, zh: `  此前：${before.join('、')}；设备在续期时得知新 CA` }),
    );
  });
  return command.addHelpText(
    'after',
    `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals certificates list\n  cityvitals certificates revoke pump-07`,
  );
}

function show(terminal: CommandTerminal, view: EdgeCertificateView): void {
  if (terminal.json) return terminal.record(view);
  const { text } = terminal;
  const { edge, serialNumber, centres, notAfterAt, by, revokedAt } = view;
  const state = revokedAt === null
    ? text({ en: `until ${dayOf(notAfterAt)}`, zh: `有效期至 ${dayOf(notAfterAt)}` })
    : text({ en: `revoked on ${dayOf(revokedAt)}`, zh: `${dayOf(revokedAt)} 吊销` });
  const origin = text({
    code: { en: 'by a code', zh: '凭入网码' },
    renewal: { en: 'renewed', zh: '续期' },
    grace: { en: 'renewed after its end', zh: '过期后补续' },
  }[by]);
  terminal.print(`${edge.padEnd(20)} ${serialNumber}  ${centres.join(', ')}  ${state}, ${origin}`);
}
