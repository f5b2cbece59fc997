/** A command as the API shows it. */
import type { CommandView } from '../../api/commands.ts';
import { explain, FAULTS, type Fault, type FaultCode } from '../../core/faults.ts';
import type { CommandRecord } from './ledger.ts';

/** So long after its end an edge that did not take a command may still be asked what became of it. */
const REFUSED_GRACE_MS = 10_000;

/** @param nowMs until it expires an unanswered command is pending; afterwards nobody knows, if it was sent */
export function commandView({ command, edge, centre, sentAt, answer, answeredAt, refusal }: CommandRecord, nowMs: number): CommandView {
  const { v: _v, kind, id, device, by, reason, issuedAt, expiresAt, over: _over, ...asked } = command;
  const silent = answer === null && sentAt !== null && nowMs >= expiresAt + (refusal ? REFUSED_GRACE_MS : 0);
  const fault = silent ? { code: 'CV_COMMAND_NO_ANSWER', params: { edge } } : answer ? answer.fault : refusal;
  return {
    id, kind, device, edge, centre, by, reason, issuedAt, expiresAt, sentAt, answeredAt,
    ...('points' in asked && asked.points ? { points: asked.points } : {}),
    ...('point' in asked ? { point: asked.point, value: asked.value } : {}),
    status: answer?.status ?? (silent ? 'unknown' : 'pending'),
    fault: fault ? inWords(fault) : null,
    values: answer?.values ?? null,
    readBack: answer?.readBack ?? null,
    picture: answer?.picture ?? null,
  };
}

/** A code of a newer edge has no words here. */
function inWords(fault: { code: string; params: Record<string, string | number> }): CommandView['fault'] {
  if (!Object.hasOwn(FAULTS, fault.code))
    return { code: fault.code, message: { en: fault.code, zh: fault.code }, remedy: { en: '', zh: '' } };
  const [en, zh] = [explain(fault as Fault, 'en'), explain({ code: fault.code as FaultCode, params: fault.params }, 'zh-CN')];
  return { code: fault.code, message: { en: en.message, zh: zh.message }, remedy: { en: en.remedy, zh: zh.remedy } };
}
