/** The gateway's configuration: text → frozen setup, or every problem of it at once, those of its rules and catalogue included. */
import type { z } from 'zod';
import {
  checkPart,
  ConfigDocument,
  sortProblems,
  resolvePath,
  type ConfigProblem,
  type ConfigSource,
  type ConfigPath,
  type Secrets,
} from '../../core/config/check.ts';
import { bilingualParams, valueAtPath } from '../../core/config/issues.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { atRestSetup } from '../../log/at-rest/setting.ts';
import { nameProblem } from '../broker/mosquitto.ts';
import { readKnowledge } from './knowledge.ts';
import { GATEWAY_SCHEMA } from './schema.ts';
import { checkSinks, rawList } from './sinks.ts';
import { plaintextUntilAt } from './tls.ts';
import type { GatewaySetup, PlugSetup } from './setup.ts';

export interface CheckedGateway {
  /** null when there are problems. */
  setup: GatewaySetup | null;
  problems: ConfigProblem[];
}

const THIS_GATEWAY: BilingualText = { en: 'the gateway', zh: '网关' };

/** @param source path and text of the file; relative paths in it are taken from its folder */
export async function checkGateway(source: ConfigSource, options: Secrets): Promise<CheckedGateway> {
  const document = new ConfigDocument(source, options);
  const { value, problems: own } = checkPart(document, GATEWAY_SCHEMA, [], THIS_GATEWAY);
  const problems = [...document.problems, ...own];
  const sinks = await checkSinks(document);
  problems.push(...sinks.problems);
  // All that can be read is looked at, whatever else is wrong with the file.
  problems.push(
    ...repeated(document, ['broker', 'embedded', 'edges'], 'id'),
    ...repeated(document, ['broker', 'embedded', 'consumers'], 'user'),
    ...repeated(document, ['broker', 'edges'], 'id'),
    ...repeated(document, ['broker', 'consumers'], 'user'),
    ...repeated(document, ['operators'], 'name'),
    ...repeated(document, ['http', 'readers'], 'name'),
    ...repeated(document, ['edgeHttp'], 'edge'),
    ...repeated(document, ['bindings'], 'device'),
    ...sharedTokens(document),
    ...sharedUsers(document),
    ...(await readKnowledge({ rules: files(document, 'rules'), catalogue: files(document, 'catalogue') })).problems,
  );
  const setup = value ? setupOf(source.path, value, sinks.sinks) : null;
  return problems.length > 0 ? { setup: null, problems: sortProblems(problems) } : { setup: setup && deepFreeze(setup), problems: [] };
}

function repeated(document: ConfigDocument, base: ConfigPath, key: string): ConfigProblem[] {
  const names = rawList(document.value, base).map((item) => item[key]);
  return names.flatMap((name, at) => {
    const first = names.indexOf(name);
    if (typeof name !== 'string' || first === at) return [];
    const firstLine = document.place([...base, first, key], 'value').line;
    return document.problem([...base, at, key], { code: 'CV_ID_TWICE', params: { id: name, owner: base.join('.'), firstLine } }) ?? [];
  });
}

/** The record could not tell them apart. A token is never echoed. */
function sharedTokens(document: ConfigDocument): ConfigProblem[] {
  const holders = [['operators'], ['http', 'readers']].flatMap((base) =>
    rawList(document.value, base).map(({ name, token }, at) => ({
      name,
      token,
      place: [...base, at, 'token'],
      role: base.length === 1 ? { en: 'operator', zh: '操作员' } : { en: 'reader', zh: '读取者' },
    })),
  );
  return holders.flatMap(({ name, token, place, role }, at) => {
    const first = holders.findIndex((one) => one.token === token);
    if (typeof token !== 'string' || first === at) return [];
    const other = String(holders[first]?.name ?? '');
    const words = bilingualParams({
      owner: { en: `${role.en} "${String(name)}"`, zh: `${role.zh}“${String(name)}”` },
      problem: { en: `it is that of "${other}" too`, zh: `与“${other}”的相同` },
      hint: { en: 'a token of their own for each', zh: '每人使用各自的令牌' },
    });
    return document.problem(place, { code: 'CV_SETTING_INVALID', params: { key: 'token', ...words } }) ?? [];
  });
}

/** On another broker a user's name is all that its rights are known by. */
function sharedUsers(document: ConfigDocument): ConfigProblem[] {
  const gateway = valueAtPath(document.value, ['broker', 'user']);
  const edges = rawList(document.value, ['broker', 'edges']).map(({ id }) => id);
  const consumers = rawList(document.value, ['broker', 'consumers']).map(({ user }) => user);
  const texts = (names: readonly unknown[]) => names.filter((name) => typeof name === 'string');
  const told = (names: readonly unknown[], others: readonly string[], list: string, key: string) =>
    names.flatMap((name, at) => {
      const problem = typeof name === 'string' ? nameProblem(name, others) : null;
      const owner = `broker.${list}`;
      return problem
        ? (document.problem(['broker', list, at, key], {
            code: 'CV_SETTING_INVALID',
            params: {
              key,
              ...bilingualParams({ owner: { en: owner, zh: owner }, problem, hint: { en: 'a name of its own', zh: '使用各自的名称' } }),
            },
          }) ?? [])
        : [];
    });
  return [...told(edges, texts([gateway]), 'edges', 'id'), ...told(consumers, texts([gateway, ...edges]), 'consumers', 'user')];
}

/** Files that a list of the configuration names, as far as it names any. */
function files(document: ConfigDocument, key: 'rules' | 'catalogue'): string[] {
  const named = valueAtPath(document.value, [key]);
  return Array.isArray(named)
    ? named.flatMap((file) => (typeof file === 'string' && file !== '' ? [resolvePath(document.file, file)] : []))
    : [];
}

function setupOf(path: string, value: z.infer<typeof GATEWAY_SCHEMA>, sinks: readonly PlugSetup[]): GatewaySetup {
  const {
    gateway,
    centre,
    name,
    broker,
    log,
    store,
    evidence,
    atRest,
    streams,
    http,
    accepts,
    exercise,
    edgeHttp,
    bindings,
    relays,
    audit,
    tls,
    signIn,
    operators,
    live,
    notifiers,
    rules,
    catalogue,
  } = value;
  const { embedded, url, edgeUrl, ca, user, password, edges, consumers } = broker;
  const credentials = (list: NonNullable<typeof edges>) =>
    list.map(({ id, token, centres }) => ({ id, token: token ?? null, ...(centres && { centres }) }));
  return {
    gateway,
    centre,
    ...(name ? { name } : {}),
    streams,
    http,
    accepts,
    exercise,
    edgeHttp,
    bindings,
    relays,
    audit: { keepMs: audit.keep },
    tls: {
      dir: resolvePath(path, tls.dir ?? `./data/${gateway}/certificates`),
      loopback: tls.loopback,
      ...(tls.copyTo !== undefined && { copyTo: resolvePath(path, tls.copyTo) }),
      own: tls.certificate !== undefined && tls.key !== undefined
        ? { certificate: resolvePath(path, tls.certificate), key: resolvePath(path, tls.key) }
        : null,
      plaintextUntilAt: plaintextUntilAt(tls.plaintextUntil),
      edgeLifeMs: tls.edgeLife,
      edgeGraceMs: tls.edgeGrace,
    },
    signIn: { idleMs: signIn.idle, longestMs: signIn.longest, ...(signIn.oidc && { oidc: signIn.oidc }) },
    operators,
    live,
    sinks,
    notifiers: notifiers.map((plug) => ({ ...plug, id: plug.kind })),
    broker: embedded
      ? { kind: 'embedded', ...embedded, edges: credentials(embedded.edges) }
      : {
          kind: 'external',
          url: url ?? '',
          ...(edgeUrl !== undefined && { edgeUrl }),
          ...(ca !== undefined && { ca: resolvePath(path, ca) }),
          user: user ?? null,
          password: password ?? null,
          ...(edges && { edges: credentials(edges) }),
          ...(consumers && { consumers }),
        },
    log: { dir: resolvePath(path, log.dir ?? `./data/${gateway}/log`), maxBytes: log.maxBytes, keepMs: log.keep },
    store: {
      dir: resolvePath(path, store.dir ?? `./data/${gateway}/store`),
      retentionMs: store.retention,
      maxBytes: store.maxBytes,
      compaction: { everyMs: store.compaction.every, settleMs: store.compaction.settle },
    },
    atRest: atRestSetup(atRest),
    evidence: { dir: resolvePath(path, evidence.dir ?? `./data/${gateway}/evidence`), maxBytes: evidence.maxBytes, keepMs: evidence.keep },
    rules: rules.map((file) => resolvePath(path, file)),
    catalogue: catalogue.map((file) => resolvePath(path, file)),
  };
}

function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
