/** Boxes with certificates of all kinds, and what the gateway says to them. */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import mqtt, { type IClientOptions } from 'mqtt';
import { FaultError } from '../../core/faults.ts';
import { signingRequest } from '../../edge/identity/signing-request.ts';
import { issueEdge, type KeyPair, type Lifetime } from '../../gateway/certificates/issuing.ts';
import { ATTACK_CENTRE, type AttackRig } from './rig.ts';

const DAY_MS = 86_400_000;

export const newKey = (): string =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey;

/** From so many days from now to so many. */
export const lifeOf = (fromDays: number, toDays: number): Lifetime => ({
  notBeforeAt: Date.now() + fromDays * DAY_MS, notAfterAt: Date.now() + toDays * DAY_MS,
});

/** The CA of the attacked gateway, with its key. */
export async function gatewayAuthority({ dir }: AttackRig): Promise<KeyPair> {
  const own = await readFile(join(dir, 'certificates', 'ca-key.pem'), 'utf8');
  const begins = own.indexOf('-----BEGIN CERTIFICATE-----');
  return { keyPem: own.slice(0, begins), certificatePem: own.slice(begins) };
}

/** What an authority says of an edge. */
export async function certificateFor(edge: string, life: Lifetime, authority: KeyPair): Promise<KeyPair> {
  const keyPem = newKey();
  const publicKeyDer = createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
  return { keyPem, certificatePem: await issueEdge({ edge, centres: [ATTACK_CENTRE], publicKeyDer }, life, authority) };
}

/** @returns `in`, or how it was refused */
export async function knockAtBroker(rig: AttackRig, shown: KeyPair | null, edge: string, more: IClientOptions = {}): Promise<string> {
  const { certificatePem: ca } = await gatewayAuthority(rig);
  try {
    const client = await mqtt.connectAsync(`mqtts://127.0.0.1:${rig.brokerPort}`, {
      protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 15_000, clientId: `cv-${edge}`, ca,
      ...(shown && { key: shown.keyPem, cert: shown.certificatePem }), ...more,
    });
    client.on('error', () => {});
    await client.endAsync(true);
    return 'in';
  } catch (error) {
    return String((error as { code?: number | string }).code ?? (error as Error).message);
  }
}

/** @param signer of the request, as the key of the certificate would be. @returns the status, and the code of the fault */
export async function askForRenewal(rig: AttackRig, edge: string, certificate: string, signer: string): Promise<string> {
  const csr = await signingRequest(edge, newKey());
  const signature = sign('sha256', Buffer.from(csr), signer).toString('base64');
  return postTo(rig, '/api/v1/enrolment/renewal', { csr, certificate, signature });
}

export async function postTo(rig: AttackRig, path: string, body: object): Promise<string> {
  const answer = await rig.get(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return `${answer.status} ${(answer.body as { code?: string } | null)?.code ?? ''}`.trim();
}

/** @returns null where it got what it came for, else the code of the fault */
export async function faultCodeOf(act: Promise<unknown>): Promise<string | null> {
  return act.then(() => null, (error: unknown) => (error instanceof FaultError ? error.fault.code : String(error)));
}

/** @param over a connection of the caller's own. @returns one over which nothing was said yet */
export async function openTlsTo(rig: AttackRig, port: number, over?: Socket): Promise<TLSSocket> {
  const { certificatePem: ca } = await gatewayAuthority(rig);
  const socket = connectTls({ ...(over ? { socket: over } : { port }), host: '127.0.0.1', ca });
  socket.on('error', () => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('close', () => reject(new Error('no TLS')));
  });
  return socket;
}

export const tallyOf = (answers: ReadonlyMap<string, number>): string =>
  [...answers].map(([said, count]) => `${count} × ${said}`).join(', ');

/** So many at once, until all were done. */
export async function inParallel(count: number, atOnce: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let index = next++; index < count; index = next++) await act(index);
  }));
}
