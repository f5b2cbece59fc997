/** `cityvitals edge --config FILE`: checks the file, runs the edge until stopped, and shuts it down gracefully. */
import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import { pino } from 'pino';
import { realBoot } from '../log/boot.ts';
import { ConfigWatch } from '../core/config/reload.ts';
import type { FaultCode } from '../core/faults.ts';
import { openTelemetryOutput } from './observe.ts';
import { formatBytes } from '../core/quantity.ts';
import { realFiles, realWorld } from '../core/world.ts';
import { systemClockProbe } from '../edge/clock/clock-probe.ts';
import type { EdgeSetup } from '../edge/config/setup.ts';
import { redactUrl } from '../edge/forward/uplink.ts';
import { runEdge, type RunningEdge } from '../edge/main.ts';
import { loadEdge } from './load.ts';
import { exposedSecrets, printExposedSecrets } from './exposed-secrets.ts';
import { edgeHttpWarning } from './http-exposure.ts';
import { unauthenticatedLoggerWarning } from './unauthenticated-loggers.ts';
import { reloadConfig } from './reload.ts';
import { configText, printProblems, runService } from './service.ts';
import { EXIT, type CommandTerminal } from './terminal.ts';
import '../log/faults.ts';

/** Configuration or usage errors: retrying does not help. */
const NON_RETRYABLE: ReadonlySet<FaultCode> = new Set([
  'CV_LOG_LOCKED',
  'CV_LOG_UNUSABLE',
  'CV_API_LISTEN',
  'CV_DRIVER_UNKNOWN',
  'CV_CONFIG_UNREADABLE',
]);

export function define(terminal: CommandTerminal): Command {
  const text = terminal.text;
  return new Command()
    .requiredOption('-c, --config <file>', text({ en: 'the configuration of this edge', zh: '边缘节点的配置文件' }))
    .addHelpText(
      'after',
      `\n${text({ en: 'Examples', zh: '示例' })}:\n  cityvitals check --config pump-07.yaml\n  cityvitals edge --config pump-07.yaml`,
    )
    .action((options: { config: string }) => run(terminal, options.config));
}

async function run(terminal: CommandTerminal, path: string): Promise<void> {
  // Events live until their group is on disk. V8 takes what a burst of them still holds for long-lived and makes the next ones where only whole collections look.
  setFlagsFromString('--no-allocation-site-pretenuring');
  const source = { path, text: configText(terminal, path) };
  const { setup, problems } = await loadEdge(source);
  if (!setup) {
    printProblems(terminal, problems);
    process.exit(EXIT.usage);
  }
  for (const warning of [edgeHttpWarning(setup), unauthenticatedLoggerWarning(setup)]) if (warning) terminal.remark(terminal.text(warning));
  printExposedSecrets(terminal, await exposedSecrets(source, 'edge'), false);
  const observer = openTelemetryOutput({
    component: 'edge',
    language: terminal.language,
    nowMs: () => Date.now(),
    log: pino.destination({ dest: 2, sync: true }),
  });
  const watch = new ConfigWatch(path, () => Date.now(), observer.tell);
  await runService(terminal, {
    tell: observer.tell,
    start: (stop) =>
      runEdge(setup, realWorld(observer.tell), {
        stop,
        metrics: observer.metrics,
        config: () => watch.state,
        clock: { boot: realBoot(), probe: systemClockProbe(realFiles) },
      }),
    announce: (edge) => announce(terminal, setup, edge),
    nonRetryable: NON_RETRYABLE,
    pendingEvents: (edge) => edge.held(),
    pendingText: { en: 'events not acknowledged by the gateway', zh: '网关尚未确认的事件' },
    reload: (edge) => reloadConfig(terminal, { what: 'edge', path, load: (source) => loadEdge(source), apply: edge.reload, watch }),
  });
}

function announce(terminal: CommandTerminal, setup: EdgeSetup, edge: RunningEdge): void {
  const { text } = terminal;
  if (terminal.json)
    return terminal.record({
      running: 'edge',
      edge: setup.edge,
      centre: setup.centre,
      http: edge.httpUrl,
      log: setup.log.dir,
      gateway: setup.gateway.urls.map(redactUrl),
      pid: process.pid,
    });
  terminal.print(
    text({
      en: `edge ${setup.edge} (centre ${setup.centre}) is running with ${setup.devices.length} device(s)`,
      zh: `边缘节点 ${setup.edge}（中心 ${setup.centre}）已运行，设备 ${setup.devices.length} 台`,
    }),
  );
  terminal.print(`  ${text({ en: 'local page', zh: '本地页面' })}: ${edge.httpUrl}/  (/healthz, /metrics)`);
  terminal.print(`  ${text({ en: 'log', zh: '事件日志' })}: ${setup.log.dir} (≤ ${formatBytes(setup.log.maxBytes)})`);
  terminal.print(`  ${text({ en: 'gateway', zh: '网关' })}: ${setup.gateway.urls.map(redactUrl).join(', ')}`);
  terminal.print(text({ en: 'press Ctrl-C to stop', zh: '按 Ctrl-C 停止' }));
}
