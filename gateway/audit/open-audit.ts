/** The audit record of a running gateway: opened first and closed last, so that it holds its start and its stop. */
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { ReloadResult } from '../../core/config/reload.ts';
import { faultOf } from '../../core/faults.ts';
import { VERSION } from '../../core/version.ts';
import type { World } from '../../core/world.ts';
import type { AtRestKeys } from '../../log/at-rest/keys.ts';
import type { GatewaySetup } from '../config/setup.ts';
import type { AuditEntry } from '../people/audit.ts';
import { AuditRecord } from './audit-record.ts';
import { EdgeAuditConsumer, type EdgeAuditOptions } from './edge-consumer.ts';

const DEFAULT_KEEP_MS = 400 * 86_400_000;
const DIGEST_LENGTH = 16;

/** Folders of a gateway's record and of its key, by that of its log. */
export const auditFolders = (logDir: string): { dir: string; keyDir: string } => ({
  dir: join(logDir, 'audit'), keyDir: join(logDir, 'audit-key'),
});

/** @param setup read each time: it changes while the gateway runs */
export async function openAudit(setup: GatewaySetup, keys: AtRestKeys, world: Pick<World, 'clock' | 'tell'>): Promise<AuditRecord> {
  const audit = new AuditRecord(
    { ...auditFolders(setup.log.dir), gateway: setup.gateway, keepMs: () => setup.audit?.keepMs ?? DEFAULT_KEEP_MS, keys },
    world,
  );
  await audit.open();
  audit.append(ofGateway('start', `gateway ${setup.gateway} ${VERSION}`, digestOfSetup(audit, setup)));
  return audit;
}

export async function closeAudit(audit: AuditRecord): Promise<void> {
  audit.append(ofGateway('stop', 'gateway'));
  await audit.close();
}

/** Takes what edges tell out of the gateway's log. */
export const edgeAudit = (
  record: AuditRecord,
  setup: Pick<GatewaySetup, 'log'>,
  log: EdgeAuditOptions['log'],
  world: Pick<World, 'clock' | 'tell'>,
): EdgeAuditConsumer => new EdgeAuditConsumer({ record, log, path: join(setup.log.dir, 'audit-edges.json') }, world);

/** A changed configuration taken in, or refused: by names of settings, never by their values. */
export async function auditedReload(audit: AuditRecord, setup: GatewaySetup, run: () => Promise<ReloadResult>): Promise<ReloadResult> {
  try {
    const { added, changed, removed, restartNeeded, kept } = await run();
    const list = Object.entries({ added, changed, removed, restartNeeded }).filter(([, names]) => names.length > 0);
    const details = { ...Object.fromEntries(list.map(([key, names]) => [key, names.join(', ')])), ...digestOfSetup(audit, setup) };
    audit.append(ofGateway('config_change', 'configuration reloaded', details));
    return { added, changed, removed, restartNeeded, kept };
  } catch (error) {
    const { code } = faultOf(error, 'CV_API_INTERNAL');
    audit.append({ ...ofGateway('config_change', 'configuration refused', { code }), outcome: 'refused' });
    throw error;
  }
}

/** Keyed, since a setup has secrets: it shows that a configuration was changed while the gateway was stopped, and nothing else. */
function digestOfSetup({ secret }: AuditRecord, setup: GatewaySetup): Record<string, string> {
  if (!secret) return {};
  return { configuration: createHmac('sha256', secret).update(JSON.stringify(setup)).digest('hex').slice(0, DIGEST_LENGTH) };
}

const ofGateway = (kind: AuditEntry['kind'], what: string, details?: Record<string, string>): AuditEntry => ({
  kind, who: 'gateway', from: 'local', what, outcome: 'done', ...(details && { details }),
});
