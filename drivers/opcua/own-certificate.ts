/**
 * The certificate of this machine for signing and encryption: created once, kept in `own/` of the certificate folder,
 * renewed with the same key before it expires. Servers have it in their trust lists, so it must not change needlessly.
 */
import { X509Certificate } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import {
  CertificatePurpose,
  coercePEMorDerToPrivateKey,
  createSelfSignedCertificate,
  generatePrivateKey,
  pemToPrivateKey,
  privateKeyToPEM,
} from 'node-opcua-crypto';
import { FaultError } from '../../core/faults.ts';
import { forceFolder, makeFolder } from '../../core/folder.ts';
import type { World } from '../../core/world.ts';
import './faults.ts';
import { APPLICATION_NAME, applicationUri, type KeyPairProvider } from './in-memory-key.ts';

const DAY_MS = 86_400_000;
const VALID_DAYS = 5 * 365;
/** Leaves time to add the new one to the servers. */
const RENEW_BEFORE_MS = 60 * DAY_MS;

const CERTIFICATE = 'certificate.der';
const PREVIOUS = 'certificate-before.der';
const KEY = 'private-key.pem';
/** One at a time per folder: two devices that open together must not create two. */
const making = new Map<string, Promise<unknown>>();

export const ownCertificatePath = (dir: string): string => join(dir, 'own', CERTIFICATE);

export async function ownCertificate(dir: string, world: Pick<World, 'clock' | 'tell'>): Promise<KeyPairProvider> {
  return (await ownCertificates(dir, world))[0];
}

/** The newest first; after a renewal also the previous one while it is valid, as servers may trust only that one. @throws CV_OPCUA_CERTIFICATE_FOLDER */
export function ownCertificates(dir: string, world: Pick<World, 'clock' | 'tell'>): Promise<[KeyPairProvider, ...KeyPairProvider[]]> {
  const after = (making.get(dir) ?? Promise.resolve()).catch(() => undefined);
  const mine = after
    .then(() => readOrMake(dir, world))
    .catch((error: unknown) => {
      throw error instanceof FaultError
        ? error
        : new FaultError(
            'CV_OPCUA_CERTIFICATE_FOLDER',
            { dir, detail: error instanceof Error ? error.message : String(error) },
            { cause: error },
          );
    });
  making.set(dir, mine);
  return mine;
}

async function readOrMake(dir: string, world: Pick<World, 'clock' | 'tell'>): Promise<[KeyPairProvider, ...KeyPairProvider[]]> {
  const own = join(dir, 'own');
  const nowMs = world.clock.nowMs();
  const [keyPem, certificate, previous] = await Promise.all([KEY, CERTIFICATE, PREVIOUS].map((file) => readIfThere(join(own, file))));
  if (keyPem && certificate && !needsRenewal(certificate, nowMs))
    return providers(keyPem.toString('utf8'), certificate, previous ?? null, nowMs);
  await Promise.all(['own', 'trusted', 'rejected'].map((folder) => makeFolder(join(dir, folder), 0o700)));
  const pem = keyPem?.toString('utf8') ?? (await privateKeyToPEM(await generatePrivateKey(2048))).privPem;
  const fresh = await sign(pem, nowMs);
  if (!keyPem) await writeWhole(join(own, KEY), pem);
  if (keyPem && certificate) await writeWhole(join(own, PREVIOUS), certificate);
  await writeWhole(join(own, CERTIFICATE), fresh);
  const path = ownCertificatePath(dir);
  const word = certificate ? { en: 'renewed', zh: '已更新' } : { en: 'created', zh: '已生成' };
  world.tell({
    kind: 'notice',
    level: 'warn',
    en: `OPC UA certificate of this machine ${word.en}: ${path}; add it to the trust lists of servers`,
    zh: `本机 OPC UA 证书${word.zh}：${path}；需要在各服务器上信任它`,
  });
  return providers(pem, fresh, (keyPem && certificate) ?? null, nowMs);
}

/** Near its end, not yet valid, or created with another host name. */
function needsRenewal(der: Uint8Array, nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(der);
    return (
      certificate.validToDate.getTime() - nowMs < RENEW_BEFORE_MS || !(certificate.subjectAltName ?? '').includes(`URI:${applicationUri()}`)
    );
  } catch {
    return true; // not a certificate: a file cut short is made anew
  }
}

async function sign(keyPem: string, nowMs: number): Promise<Buffer> {
  const { cert } = await createSelfSignedCertificate({
    privateKey: await pemToPrivateKey(keyPem),
    applicationUri: applicationUri(),
    subject: `/CN=${APPLICATION_NAME} ${hostname()}`,
    dns: [hostname()],
    purpose: CertificatePurpose.ForApplication,
    // Also accepted by a server whose clock is slightly behind.
    notBefore: new Date(nowMs - DAY_MS), notAfter: new Date(nowMs + VALID_DAYS * DAY_MS),
  });
  return Buffer.from(new X509Certificate(cert).raw);
}

function providers(keyPem: string, newest: Buffer, previous: Buffer | null, nowMs: number): [KeyPairProvider, ...KeyPairProvider[]] {
  const privateKey = coercePEMorDerToPrivateKey(keyPem);
  const provider = (certificate: Buffer): KeyPairProvider => ({
    getCertificate: () => certificate,
    getCertificateChain: () => [certificate],
    getPrivateKey: () => privateKey,
  });
  return [provider(newest), ...(previous && isValid(previous, newest, nowMs) ? [provider(previous)] : [])];
}

/** Same key, current application URI, not expired. */
function isValid(previous: Buffer, newest: Buffer, nowMs: number): boolean {
  try {
    const [one, other] = [new X509Certificate(previous), new X509Certificate(newest)];
    return (
      one.publicKey.equals(other.publicKey) &&
      one.validToDate.getTime() > nowMs &&
      (one.subjectAltName ?? '').includes(`URI:${applicationUri()}`)
    );
  } catch {
    return false; // not a certificate
  }
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Atomic, also on power loss. */
async function writeWhole(path: string, bytes: string | Uint8Array): Promise<void> {
  const half = `${path}.${process.pid}.new`;
  try {
    await writeFile(half, bytes, { mode: 0o600, flush: true });
    await rename(half, path);
    await forceFolder(dirname(path));
  } catch (error) {
    await rm(half, { force: true });
    throw error;
  }
}
