/**
 * Trust of servers: a certificate is trusted when a person has put it into `trusted/`. A certificate seen for the first
 * time is written to `rejected/` and refused, with all details for the decision; nothing is trusted automatically.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import './faults.ts';
import { ownCertificatePath } from './own-certificate.ts';
import type { OpcuaSettings } from './settings.ts';

type Certificates = OpcuaSettings['certificates'];

/**
 * @param der the server's certificate, its chain after it
 * @param nowMs null while the clock of this machine is not set: the validity is then checked with the next connection
 * @throws CV_OPCUA_CERTIFICATE_UNKNOWN, _TIME, _HOST or _BROKEN
 */
export async function trustServer(
  der: Uint8Array,
  endpoint: string,
  { dir, checkHost }: Certificates,
  nowMs: number | null,
): Promise<void> {
  const certificate = parse(der, endpoint);
  const about = { address: endpoint, ...certificateDetails(certificate) };
  if (!(await isTrusted(certificate, dir))) {
    const path = await reject(certificate, dir);
    throw new FaultError('CV_OPCUA_CERTIFICATE_UNKNOWN', {
      ...about,
      own: ownCertificatePath(dir),
      command: `mv ${quoted(path)} ${quoted(join(dir, 'trusted'))}/`,
    });
  }
  if (nowMs !== null && (nowMs < certificate.validFromDate.getTime() || nowMs > certificate.validToDate.getTime())) {
    throw new FaultError('CV_OPCUA_CERTIFICATE_TIME', { ...about, now: day(nowMs) });
  }
  if (checkHost && !namesHost(certificate, hostOf(endpoint)))
    throw new FaultError('CV_OPCUA_CERTIFICATE_HOST', { ...about, host: hostOf(endpoint), names: certificate.subjectAltName ?? '–' });
}

/** Details to compare with those that the server shows. */
export function certificateDetails(certificate: X509Certificate): { thumbprint: string; subject: string; from: string; to: string } {
  return {
    thumbprint: certificate.fingerprint,
    subject: certificate.subject.replaceAll('\n', ', '),
    from: day(certificate.validFromDate.getTime()),
    to: day(certificate.validToDate.getTime()),
  };
}

function parse(der: Uint8Array, address: string): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new FaultError(
      'CV_OPCUA_CERTIFICATE_BROKEN',
      { address, detail: error instanceof Error ? error.message : String(error) },
      { cause: error },
    );
  }
}

async function isTrusted(certificate: X509Certificate, dir: string): Promise<boolean> {
  const files = await Promise.all((await filesOf(join(dir, 'trusted'))).map(readTrusted));
  return files.some((bytes) => bytes !== null && fingerprintOf(bytes) === certificate.fingerprint256);
}

/** Null when it was removed meanwhile. An unreadable file is a fault, as somebody expects it to be trusted. */
async function readTrusted(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new FaultError('CV_OPCUA_CERTIFICATE_FOLDER', { dir: path, detail: (error as Error).message }, { cause: error });
  }
}

function fingerprintOf(bytes: Buffer): string | null {
  try {
    return new X509Certificate(bytes).fingerprint256;
  } catch {
    return null; // not a certificate
  }
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { withFileTypes: true }))
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map(({ name }) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new FaultError('CV_OPCUA_CERTIFICATE_FOLDER', { dir: folder, detail: (error as Error).message }, { cause: error });
  }
}

/** Limit of kept certificates, so that forged ones cannot fill the disk. */
const MAX_REJECTED = 100;

async function reject(certificate: X509Certificate, dir: string): Promise<string> {
  const folder = join(dir, 'rejected');
  const path = join(folder, `${fileNameOf(certificate)}.der`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(join(dir, 'trusted'), { recursive: true, mode: 0o700 });
    await makeRoom(folder);
    await writeFile(path, certificate.raw, { mode: 0o600 });
    return path;
  } catch (error) {
    throw new FaultError('CV_OPCUA_CERTIFICATE_FOLDER', { dir, detail: (error as Error).message }, { cause: error });
  }
}

/** Removes the oldest: the newest is the one under review. */
async function makeRoom(folder: string): Promise<void> {
  const files = await filesOf(folder);
  if (files.length < MAX_REJECTED) return;
  const dated = await Promise.all(files.map(async (path) => ({ path, atMs: (await stat(path)).mtimeMs })));
  for (const { path } of dated.toSorted((a, b) => a.atMs - b.atMs).slice(0, files.length - MAX_REJECTED + 1))
    await rm(path, { force: true });
}

function fileNameOf(certificate: X509Certificate): string {
  const common = /(?:^|\n)CN=([^\n]*)/.exec(certificate.subject)?.[1] ?? 'server';
  return `${common.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 60)}-${certificate.fingerprint.replaceAll(':', '').toLowerCase()}`;
}

function namesHost(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
}

export function hostOf(endpoint: string): string {
  return new URL(endpoint.replace(/^opc\.tcp:/, 'http:')).hostname.replaceAll(/^\[|\]$/g, '');
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
const quoted = (path: string): string => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
