/** Identifies a server, its state and the security of the connection, for `check`. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AttributeIds } from 'node-opcua-client';
import type { ProbeFinding, PointOf } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { inBatches } from './operation-limits.ts';
import { ownCertificatePath } from './own-certificate.ts';
import { withSession } from './session.ts';
import type { OpcuaPoint, OpcuaSettings } from './settings.ts';
import { certificateDetails } from './trust.ts';

/** ProductName, ManufacturerName, SoftwareVersion of Server_ServerStatus_BuildInfo, and its State (OPC 10000-6, A). */
const NODES = ['i=2261', 'i=2263', 'i=2264', 'i=2259'];
const STATES = ['running', 'failed', 'no configuration', 'suspended', 'shutdown', 'test', 'communication fault', 'unknown'];

export async function probe(
  settings: OpcuaSettings,
  _points: readonly PointOf<OpcuaPoint>[],
  world: World,
  signal: AbortSignal,
): Promise<ProbeFinding[]> {
  return withSession(settings, world, signal, async (session, client) => {
    const [product, vendor, version, state] = (
      await inBatches(NODES, NODES.length, (part) => session.read(part.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value }))))
    ).map(({ value }) => value?.value as unknown);
    const name = [vendor, product, version].filter((part) => typeof part === 'string' && part !== '').join(' ') || '?';
    const word = typeof state === 'number' ? (STATES[state] ?? String(state)) : 'unknown';
    return [
      { en: `server: ${name}, state ${word}`, zh: `服务器：${name}，状态 ${word}` },
      ...(await securityFindings(settings, client.serverCertificate)),
    ];
  });
}

async function securityFindings({ security, certificates }: OpcuaSettings, server: Buffer | Buffer[] | undefined): Promise<ProbeFinding[]> {
  if (security === 'none') return [];
  const theirs = server ? certificateDetails(new X509Certificate(Array.isArray(server) ? server[0] as Buffer : server)) : null;
  const ours = certificateDetails(new X509Certificate(await readFile(ownCertificatePath(certificates.dir))));
  const profile = `${security.policy} ${security.mode}`;
  return [
    ...(theirs
      ? [
          {
            en: `${profile}; its certificate: ${theirs.subject}, ${theirs.thumbprint}, valid to ${theirs.to}`,
            zh: `${profile}；服务器证书：${theirs.subject}，${theirs.thumbprint}，有效至 ${theirs.to}`,
          },
        ]
      : []),
    {
      en: `certificate of this machine: ${ours.thumbprint}, valid to ${ours.to} (${ownCertificatePath(certificates.dir)})`,
      zh: `本机证书：${ours.thumbprint}，有效至 ${ours.to}（${ownCertificatePath(certificates.dir)}）`,
    },
  ];
}
