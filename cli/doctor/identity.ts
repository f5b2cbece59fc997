/** Checks the identity of an edge: whether it is there, whose it is, how long it is valid, and who else may read its key. */
import { stat } from 'node:fs/promises';
import type { BilingualText } from '../../core/bilingual-text.ts';
import { faultOf } from '../../core/faults.ts';
import { realClock, realFiles, type Clock } from '../../core/world.ts';
import { systemClockProbe } from '../../edge/clock/clock-probe.ts';
import type { TimeSource } from '../../edge/clock/edge-clock.ts';
import type { EdgeSetup } from '../../edge/config/setup.ts';
import { AtRestKeys } from '../../log/at-rest/keys.ts';
import { dayOf } from '../../core/certificates.ts';
import { keyPathOf } from '../../edge/identity/identity-folder.ts';
import { identityFault, identityStatus, knownTime, type IdentityStatus } from '../../edge/identity/judge-identity.ts';
import { identityFilesOf } from '../../edge/identity/real-identity-files.ts';
import { uplinkTls } from '../../edge/identity/uplink-tls.ts';
import { failed, passed, type CheckResult } from './check-result.ts';
import '../../edge/identity/faults.ts';

/** This machine's clock, believed where the edge believes it as it is, or NTP or a clock with a battery stands behind it. */
export async function boxClock(trust: readonly TimeSource[] = []): Promise<Clock> {
  const probe = systemClockProbe(realFiles);
  const isTrusted = trust.includes('system') || (await probe.isSynchronised()) || (await probe.hardwareAt()) !== null;
  return { ...realClock, trust: { isTrusted: () => isTrusted, jumpedMs: () => 0 } };
}

/** @returns nothing where none is configured */
export async function checkIdentity(
  { edge, gateway, atRest, clock: { trust } = { trust: [] } }: Pick<EdgeSetup, 'edge' | 'gateway' | 'clock' | 'atRest'>,
  known?: Clock,
): Promise<CheckResult[]> {
  if (gateway.identity === undefined && gateway.ca === undefined) return [];
  const clock = known ?? (await boxClock(trust));
  try {
    const { identity } = await uplinkTls({ edge, gateway }, identityFilesOf(new AtRestKeys(atRest)), clock);
    if (!identity) return [];
    const fault = identityFault(identity, edge, knownTime(clock));
    const { en, zh } = identityText(identityStatus(identity, knownTime(clock)));
    return [fault ? failed('identity', fault) : passed('identity', en, zh), ...(await exposedKey(identity.dir))];
  } catch (error) {
    return [failed('identity', faultOf(error, 'CV_IDENTITY_UNREADABLE', { path: gateway.identity ?? '' }))];
  }
}

async function exposedKey(dir: string): Promise<CheckResult[]> {
  const path = keyPathOf(dir);
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return [];
  return [failed('identity', { code: 'CV_IDENTITY_EXPOSED', params: { path, mode: (mode & 0o777).toString(8) } })];
}

/** One that can be used. */
export function identityText({ edge, validity, notAfterAt, caDigests }: IdentityStatus): BilingualText {
  const day = dayOf(notAfterAt);
  const ca = caDigests.join(', ');
  const [en, zh] = STATES[validity];
  return { en: `identity of ${edge}, valid until ${day}${en} · CA ${ca}`, zh: `身份 ${edge}，有效期至 ${day}${zh} · CA ${ca}` };
}

const STATES: Record<IdentityStatus['validity'], [en: string, zh: string]> = {
  valid: ['', ''],
  'renewal-due': [', renewal is due', '，待续期'],
  expired: [', expired', '，已过期'],
  'not-yet-valid': [', not valid yet', '，尚未生效'],
  unknown: [' (the clock of this box is not set)', '（本机时钟未校准）'],
};
