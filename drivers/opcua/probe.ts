/** What a field engineer wants to know of a server before trusting it: who it is, its state, how the way is secured. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AttributeIds } from 'node-opcua-client';
import type { ProbeFinding, PointOf } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { inParts } from './limits.ts';
import { ownCertificatePath } from './own-certificate.ts';
import { withSession } from './session.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';
import { describe } from './trust.ts';

/** ProductName, ManufacturerName, SoftwareVersion of Server_ServerStatus_BuildInfo, and its State (OPC 10000-6, A). */
const NODES = ['i=2261', 'i=2263', 'i=2264', 'i=2259'];
const STATES = ['running', 'failed', 'no configuration', 'suspended', 'shutdown', 'test', 'communication fault', 'unknown'];

export async function probe(settings: OpcuaSettings, _points: readonly PointOf<OpcuaPoint>[], world: World, signal: AbortSignal): Promise<ProbeFinding[]> {
  return withSession(settings, world, signal, async (session, client) => {
    const [product, maker, version, state] = (await inParts(NODES, NODES.length, (part) => session.read(part.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value }))))).map(({ value }) => value?.value as unknown);
    const name = [maker, product, version].filter((part) => typeof part === 'string' && part !== '').join(' ') || '?';
    const word = typeof state === 'number' ? STATES[state] ?? String(state) : 'unknown';
    return [{ en: `server: ${name}, state ${word}`, zh: `服务器：${name}，状态 ${word}` }, ...await secured(settings, client.serverCertificate)];
  });
}

async function secured({ security, certificates }: OpcuaSettings, server: Buffer | Buffer[] | undefined): Promise<ProbeFinding[]> {
  if (security === 'none') return [];
  const theirs = server ? describe(new X509Certificate(Array.isArray(server) ? server[0] as Buffer : server)) : null;
  const ours = describe(new X509Certificate(await readFile(ownCertificatePath(certificates.dir))));
  const way = `${security.policy} ${security.mode}`;
  return [
    ...(theirs ? [{ en: `${way}; its certificate: ${theirs.subject}, ${theirs.thumbprint}, valid to ${theirs.to}`, zh: `${way}；服务器证书：${theirs.subject}，${theirs.thumbprint}，有效至 ${theirs.to}` }] : []),
    { en: `certificate of this box: ${ours.thumbprint}, valid to ${ours.to} (${ownCertificatePath(certificates.dir)})`, zh: `本机证书：${ours.thumbprint}，有效至 ${ours.to}（${ownCertificatePath(certificates.dir)}）` },
  ];
}
