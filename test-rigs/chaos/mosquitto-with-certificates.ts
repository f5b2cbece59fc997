/** mosquitto by the files that we make for it, with the certificates that the gateway keeps for it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mosquittoConf, type mosquittoFiles } from '../../gateway/broker/mosquitto.ts';
import { COPIED_FILES } from '../../gateway/certificates/authority.ts';
import type { ChaosPlan } from './configuration.ts';

export interface WithCertificates {
  files: Awaited<ReturnType<typeof mosquittoFiles>>;
  /** Folder that the gateway copies to. */
  certificates: string;
  /** Of consumers, and of edges with tokens: nobody in this rig. */
  passwordPort: number;
}

/** @returns the path of its configuration */
export function writeMosquittoWithCertificates(
  dir: string,
  { brokerPort, edgePort }: ChaosPlan,
  { files, certificates, passwordPort }: WithCertificates,
): string {
  mkdirSync(dir);
  const write = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text, { mode: 0o600 });
    return join(dir, name);
  };
  const shown = (file: keyof typeof COPIED_FILES) => join(certificates, COPIED_FILES[file]);
  const conf = mosquittoConf({
    acl: write('acl', files.acl),
    passwords: write('passwords', files.passwords),
    gatewayPasswords: write('gateway-passwords', files.gatewayPasswords),
    port: passwordPort,
    gateway: { host: '127.0.0.1', port: brokerPort },
    tls: {
      ca: shown('ca'), certificate: shown('server'), key: shown('serverKey'), revoked: shown('revoked'),
      edgeAcl: write('edge-acl', files.edgeAcl), edgePort, passwordPort, isPlaintextKept: false,
    },
  });
  const asRoot = process.getuid?.() === 0 ? 'user root\n' : '';
  return write('mosquitto.conf', `${conf}persistence false\nlog_dest stderr\n${asRoot}`);
}
