/** The audit record of a gateway: who did what, from where, and what came of it. */
import { z } from 'zod';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { time } from './fields.ts';

/**
 * `record`: about the record itself; `damage`: what was found missing or changed when it was opened; `checkpoint`: a
 * signature; `tap`: what a device says was listened to. Whoever reads lines takes any kind.
 */
export const AUDIT_KINDS = [
  'sign_in',
  'sign_out',
  'refusal',
  'user_change',
  'token_change',
  'local',
  'certificate',
  'command',
  'binding',
  'config_change',
  'evidence_read',
  'live_view',
  'tap',
  'audit_read',
  'start',
  'stop',
  'record',
  'damage',
  'checkpoint',
] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];
export const AUDIT_OUTCOMES = ['done', 'refused'] as const;

export const AuditEntryView = component(
  'AuditEntry',
  'a line of the audit record',
  '一条审计记录',
  z.object({
    seq: z.int().min(1).meta({ en: 'number of the line, without gaps', zh: '行号，连续无缺' }),
    at: time,
    kind: z.string().meta({ en: `what it is about: ${AUDIT_KINDS.join(', ')}`, zh: `类别：${AUDIT_KINDS.join('、')}` }),
    who: z.string().meta({ en: 'a name; empty where nobody is known by one', zh: '人员或令牌名称；未知时为空' }),
    from: z.string().meta({ en: 'address, or the network of several', zh: '地址，或多个地址所在网段' }),
    what: z.string(),
    outcome: z.enum(AUDIT_OUTCOMES),
    centre: z.string().optional().meta({ en: 'of what it is about; absent: of the gateway as a whole', zh: '所涉治理中心；缺省表示涉及整个网关' }),
    origin: z.string().optional().meta({
      en: '`edge:NAME`: told by this edge, which is known by its certificate or token; absent: by the gateway',
      zh: '`edge:NAME`：由该边缘节点上报，其身份由证书或令牌确定；缺省为网关自身',
    }),
    occurredAt: time.optional().meta({ en: 'when it happened, by the clock of that edge', zh: '发生时间，按该边缘节点的时钟' }),
    log: z.string().optional().meta({ en: 'place of its event in the log of the gateway', zh: '其事件在网关日志中的位置' }),
    details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  }),
);
export type AuditEntryView = z.infer<typeof AuditEntryView>;

export const AUDIT_EXAMPLE: AuditEntryView = {
  seq: 4711,
  at: EXAMPLE_AT,
  kind: 'command',
  who: 'li-wei',
  from: '10.0.0.12',
  what: 'write pump-07-plc running',
  outcome: 'done',
  centre: '500112001',
  details: { reason: 'W-118' },
};
