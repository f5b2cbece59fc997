/**
 * The identity folder: the key of this box, its certificate, the CAs it trusts, the gateway's key for commands, and where it
 * was enrolled. A key and its certificate change together, in two files: so what is new is written beside the old under
 * names of its own, the certificate last, and that file decides. From then on readers take the new ones; putting them in
 * place is finished by whoever writes next. A power cut between any two steps leaves the old identity or the new one.
 */
import { createPrivateKey, generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { FaultError } from '../../core/faults.ts';
import { commonNameOf, parseCertificates } from '../../core/certificates.ts';
import './faults.ts';

/** What it asks of a disk. Each is on disk when it resolves. */
export interface IdentityFiles {
  /** null: not there. */
  read(path: string): Promise<string | null>;
  /** As a whole or not at all. */
  write(path: string, text: string, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** One that is not there is no error. */
  remove(path: string): Promise<void>;
  /** For its own user alone; one that is there gets these rights. */
  makeFolder(path: string): Promise<void>;
}

const KEY = 'key.pem';
const CERTIFICATE = 'certificate.pem';
const CA = 'ca.pem';
const COMMAND_KEY = 'command-key.pem';
const ENROLMENT = 'enrolment.json';
/** In the order in which they are put in place: while the next certificate is there, the others are looked for beside it. */
const IN_ORDER = [KEY, CA, COMMAND_KEY, ENROLMENT, CERTIFICATE] as const;
type FileName = (typeof IN_ORDER)[number];

const next = (name: FileName): string => `next-${name}`;
const SECRET_MODE = 0o600;
const OPEN_MODE = 0o644;

const ENROLMENT_SCHEMA = z.object({
  v: z.literal(1),
  /** Base URL of the gateway's API, for renewal. */
  gateway: z.url({ protocol: /^https$/ }),
  broker: z.string().max(300),
  centre: z.string().max(64),
});
export type EnrolmentRecord = z.infer<typeof ENROLMENT_SCHEMA>;

export interface EdgeIdentity {
  dir: string;
  /** The common name of the certificate. */
  edge: string;
  keyPem: string;
  certificatePem: string;
  certificate: X509Certificate;
  caPem: string;
  authorities: readonly X509Certificate[];
  enrolment: EnrolmentRecord;
}

/** What a gateway gave, checked. */
export interface IssuedIdentity {
  certificatePem: string;
  caPem: string;
  /** null: the one before stays. */
  commandKeyPem: string | null;
  enrolment: Omit<EnrolmentRecord, 'v'>;
}

/** @throws CV_IDENTITY_MISSING, CV_IDENTITY_UNREADABLE, CV_IDENTITY_KEY */
export async function readEdgeIdentity(dir: string, files: Pick<IdentityFiles, 'read'>): Promise<EdgeIdentity> {
  try {
    return await readOnce(dir, files);
  } catch (error) {
    // Another process may have put a new one in place between two of the files.
    if (error instanceof FaultError && error.fault.code === 'CV_IDENTITY_UNREADABLE') throw error;
    return readOnce(dir, files);
  }
}

async function readOnce(dir: string, files: Pick<IdentityFiles, 'read'>): Promise<EdgeIdentity> {
  const isNext = (await readFile(dir, next(CERTIFICATE), files)) !== null;
  const textOf = async (name: FileName): Promise<string> => {
    const text = (isNext ? await readFile(dir, next(name), files) : null) ?? (await readFile(dir, name, files));
    if (text === null) throw new FaultError('CV_IDENTITY_MISSING', { dir, file: name });
    return text;
  };
  const keyPem = await textOf(KEY);
  const certificatePem = await textOf(CERTIFICATE);
  const caPem = await textOf(CA);
  const enrolmentText = await textOf(ENROLMENT);
  const certificate = usable(dir, CERTIFICATE, () => parseCertificates(certificatePem)[0] as X509Certificate);
  const edge = usable(dir, CERTIFICATE, () => {
    const name = commonNameOf(certificate);
    if (name === null) throw new Error('it names no edge');
    return name;
  });
  const key = usable(dir, KEY, () => createPrivateKey(keyPem));
  if (!certificate.checkPrivateKey(key)) throw new FaultError('CV_IDENTITY_KEY', { dir });
  return {
    dir, edge, keyPem, certificatePem, certificate, caPem,
    authorities: usable(dir, CA, () => parseCertificates(caPem)),
    enrolment: usable(dir, ENROLMENT, () => ENROLMENT_SCHEMA.parse(JSON.parse(enrolmentText))),
  };
}

/** The gateway's public key for commands, as it was given with the identity that counts; null: none was. @throws CV_IDENTITY_UNREADABLE */
export async function readCommandKey(dir: string, files: Pick<IdentityFiles, 'read'>): Promise<string | null> {
  const isNext = (await readFile(dir, next(CERTIFICATE), files)) !== null;
  return (isNext ? await readFile(dir, next(COMMAND_KEY), files) : null) ?? readFile(dir, COMMAND_KEY, files);
}

/** Where it lies, for those who speak of it. */
export const commandKeyPathOf = (dir: string): string => join(dir, COMMAND_KEY);

/** The key that a request is to be made for: the same again until something was issued for it, so that asking twice is asking once. */
export async function nextKey(dir: string, files: IdentityFiles): Promise<string> {
  await files.makeFolder(dir);
  // With a certificate beside it, it is in use already.
  await finishReplacement(dir, files);
  const left = await readFile(dir, next(KEY), files);
  if (left !== null && isKey(left)) return left;
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  await files.write(join(dir, next(KEY)), privateKey, SECRET_MODE);
  return privateKey;
}

/** Takes what was issued for the key of `nextKey`. */
export async function replaceIdentity(dir: string, issued: IssuedIdentity, files: IdentityFiles): Promise<void> {
  // Left by one who was cut off before the certificate: its parts must not get into this one.
  for (const name of [CA, COMMAND_KEY, ENROLMENT] as const) await files.remove(join(dir, next(name)));
  await files.write(join(dir, next(CA)), issued.caPem, OPEN_MODE);
  if (issued.commandKeyPem !== null) await files.write(join(dir, next(COMMAND_KEY)), issued.commandKeyPem, OPEN_MODE);
  await files.write(join(dir, next(ENROLMENT)), `${JSON.stringify({ v: 1, ...issued.enrolment }, null, 2)}\n`, OPEN_MODE);
  await files.write(join(dir, next(CERTIFICATE)), issued.certificatePem, OPEN_MODE);
  await finishReplacement(dir, files);
}

/** Puts in place what was written in whole and not put in place before a power cut. */
export async function finishReplacement(dir: string, files: IdentityFiles): Promise<void> {
  if ((await readFile(dir, next(CERTIFICATE), files)) === null) return;
  for (const name of IN_ORDER)
    if ((await readFile(dir, next(name), files)) !== null) await files.rename(join(dir, next(name)), join(dir, name));
}

async function readFile(dir: string, name: string, files: Pick<IdentityFiles, 'read'>): Promise<string | null> {
  const path = join(dir, name);
  try {
    return await files.read(path);
  } catch (error) {
    // An encrypted key says itself what is wrong with it.
    if (error instanceof FaultError) throw error;
    const detail = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new FaultError('CV_IDENTITY_UNREADABLE', { path, detail }, { cause: error });
  }
}

function usable<T>(dir: string, name: FileName, make: () => T): T {
  try {
    return make();
  } catch (error) {
    // Of OpenSSL and of a schema: what is wrong, never what the file holds.
    const detail = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : (error as Error).message;
    throw new FaultError('CV_IDENTITY_UNREADABLE', { path: join(dir, name), detail }, { cause: error });
  }
}

function isKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}

/** Where the key lies, for those who look at its rights. */
export const keyPathOf = (dir: string): string => join(dir, KEY);
/** By its name in the folder: what is secret in it. */
export const isKeyFile = (name: string): boolean => name === KEY || name === next(KEY);
