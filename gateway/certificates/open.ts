/**
 * Opens what a gateway needs for TLS: its CA, the identities of edges, the ports, and until when plaintext is let in. Where
 * everything listens on this machine alone there is none of it, unless the configuration asks.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { parseCertificates, validityOf } from '../../core/certificates.ts';
import { FaultError } from '../../core/faults.ts';
import { isLocalHost } from '../../core/http-host.ts';
import type { World } from '../../core/world.ts';
import type { AtRestKeys } from '../../log/at-rest/keys.ts';
import { writeFileAtomically } from '../../log/atomic-write.ts';
import type { BrokerTls } from '../broker/embedded.ts';
import type { GatewaySetup, TlsSetup } from '../config/setup.ts';
import type { Audit } from '../people/audit.ts';
import type { SqliteThread } from '../sqlite/client.ts';
import { openJsonRows } from '../sqlite/open-json-rows.ts';
import type { ServerCertificate } from '../tls/certificates.ts';
import type { HttpTls } from '../http/tls.ts';
import { TlsPort } from '../tls/tls-port.ts';
import { CertificateAuthority } from './authority.ts';
import { EdgeEnrolment } from './enrolment.ts';
import '../tls/faults.ts';

const DAY_MS = 86_400_000;
const UPGRADE_MS = 30 * DAY_MS;
/** The day that was decided at the first start, so that a restart does not put it off. */
const POLICY_FILE = 'plaintext-until.json';

export interface GatewayTls {
  enrolment: EdgeEnrolment;
  broker: BrokerTls;
  http: HttpTls;
  /** ms UTC; 0: never, Infinity: for ever. */
  plaintextUntilAt: number;
  close(): Promise<void>;
}

export interface TlsParts {
  thread: SqliteThread;
  audit?: Audit;
  /** By which its keys are encrypted on disk. */
  keys?: AtRestKeys;
  /** Whether the gateway ran before it knew TLS. */
  isUpgraded: boolean;
  replaced(before: string, after: string): Promise<void>;
}

/** @returns null where nothing listens beyond this machine. @throws CV_AUTHORITY_UNUSABLE, CV_CERTIFICATES_UNSAVED, CV_TLS_CERTIFICATE */
export async function openTls(setup: GatewaySetup, parts: TlsParts, world: World): Promise<GatewayTls | null> {
  const { tls } = setup;
  if (!tls || !isTlsUsed(setup)) return null;
  const authority = new CertificateAuthority(
    { dir: tls.dir, gateway: setup.gateway, names: namesOf(setup), copyTo: tls.copyTo ?? null, ...(parts.keys && { keys: parts.keys }) },
    world.clock,
  );
  await authority.open();
  const own = tls.own ? await readOwn(tls.own, world.clock.nowMs()) : null;
  const enrolment = new EdgeEnrolment(
    {
      authority,
      file: openJsonRows(join(tls.dir, 'certificates.db'), parts.thread, 'certificates'),
      lifeMs: tls.edgeLifeMs,
      graceMs: tls.edgeGraceMs,
      serverAuthority: () => own?.authority ?? null,
      replaced: parts.replaced,
      ...(parts.audit && { audit: parts.audit }),
    },
    world,
  );
  await enrolment.open();
  const shown = (): ServerCertificate => own ?? authority.server();
  const broker = new TlsPort({ certificate: shown(), clientAuthorities: authority.trustedPem }, world.clock);
  const http = new TlsPort({ certificate: shown() }, world.clock);
  authority.onServerChange(() => {
    broker.setContext({ certificate: shown(), clientAuthorities: authority.trustedPem });
    http.setContext({ certificate: shown() });
  });
  const plaintextUntilAt = tls.plaintextUntilAt ?? (await decideOnce(tls.dir, parts.isUpgraded, world.clock.nowMs()));
  const isPlaintextAllowed = () => world.clock.nowMs() < plaintextUntilAt;
  return {
    enrolment, plaintextUntilAt,
    // Browsers are asked for no certificate.
    http: { port: http, isPlaintextAllowed },
    broker: { port: broker, certificates: enrolment, isPlaintextAllowed },
    close: () => enrolment.close(),
  };
}

/** Whether anything of it is reached by other machines, or it was asked for. */
export const isTlsUsed = ({ tls, http, broker }: GatewaySetup): boolean =>
  tls !== undefined && (tls.loopback || !isLocalHost(http.host) || (broker.kind === 'embedded' && !isLocalHost(broker.host)));

/** Whether a gateway has data from before it had certificates: to be asked before anything is opened. */
export async function isUpgraded({ log, tls }: Pick<GatewaySetup, 'log' | 'tls'>): Promise<boolean> {
  const entries = async (dir: string) => readdir(dir).catch(() => []);
  return tls !== undefined && (await entries(tls.dir)).length === 0 && (await entries(log.dir)).length > 0;
}

/** By which it may be reached: those that are configured, and the machine's own. */
function namesOf({ http, broker }: GatewaySetup): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address.replace(/%.*$/, '')));
  const hosts = [http.host, ...(broker.kind === 'embedded' ? [broker.host] : []), ...(http.hosts ?? []), hostname(), 'localhost'];
  const isName = (name: string) => name !== '0.0.0.0' && name !== '::' && !name.startsWith('fe80:');
  return [...new Set([...hosts, '127.0.0.1', ...addresses])].filter(isName);
}

/** @throws CV_TLS_CERTIFICATE */
async function readOwn({ certificate, key }: NonNullable<TlsSetup['own']>, nowAt: number) {
  try {
    const [certificatePem, keyPem] = [await readFile(certificate, 'utf8'), await readFile(key, 'utf8')];
    const chain = parseCertificates(certificatePem);
    const first = chain[0] as X509Certificate;
    if (!first.checkPrivateKey(createPrivateKey(keyPem))) throw new Error('the key is that of another certificate');
    const { notBeforeAt, notAfterAt } = validityOf(first);
    if (nowAt < notBeforeAt || nowAt >= notAfterAt) throw new Error(`it is in force from ${first.validFrom} to ${first.validTo}`);
    return { certificatePem, keyPem, authority: chain.at(-1) as X509Certificate };
  } catch (error) {
    throw new FaultError('CV_TLS_CERTIFICATE', { certificate, detail: (error as Error).message }, { cause: error });
  }
}

async function decideOnce(dir: string, wasPlaintext: boolean, nowAt: number): Promise<number> {
  const path = join(dir, POLICY_FILE);
  try {
    const { untilAt } = JSON.parse(await readFile(path, 'utf8')) as { untilAt?: unknown };
    if (typeof untilAt === 'number' && Number.isFinite(untilAt)) return untilAt;
  } catch {
    // The first start; or a file that says nothing, which lets nobody in that was not before.
  }
  const untilAt = wasPlaintext ? nowAt + UPGRADE_MS : 0;
  await writeFileAtomically(path, `${JSON.stringify({ untilAt })}\n`);
  return untilAt;
}
