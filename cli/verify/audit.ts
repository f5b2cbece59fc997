/** A gateway's audit record, verified: by `audit verify`, and as a part of `verify`. */
import { dirname, join, resolve } from 'node:path';
import { FaultError } from '../../core/faults.ts';
import { publicKeysIn, readPublicKeys } from '../../gateway/audit/key.ts';
import { auditFolders } from '../../gateway/audit/open-audit.ts';
import type { PublicKeys } from '../../gateway/audit/signed-text.ts';
import { verifyAuditRecord, type AuditVerification } from '../../gateway/audit/verify-record.ts';
import { loadGateway } from '../load.ts';
import { configText, printProblems } from '../service.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';
import type { VerifyResult } from './verify-result.ts';
import '../../gateway/audit/faults.ts';

export interface AuditPlace {
  dir: string;
  keys: PublicKeys;
}

/** @param keyFiles absent: those of `keyDir`. @throws CV_AUDIT_NO_KEY */
async function placeOf(dir: string, keyDir: string, keyFiles: readonly string[] | undefined): Promise<AuditPlace> {
  const keys = keyFiles ? await readPublicKeys(keyFiles.map((file) => resolve(file))) : await publicKeysIn(keyDir);
  if (keys.size === 0) throw new FaultError('CV_AUDIT_NO_KEY', { path: keyDir });
  return { dir, keys };
}

/** By its folder, or by the configuration of its gateway: ./gateway.yaml where nothing is given. @throws CV_AUDIT_NO_KEY */
export async function locateRecord(
  terminal: CommandTerminal,
  { dir, key, config = 'gateway.yaml' }: { dir?: string; key?: string[]; config?: string },
): Promise<AuditPlace> {
  if (dir !== undefined) return placeOf(dir, join(dirname(dir), 'audit-key'), key);
  const { setup, problems } = await loadGateway({ path: resolve(config), text: configText(terminal, config) });
  if (!setup) {
    printProblems(terminal, problems);
    process.exit(EXIT.usage);
  }
  const folders = auditFolders(setup.log.dir);
  return placeOf(folders.dir, folders.keyDir, key);
}

export async function printAuditVerification(terminal: CommandTerminal, { dir, keys }: AuditPlace): Promise<number> {
  const { faults, ...counts } = await verifyAuditRecord(dir, keys);
  for (const fault of faults) terminal.fault(fault);
  if (terminal.json) terminal.record({ folder: dir, found: faults.length, ...counts });
  else terminal.print(terminal.text(summaryOf(dir, { faults, ...counts })));
  return faults.length > 0 ? EXIT.found : EXIT.ok;
}

/** As a part of `verify`. @throws the system's error, CV_AUDIT_NO_KEY */
export async function verifyAuditPart(logDir: string): Promise<VerifyResult> {
  const { dir, keyDir } = auditFolders(logDir);
  const { keys } = await placeOf(dir, keyDir, undefined);
  const verified = await verifyAuditRecord(dir, keys);
  const { faults, files, lines, checkpoints, unconfirmed } = verified;
  return { part: 'audit', counts: { dir, files, lines, checkpoints, unconfirmed }, faults, text: summaryOf(dir, verified) };
}

function summaryOf(dir: string, { faults, files, lines, checkpoints, from, end, unconfirmed }: AuditVerification) {
  const tail = unconfirmed > 0;
  return {
    en: `audit record ${dir}: ${files} files, lines ${from} to ${end.seq} (${lines}), ${checkpoints} signatures, ${faults.length} found; end ${end.seq} ${end.hash}${tail ? `; the last ${unconfirmed} lines are not signed yet` : ''}`,
    zh: `审计记录 ${dir}：${files} 个文件，第 ${from} 至 ${end.seq} 号（${lines} 行），${checkpoints} 处签名，${faults.length} 处异常；末行 ${end.seq} ${end.hash}${tail ? `；最后 ${unconfirmed} 行尚未签名` : ''}`,
  };
}
