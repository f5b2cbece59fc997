/** An audit record in a folder of its own, for tests. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { memoryDir } from '../../../core/testing/temp-dir.ts';
import { testWorld } from '../../../core/testing/virtual-clock.ts';
import type { AuditEntry } from '../../people/audit.ts';
import { AuditRecord, type AuditRecordOptions } from '../audit-record.ts';
import { publicKeysIn } from '../key.ts';
import { verifyAuditRecord, type AuditVerification } from '../verify-record.ts';

export const AUDIT_DAY_MS = 86_400_000;

export const auditEntry = (what: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  kind: 'user_change', who: 'chief', from: '10.0.0.7', what, outcome: 'done', ...more,
});

export async function recordedFolder(t: TestContext) {
  const temp = await memoryDir();
  t.after(temp.remove);
  const world = testWorld();
  const [dir, keyDir] = [join(temp.dir, 'audit'), join(temp.dir, 'audit-key')];
  const opened: AuditRecord[] = [];
  t.after(() => Promise.all(opened.map((one) => one.close())));
  return {
    world,
    dir,
    keyDir,
    async open(more: Partial<AuditRecordOptions> = {}): Promise<AuditRecord> {
      const audit = new AuditRecord({ dir, keyDir, gateway: 'town-1', keepMs: () => 400 * AUDIT_DAY_MS, ...more }, world);
      opened.push(audit);
      await audit.open();
      return audit;
    },
    verify: async (): Promise<AuditVerification> => verifyAuditRecord(dir, await publicKeysIn(keyDir)),
  };
}

/** Codes with their place, as short as a test wants them. */
export const foundIn = ({ faults }: AuditVerification): string[] =>
  faults.map(({ code, params: { line, from, to } }) => [code, line, from, to].filter((part) => part !== undefined).join(' '));
