/**
 * `cityvitals user add | list | disable | enable | link`: users of a gateway, through its API; `--local` on its people.db,
 * while it is stopped.
 */
import { Command, Option } from 'commander';
import { ROLES, type Role } from '../api/permissions.ts';
import type { UserLinkView, UserView } from '../api/users.ts';
import { FaultError } from '../core/faults.ts';
import { loadGateway } from './load.ts';
import { addOperatorOptions, operatorList, operatorRequest, type OperatorOptions } from './operator-request.ts';
import { configText, printProblems } from './service.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import type { LocalPeople, UserAdministration } from './local-people.ts';

interface Options extends OperatorOptions {
  local?: boolean;
  config?: string;
}

export function define(terminal: CommandTerminal): Command {
  const { text } = terminal;
  const command = new Command();
  const sub = (name: string, words: { en: string; zh: string }) =>
    addOperatorOptions(command.command(name).description(text(words)), terminal)
      .option(
        '--local',
        text({
          en: "on this machine, with people.db itself, as root or the file's owner; the gateway must be stopped",
          zh: '在网关本机直接操作 people.db，须为 root 或文件属主；须先停止网关',
        }),
      )
      .option('-c, --config <file>', text({ en: 'configuration of the gateway, with --local', zh: '网关配置文件，与 --local 同用' }));
  sub('list', { en: 'list users with their roles', zh: '列出用户及其角色' }).action((options: Options) =>
    act(terminal, options, async (people) => {
      for (const user of await people.list()) show(terminal, user);
    }),
  );
  sub('add', { en: 'add a user, who sets a password by the link that is printed', zh: '添加用户，并显示其设置密码的链接' })
    .argument('<name>')
    .addOption(new Option('--role <role>', text({ en: 'role', zh: '角色' })).choices(ROLES).makeOptionMandatory())
    .requiredOption('--centre <code>', text({ en: 'centre it is in, with all below; * for all', zh: '所在治理中心，含下级；* 表示全部' }))
    .action((name: string, options: Options & { role: Role; centre: string }) =>
      act(terminal, options, async (people) => {
        showLink(terminal, people.url, await people.add(name, [{ role: options.role, centre: options.centre }]));
      }),
    );
  for (const [name, disabled, words] of [
    ['disable', true, { en: 'disable a user: sessions and tokens end', zh: '停用用户，其会话与令牌立即失效' }],
    ['enable', false, { en: 'enable a user again', zh: '重新启用用户' }],
  ] as const)
    sub(name, words)
      .argument('<name>')
      .action((user: string, options: Options) =>
        act(terminal, options, async (people) => show(terminal, await people.setDisabled(await idOf(people, user), disabled))),
      );
  sub('link', { en: 'print a link by which a user sets a new password', zh: '显示用户重新设置密码的链接' })
    .argument('<name>')
    .action((user: string, options: Options) =>
      act(terminal, options, async (people) => showLink(terminal, people.url, await people.link(await idOf(people, user)))),
    );
  sub('setup-link', {
    en: 'print a link that makes the first administrator; with --local',
    zh: '显示设置首位管理员的链接，须与 --local 同用',
  }).action((options: Options) =>
    localPeople(terminal, { ...options, local: true }).then((people) =>
      finish(terminal, people, async () => {
        const { code, expiresAt } = await people.firstLink();
        printLink(terminal, people.url, code, expiresAt);
      }),
    ),
  );
  return command.addHelpText(
    'after',
    `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals user add li-wei --role operator --centre 500112\n  cityvitals user add chief --role administrator --centre '*' --local --config gateway.yaml`,
  );
}

async function act(terminal: CommandTerminal, options: Options, run: (people: UserAdministration) => Promise<void>): Promise<void> {
  if (!options.local) return run(byApi(terminal, options));
  const people = await localPeople(terminal, options);
  await finish(terminal, people, () => run(people));
}

async function finish(terminal: CommandTerminal, people: LocalPeople, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    await people.close();
  } catch (error) {
    await people.close().catch(() => undefined);
    exitWithFault(terminal, error);
  }
}

function byApi(terminal: CommandTerminal, options: Options): UserAdministration {
  return {
    url: options.gateway.replace(/\/$/, ''),
    async list() {
      const users: UserView[] = [];
      for await (const user of operatorList<UserView>(terminal, options, 'users')) users.push(user);
      return users;
    },
    add: (name, grants) => operatorRequest<UserLinkView>(terminal, options, 'users', { name, grants }),
    setDisabled: (id, disabled) => operatorRequest<UserView>(terminal, options, `users/${encodeURIComponent(id)}`, { disabled }),
    link: (id) => operatorRequest<UserLinkView>(terminal, options, `users/${encodeURIComponent(id)}/setup-code`, {}),
  };
}

async function localPeople(terminal: CommandTerminal, { config }: Options): Promise<LocalPeople> {
  if (config === undefined) {
    terminal.remark(terminal.text({ en: '--local needs --config', zh: '--local 须与 --config 同用' }));
    process.exit(EXIT.usage);
  }
  const { setup, problems } = await loadGateway({ path: config, text: configText(terminal, config) });
  if (!setup) {
    printProblems(terminal, problems);
    process.exit(EXIT.usage);
  }
  const { openLocalPeople } = await import('./local-people.ts');
  return openLocalPeople(setup).catch((error: unknown) => exitWithFault(terminal, error));
}

/** Compared as the gateway compares them. @throws CV_API_UNKNOWN_ID */
async function idOf(people: UserAdministration, name: string): Promise<string> {
  const { foldName } = await import('../gateway/people/user-name.ts');
  const user = (await people.list()).find((one) => foldName(one.name) === foldName(name));
  if (!user) throw new FaultError('CV_API_UNKNOWN_ID', { what: 'user', whatZh: '用户', id: name, list: 'cityvitals user list' });
  return user.id;
}

function show(terminal: CommandTerminal, user: UserView): void {
  if (terminal.json) return terminal.record(user);
  const { text } = terminal;
  const grants = user.grants.map(({ role, centre }) => `${role}@${centre}`).join(', ') || text({ en: 'no role', zh: '无角色' });
  const state = user.disabled
    ? text({ en: '  disabled', zh: '  已停用' })
    : user.hasPassword
      ? ''
      : user.byProvider
        ? text({ en: '  signs in by the provider', zh: '  通过统一身份登录' })
        : text({ en: '  no password yet', zh: '  尚未设置密码' });
  terminal.print(`${user.name.padEnd(24)} ${grants}${state}`);
}

function showLink(terminal: CommandTerminal, url: string, { user, code, expiresAt }: UserLinkView): void {
  if (terminal.json) return terminal.record({ ...user, link: `${url}/#/setup/${code}`, expiresAt });
  show(terminal, user);
  printLink(terminal, url, code, expiresAt);
}

function printLink(terminal: CommandTerminal, url: string, code: string, expiresAt: number): void {
  if (terminal.json) return terminal.record({ link: `${url}/#/setup/${code}`, expiresAt });
  terminal.print(terminal.text({ en: 'link for a password, once, within 24 h:', zh: '设置密码的链接，24 小时内一次有效：' }));
  terminal.print(`  ${url}/#/setup/${code}`);
}
