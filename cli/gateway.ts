/** `cityvitals gateway --config FILE`: checks the file with its rules and catalogue, runs the gateway until stopped, and shuts it down gracefully. */
import { Command } from 'commander';
import { pino } from 'pino';
import { ConfigWatch } from '../core/config/reload.ts';
import type { FaultCode } from '../core/faults.ts';
import { openTelemetryOutput } from './observe.ts';
import { formatBytes } from '../core/quantity.ts';
import { realWorld } from '../core/world.ts';
import { isTlsUsed } from '../gateway/certificates/open.ts';
import type { GatewaySetup } from '../gateway/config/setup.ts';
import { runGateway } from '../gateway/main.ts';
import type { RunningGateway } from '../gateway/running-gateway.ts';
import { loadGateway } from './load.ts';
import { exposedSecrets, printExposedSecrets } from './exposed-secrets.ts';
import { gatewayHttpWarning } from './http-exposure.ts';
import { reloadConfig } from './reload.ts';
import { configText, printProblems, runService } from './service.ts';
import { EXIT, exitWithFault, type CommandTerminal } from './terminal.ts';
import '../log/faults.ts';

interface Options {
  config: string;
  check?: boolean;
  mosquitto?: string;
  owner?: string;
}

/** Configuration or usage errors: retrying does not help. */
const NON_RETRYABLE: ReadonlySet<FaultCode> = new Set([
  'CV_LOG_LOCKED',
  'CV_LOG_UNUSABLE',
  'CV_API_LISTEN',
  'CV_BROKER_LISTEN',
  'CV_CONFIG_UNREADABLE',
]);

export function define(terminal: CommandTerminal): Command {
  const text = terminal.text;
  return new Command()
    .requiredOption('-c, --config <file>', text({ en: 'the configuration of this gateway', zh: '网关的配置文件' }))
    .option('--check', text({ en: 'check the file, its rules and its catalogue, then exit', zh: '仅检查配置文件、规则和指标目录' }))
    .option(
      '--mosquitto <folder>',
      text({
        en: 'write mosquitto ACL and password files for the edges and consumers under broker, then exit',
        zh: '按 broker 下边缘节点和订阅用户的权限生成 mosquitto 的 ACL 和密码文件后退出',
      }),
    )
    .option(
      '--owner <user>',
      text({
        en: 'with --mosquitto: owner of the files, the user that runs mosquitto',
        zh: '与 --mosquitto 同用：文件属主，即运行 mosquitto 的用户',
      }),
    )
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals gateway --check --config gateway.yaml\n  cityvitals gateway --config gateway.yaml\n  cityvitals gateway --config gateway.yaml --mosquitto /etc/mosquitto/cityvitals --owner mosquitto`,
    )
    .action((options: Options) => run(terminal, options));
}

async function run(terminal: CommandTerminal, options: Options): Promise<void> {
  const source = { path: options.config, text: configText(terminal, options.config) };
  const { setup, problems } = await loadGateway(source);
  if (!setup) {
    printProblems(terminal, problems);
    process.exit(EXIT.usage);
  }
  printAccessWarnings(terminal, setup);
  printExposedSecrets(terminal, await exposedSecrets(source, 'gateway'), false);
  if (options.check) {
    if (terminal.json) terminal.record({ ok: true, gateway: setup.gateway });
    else terminal.print(terminal.text({ en: `${options.config}: no problems`, zh: `${options.config} 无误` }));
    return;
  }
  if (options.mosquitto !== undefined) {
    const { writeMosquittoFiles } = await import('./mosquitto-files.ts');
    return writeMosquittoFiles(terminal, setup, options.mosquitto, options.owner).catch((error: unknown) =>
      exitWithFault(terminal, error, EXIT.usage),
    );
  }
  const observer = openTelemetryOutput({
    component: 'gateway',
    language: terminal.language,
    nowMs: () => Date.now(),
    log: pino.destination({ dest: 2, sync: true }),
  });
  const watch = new ConfigWatch(options.config, () => Date.now(), observer.tell);
  await runService(terminal, {
    tell: observer.tell,
    start: () => runGateway(setup, realWorld(observer.tell), { metrics: observer.metrics, config: () => watch.state }),
    reload: (gateway) => reloadConfig(terminal, { what: 'gateway', path: options.config, load: loadGateway, apply: gateway.reload, watch }),
    announce: (gateway) => announce(terminal, setup, gateway),
    nonRetryable: NON_RETRYABLE,
    pendingEvents: (gateway) => gateway.held(),
    pendingText: { en: 'events not processed by the store or the rules', zh: '时序库或规则尚未处理的事件' },
  });
}

/** Allowed, but worth a warning. */
function printAccessWarnings(terminal: CommandTerminal, setup: GatewaySetup): void {
  const { broker } = setup;
  const ofHttp = gatewayHttpWarning(setup);
  if (ofHttp) terminal.remark(terminal.text(ofHttp));
  if (broker.kind !== 'embedded') return;
  const open = broker.edges.filter(({ token }) => token === null).map(({ id }) => id);
  if (open.length > 0)
    terminal.remark(
      terminal.text({
        en: `without a token, accepted from this machine only: ${open.join(', ')}`,
        zh: `未设令牌，仅允许从本机接入：${open.join('、')}`,
      }),
    );
  if (broker.edges.length === 0 && !isTlsUsed(setup))
    terminal.remark(
      terminal.text({
        en: 'broker.embedded.edges is empty and there is no TLS (tls.loopback): no edge can connect',
        zh: 'broker.embedded.edges 为空，且未启用 TLS（tls.loopback）：任何边缘节点都无法接入',
      }),
    );
}

function announce(terminal: CommandTerminal, setup: GatewaySetup, gateway: RunningGateway): void {
  const { text } = terminal;
  const brokerUrl = gateway.brokerUrl.replace(/\/\/[^@/]*@/, '//');
  if (terminal.json)
    return terminal.record({
      running: 'gateway',
      gateway: setup.gateway,
      centre: setup.centre,
      http: gateway.httpUrl,
      broker: brokerUrl,
      log: setup.log.dir,
      exercise: setup.exercise,
      ...(gateway.setupLink !== null && { setupLink: gateway.setupLink }),
      pid: process.pid,
    });
  terminal.print(
    text({
      en: `gateway ${setup.gateway} (centre ${setup.centre}) is running${setup.exercise ? ', as an exercise' : ''}`,
      zh: `网关 ${setup.gateway}（中心 ${setup.centre}）已运行${setup.exercise ? '，演练模式' : ''}`,
    }),
  );
  terminal.print(`  ${text({ en: 'console and API', zh: '控制台与接口' })}: ${gateway.httpUrl}/  (/api/v1/…, /healthz, /metrics)`);
  terminal.print(`  ${text({ en: 'broker', zh: '消息服务器' })}: ${brokerUrl}`);
  terminal.print(`  ${text({ en: 'log', zh: '事件日志' })}: ${setup.log.dir} (≤ ${formatBytes(setup.log.maxBytes)})`);
  terminal.print(`  ${text({ en: 'time series', zh: '时序库' })}: ${setup.store.dir} (≤ ${formatBytes(setup.store.maxBytes)})`);
  if (gateway.setupLink !== null)
    terminal.print(
      `  ${text({ en: 'no administrator yet; make the first one here, within 24 h, once', zh: '尚无管理员；请在 24 小时内通过此链接设置首位管理员，仅一次有效' })}: ${gateway.setupLink}`,
    );
  terminal.print(text({ en: 'press Ctrl-C to stop', zh: '按 Ctrl-C 停止' }));
}
