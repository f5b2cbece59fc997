/**
 * `cityvitals gateway --mosquitto FOLDER [--owner USER]`: writes ACL and password files for mosquitto; the gateway's password is
 * kept between runs.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { FaultError } from '../core/faults.ts';
import { mosquittoConf, mosquittoFiles, nameProblem, type MosquittoAccess, type MosquittoTls } from '../gateway/broker/mosquitto.ts';
import { AUTHORITY_FILES, COPIED_FILES } from '../gateway/certificates/authority.ts';
import type { GatewaySetup } from '../gateway/config/setup.ts';
import type { CommandTerminal } from './terminal.ts';

interface Owner {
  uid: number;
  gid: number;
}

/** The gateway's password; mosquitto has its hash. */
const KEPT = 'gateway-password';
const PORT = 1883;
const GATEWAY_PORT = 1884;
/** IANA: secure-mqtt. */
const TLS_PORT = 8883;

/** @throws FaultError when there is nobody to write rights for, or no such user; what the file system says */
export async function writeMosquittoFiles(
  terminal: CommandTerminal,
  setup: GatewaySetup,
  folder: string,
  owner: string | undefined,
): Promise<void> {
  const { broker } = setup;
  const { edges = null, consumers = [] } = broker;
  const tlsAt = tlsPlaces(terminal, setup);
  if (!edges && !tlsAt)
    throw new FaultError('CV_SETTING_MISSING', { owner: 'broker', key: 'edges', hint: 'edges: [{ id: pump-07, token: … }]' });
  const user = (broker.kind === 'external' ? broker.user : null) ?? setup.gateway;
  refuseSharedNames(user, (edges ?? []).map(({ id }) => id), consumers.map((one) => one.user));
  const ids = owner === undefined ? null : idsOf(owner);
  makeFolder(folder, ids);
  const password = (broker.kind === 'external' ? broker.password : null) ?? savedPassword(folder) ?? randomBytes(24).toString('base64url');
  const access: MosquittoAccess = { edges: edges ?? [], consumers, gateway: { user, password } };
  const files = await mosquittoFiles(access);
  const [acl, edgeAcl, passwords, gatewayPasswords] = ['acl', 'edge-acl', 'passwords', 'gateway-passwords'].map((name) =>
    resolve(folder, name),
  ) as [string, string, string, string];
  const listener = gatewayListener(setup);
  const conf = mosquittoConf({
    acl,
    passwords,
    gatewayPasswords,
    port: broker.kind === 'embedded' ? broker.port : PORT,
    gateway: listener,
    tls: tlsAt ? { ...tlsAt, edgeAcl } : undefined,
  });
  replace(join(folder, KEPT), `${password}\n`, null);
  replace(acl, files.acl, ids);
  if (tlsAt) replace(edgeAcl, files.edgeAcl, ids);
  replace(passwords, files.passwords, ids);
  replace(gatewayPasswords, files.gatewayPasswords, ids);
  const { host, port } = listener;
  const url = `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (terminal.json) return terminal.record({ acl, ...(tlsAt && { edgeAcl }), passwords, gatewayPasswords, user, password, url, conf });
  terminal.print(conf);
  terminal.print(
    terminal.text({
      en: `in ${setup.gateway}'s file: broker: { url: ${url}, user: ${user}, password: ${password}, edges: …, consumers: … }`,
      zh: `网关配置：broker: { url: ${url}, user: ${user}, password: ${password}, edges: …, consumers: … }`,
    }),
  );
}

/** @throws CV_SETTING_INVALID: with the built-in broker such names are harmless, in these files they are not */
function refuseSharedNames(gateway: string, edges: readonly string[], consumers: readonly string[]): void {
  const all = [
    { name: gateway, others: [] },
    ...edges.map((name) => ({ name, others: [gateway] })),
    ...consumers.map((name) => ({ name, others: [gateway, ...edges] })),
  ];
  for (const { name, others } of all) {
    const problem = nameProblem(name, others);
    if (problem)
      throw new FaultError('CV_SETTING_INVALID', {
        owner: 'broker',
        ownerZh: 'broker',
        key: name,
        problem: problem.en,
        problemZh: problem.zh,
        hint: 'a name of its own',
        hintZh: '使用各自的名称',
      });
  }
}

/** What its listeners with TLS show; null where there are none. @throws CV_SETTING_INVALID where the gateway has not written it yet */
function tlsPlaces(terminal: CommandTerminal, { tls, broker }: GatewaySetup): Omit<MosquittoTls, 'edgeAcl'> | null {
  if (!tls?.copyTo) {
    if (!terminal.json)
      terminal.remark(
        terminal.text({
          en: 'without TLS: for edges with certificates set tls.copyTo, start the gateway once, and run this again',
          zh: '未配置 TLS：如边缘节点使用证书，请设置 tls.copyTo，启动一次网关，然后重新执行本命令',
        }),
      );
    return null;
  }
  const at = (file: keyof typeof COPIED_FILES) => join(tls.copyTo ?? '', COPIED_FILES[file]);
  if (!existsSync(at('ca')))
    throw new FaultError('CV_SETTING_INVALID', {
      owner: 'tls', ownerZh: 'tls', key: 'copyTo',
      problem: `${at('ca')} is not there`, problemZh: `${at('ca')} 不存在`,
      hint: 'make the folder, and start the gateway once: it writes its certificates there', hintZh: '请建立该目录并启动一次网关，由其写入证书',
    });
  const plainPort = broker.kind === 'embedded' ? broker.port : PORT;
  const edgePort = broker.kind === 'external' && broker.edgeUrl !== undefined ? Number(new URL(broker.edgeUrl).port) || TLS_PORT : TLS_PORT;
  return {
    ca: at('ca'),
    certificate: tls.own?.certificate ?? at('server'),
    key: tls.own?.key ?? at('serverKey'),
    revoked: existsSync(join(tls.dir, AUTHORITY_FILES.previous)) ? null : at('revoked'),
    edgePort,
    passwordPort: edgePort + 1,
    isPlaintextKept: plainPort !== edgePort && (tls.plaintextUntilAt ?? Infinity) > Date.now(),
  };
}

/** Where the gateway says it goes; on this machine where it does not say so yet. */
function gatewayListener({ broker }: GatewaySetup): { host: string; port: number } {
  if (broker.kind === 'embedded') return { host: '127.0.0.1', port: broker.port + 1 };
  const { hostname, port } = new URL(broker.url);
  return { host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port) === PORT ? GATEWAY_PORT : Number(port) || GATEWAY_PORT };
}

function savedPassword(folder: string): string | null {
  try {
    return readFileSync(join(folder, KEPT), 'utf8').trim() || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** What is new of it belongs to us and may be entered by the owner's group: whoever runs as the broker puts no file of ours elsewhere. */
function makeFolder(folder: string, ids: Owner | null): void {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(folder); ; made = dirname(made)) {
    chmodSync(made, ids ? 0o750 : 0o700);
    if (ids) chownSync(made, process.getuid?.() ?? -1, ids.gid);
    if (made === resolve(first) || made === dirname(made)) return;
  }
}

/** At once, so that a broker which reloads reads the old or the new; and never through a link that stands there. */
function replace(path: string, text: string, ids: Owner | null): void {
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  const file = openSync(beside, 'wx', 0o600);
  try {
    writeSync(file, text);
    fchmodSync(file, 0o600);
    if (ids) fchownSync(file, ids.uid, ids.gid);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}

function idsOf(owner: string): Owner {
  try {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, '--', owner], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
    );
    return { uid: uid as number, gid: gid as number };
  } catch {
    throw new FaultError('CV_SETTING_INVALID', {
      owner: 'cityvitals gateway',
      ownerZh: 'cityvitals gateway',
      key: '--owner',
      problem: `no user ${owner} on this machine`,
      problemZh: `本机没有用户 ${owner}`,
      hint: 'the user that mosquitto runs as: --owner mosquitto',
      hintZh: '填写运行 mosquitto 的用户：--owner mosquitto',
    });
  }
}
