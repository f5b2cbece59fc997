/** Runs a gateway: opens its parts in the order in which they need each other, and closes them in the other. */
import '../drivers/faults.ts';
import { join } from 'node:path';
import { normaliser } from '../city/catalogue/catalogue.ts';
import type { ReloadResult } from '../core/config/reload.ts';
import { FaultError, faultOf } from '../core/faults.ts';
import { AtRestKeys } from '../log/at-rest/keys.ts';
import { openGatewayLog } from '../log/gateway-log.ts';
import { VERSION } from '../core/version.ts';
import { WARNING_FILTER } from '../core/wire/topics.ts';
import type { World } from '../core/world.ts';
import { auditedReload, closeAudit, edgeAudit, openAudit } from './audit/open-audit.ts';
import { openPeople } from './people/open-people.ts';
import { serveApi } from './http/server.ts';
import { Bindings } from './bindings/bindings.ts';
import { HeldEvents } from './bindings/held.ts';
import { Rebinding } from './bindings/rebinding.ts';
import { configuredBindings } from './bindings/configured.ts';
import { isUpgraded, openTls } from './certificates/open.ts';
import { CommandSigner } from './commands/command-signer.ts';
import { Dispatch } from './commands/dispatch.ts';
import { commandSource } from './commands/source.ts';
import { GATEWAY_CLIENT, openLink, type BrokerMessage } from './broker/link.ts';
import { brokerUrlForEdges, letIn, openBroker } from './broker/open.ts';
import { readKnowledge } from './config/knowledge.ts';
import type { GatewaySetup } from './config/setup.ts';
import { INTAKE_FILTERS } from './intake/intake.ts';
import { openQuarantine } from './intake/quarantine.ts';
import { gatewayLine } from './line.ts';
import { openEvidence } from './media/evidence/open.ts';
import { fetchPicture } from './media/picture.ts';
import { PresenceRegistry } from './presence/registry.ts';
import { LiveViewService } from './media/live-view/service.ts';
import { planOf } from './config/reload.ts';
import { Sinks } from './sinks/open.ts';
import { apiSources } from './http/gateway-sources.ts';
import { SqliteThread, workerBeside } from './sqlite/client.ts';
import type { RunningGateway, RunOptions } from './running-gateway.ts';
import { openStore } from './store/store.ts';
import { openPublisher, type Publisher } from './streams/publisher.ts';
import { HealthMonitor } from './http/health-monitor.ts';
import { openWarningLine } from './warnings/line.ts';
import './people/faults.ts';

/** @throws CV_LOG_LOCKED, CV_LOG_UNUSABLE, CV_STORE_FAILED, CV_BROKER_LISTEN, CV_API_LISTEN, CV_SINK_UNSAVED, and faults of rule and catalogue files; edges and an external broker that are away are no reason */
export async function runGateway(setup: GatewaySetup, outside: World, options: RunOptions = {}): Promise<RunningGateway> {
  const health = new HealthMonitor(() => outside.clock.nowMs());
  const world: World = { ...outside, tell: health.over(outside.tell) };
  const undo: (() => Promise<unknown> | void)[] = [];
  try {
    return await open(setup, world, health, options, undo);
  } catch (error) {
    for (const step of undo) await step();
    throw error;
  }
}

async function open(
  given: GatewaySetup,
  world: World,
  health: HealthMonitor,
  options: RunOptions,
  undo: (() => Promise<unknown> | void)[],
): Promise<RunningGateway> {
  // What may change while it runs is read from here, each time it is needed.
  const setup: { -readonly [Key in keyof GatewaySetup]: GatewaySetup[Key] } = { ...given };
  let { catalogue, rules, problems: [problem] } = await readKnowledge(setup);
  if (problem) throw new FaultError(problem.fault.code, problem.fault.params);
  let normal = normaliser(catalogue);
  const hadPlaintext = await isUpgraded(setup);
  const log = await openGatewayLog(
    { dir: setup.log.dir, gateway: setup.gateway, maxBytes: setup.log.maxBytes, keepMs: setup.log.keepMs },
    world,
  );
  undo.unshift(() => log.close());
  const keys = new AtRestKeys(setup.atRest);
  const audit = await openAudit(setup, keys, world);
  undo.unshift(() => closeAudit(audit));
  const quarantine = await openQuarantine({ dir: join(setup.log.dir, 'quarantine') }, world);
  undo.unshift(() => quarantine.close());
  const thread = new SqliteThread(workerBeside(import.meta.url));
  thread.retain();
  undo.unshift(() => thread.release());
  const replaced = (before: string, after: string) => rebinding.replace(before, after);
  const tls = await openTls(setup, { thread, audit, keys, isUpgraded: hadPlaintext, replaced }, world);
  undo.unshift(() => tls?.close());
  const { broker, target } = await openBroker(setup, { tls: tls?.broker ?? null, ownCaPem: tls?.enrolment.trustedPem ?? '' }, world);
  undo.unshift(() => broker?.close());
  const bindings = new Bindings(
    { path: join(setup.log.dir, 'bindings.jsonl'), configured: configuredBindings(setup, () => tls?.enrolment.edges()) },
    world,
  );
  const registry = new PresenceRegistry(
    {
      bindings,
      thread,
      path: join(setup.log.dir, 'presence.db'),
      edges: setup.broker.kind === 'embedded' ? setup.broker.edges.map(({ id }) => id) : [],
      centre: setup.centre,
      http: (edge) => ({
        peer: broker?.addressOf(edge) ?? null,
        configured: setup.edgeHttp?.find((one) => one.edge === edge)?.origin ?? null,
      }),
    },
    world,
  );
  await registry.open();
  undo.unshift(() => registry.close());
  await bindings.open(registry.known());
  undo.unshift(() => bindings.close());
  registry.dropForeign();
  const isRevoked = (edge: string) => tls?.enrolment.isRevoked(edge) ?? false;
  tls?.enrolment.onRevoked((edge, serialNumber) => {
    broker?.dropRevoked(edge, serialNumber);
    if (isRevoked(edge)) registry.noteShutOut(edge);
  });
  const held = new HeldEvents(join(setup.log.dir, 'held'));
  await held.open();

  let publisher: Publisher | null = null;
  const outLink = openLink(
    target,
    { clientId: `${GATEWAY_CLIENT}${setup.gateway}:out`, filters: [WARNING_FILTER], take: (message) => publisher?.noteKept(message) },
    world,
  );
  undo.unshift(() => outLink.close());
  publisher = openPublisher(outLink, world);

  const store = await openStore(
    {
      dir: setup.store.dir,
      retentionMs: setup.store.retentionMs,
      maxBytes: setup.store.maxBytes,
      compaction: setup.store.compaction,
      catalogue,
      presentEpoch: log.epoch,
    },
    world,
  );
  undo.unshift(() => store.close());
  const warnings = await openWarningLine({
    gateway: setup.gateway, dir: setup.store.dir, rules, catalogue, exercise: setup.exercise, publisher,
    device: (id) => registry.device(id), isOnline: (edge) => registry.isOnline(edge), head: () => log.head(),
  }, world, thread);
  undo.unshift(() => warnings.consumer.close());

  const evidence = await openEvidence(setup, target, outLink, registry, world);
  undo.unshift(() => evidence.close());
  const sinks = await Sinks.open(setup.sinks, setup, log, world);
  const line = gatewayLine(
    setup,
    {
      log,
      quarantine,
      registry,
      bindings,
      held,
      link: outLink,
      publisher,
      isHeard: () => broker?.hasReaders() ?? true,
      normaliser: () => normal,
      store: store.consumer,
      warnings: warnings.consumer,
      sinks: sinks.all.map(({ consumer }) => consumer),
      audit: edgeAudit(audit, setup, log, world),
      takes: evidence.takes,
      isRevoked,
      ...(broker && { onSettled: broker.settled }),
    },
    world,
  );
  undo.unshift(() => line.close());
  await line.open();
  const rebinding = new Rebinding({ bindings, held, registry, dir: join(setup.log.dir, 'bindings'), take: line.takeHeldEvents }, world);
  await rebinding.open();
  undo.unshift(() => rebinding.close());
  // It says what fails, and a full log holds nobody up here.
  void rebinding.catchUp();
  const signer = new CommandSigner(setup.tls?.dir ?? join(setup.log.dir, 'certificates'), keys);
  const dispatch = new Dispatch({ dir: join(setup.log.dir, 'commands'), link: outLink, registry, signer, isRevoked }, world);
  await dispatch.open();
  undo.unshift(() => dispatch.close());
  const inLink = openLink(
    target,
    {
      clientId: `${GATEWAY_CLIENT}${setup.gateway}:in`,
      speaks: true,
      filters: INTAKE_FILTERS,
      take: (message) => (isAnswer(message) ? dispatch.take(message) : line.take(message)),
    },
    world,
  );
  undo.unshift(() => inLink.close());

  const { people, access, oidc, live, reload: reloadPeople } = await openPeople(setup, thread, audit, world);
  undo.unshift(() => people.close());
  const liveView = new LiveViewService({
    dir: join(setup.log.dir, 'live-view'), registry, maxViewers: () => live().maxViewers, audit, isOffered: () => access.isWatchingOffered,
  }, world);
  await liveView.open();
  undo.unshift(() => liveView.close());
  const sources = apiSources(
    {
      setup,
      bindings: rebinding,
      log,
      line,
      registry,
      store,
      warnings,
      sinks,
      quarantine,
      get catalogue() {
        return catalogue;
      },
      normaliser: () => normal,
      config: options.config,
      link: inLink,
      health,
      commands: commandSource(dispatch, world),
      picture: fetchPicture,
      liveView,
      access,
      people,
      audit,
      plaintext: tls && broker && (() => ({ untilAt: tls.plaintextUntilAt, edges: broker.plaintextEdges() })),
      enrolment: tls && {
        edges: tls.enrolment,
        brokerUrl: (host) => brokerUrlForEdges(setup, brokerUrl, host),
        commandKey: () => signer.commandKeyPem(),
      },
      oidc,
      centresOf: (edge) => bindings.centresOf(edge),
      evidence: evidence.get,
      metrics: options.metrics ?? (() => Promise.resolve('')),
      ...(options.demo ? { demo: options.demo } : {}),
    },
    world,
  );
  const api = await serveApi(
    sources,
    {
      host: setup.http.host,
      port: setup.http.port,
      hosts: setup.http.hosts,
      trustProxy: setup.http.trustProxy,
      tls: tls?.http,
      version: VERSION,
      consoleDir: options.consoleDir ?? join(import.meta.dirname, 'console-dist'),
    },
    world,
  );
  undo.unshift(() => api.close());
  // Edges come in last: from their first word on somebody listens.
  const brokerUrl = await letIn(broker, setup, inLink);

  async function reload(next: GatewaySetup): Promise<ReloadResult> {
    // All that can fail comes first: then nothing has changed.
    const knowledge = await readKnowledge(next);
    const [wrong] = knowledge.problems;
    if (wrong) throw new FaultError(wrong.fault.code, wrong.fault.params);
    const plan = planOf(setup, next, { before: rules, after: knowledge.rules });
    await sinks.change(next.sinks, line);
    if (setup.name && !plan.setup.name) delete setup.name;
    const { signIn } = setup;
    Object.assign(setup, plan.setup);
    ({ catalogue, rules } = knowledge);
    normal = normaliser(catalogue);
    store.setCatalogue(catalogue);
    store.setRetention(setup.store);
    reloadPeople(signIn);
    if (plan.rights) {
      broker?.admit(plan.rights);
      registry.setConfiguredEdges(plan.rights.edges.map(({ id }) => id));
    }
    registry.dropForeign();
    void rebinding.catchUp();
    await warnings.update({ rules, catalogue, exercise: setup.exercise });
    return plan.told;
  }

  const httpUrl = api.url.replace(/\/$/, '');
  const link = await people.firstLink().catch((error: unknown) => {
    world.tell({ kind: 'fault', fault: faultOf(error, 'CV_PEOPLE_UNUSABLE') });
    return null;
  });
  let closing: Promise<void> | null = null;
  return {
    reload: (next) => auditedReload(audit, setup, () => reload(next)),
    setupLink: link && setupLink(httpUrl, link.code),
    held: () => Math.max(line.lag('store'), line.lag('warnings')),
    httpUrl, brokerUrl,
    close: () => (closing ??= (async () => { for (const step of undo) await step(); })()),
  };
}

/** Behind #: no server and no proxy on the way sees the code. */
const setupLink = (httpUrl: string, code: string): string => `${httpUrl}/#/setup/${code}`;

const isAnswer = ({ topic }: BrokerMessage) => topic.endsWith('/rsp');
