/** The path of a sample with live counts: device → edge log → gateway → store → warning. */
import { z } from 'zod';
import { CONFIG_STATE } from '../core/config/reload.ts';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { count, faultText, milliseconds, time, WORDS } from './fields.ts';

export const EdgeView = component('Edge', 'an edge as the gateway knows it', '网关所知的边缘节点', z.object({
  id: z.string(),
  centre: z.string(),
  online: z.boolean(),
  version: z.string().nullable(),
  logDepth: count.nullable(),
  clockOffsetMs: milliseconds.nullable(),
  seenAt: time.meta({
    en: 'when it last spoke of itself, ms UTC; 0: never, it is known by the configuration or by its events',
    zh: '最近一次自报状态的时刻，UTC 毫秒；0 表示从未自报，仅见于配置或其事件',
  }),
}));
export type EdgeView = z.infer<typeof EdgeView>;

export const SinkView = component('Sink', 'another place events go: how far behind it is, and what keeps it', '另一去向：落后多少、因何受阻', z.object({
  id: z.string(),
  kind: z.string(),
  lag: count.meta({ en: 'events it has not taken yet', zh: '尚未写入的事件数' }),
  written: count.meta({ en: 'taken by the target since the gateway started', zh: '网关启动以来已写入的事件数' }),
  setAside: count.meta({ en: 'refused by the target', zh: '被目标拒绝的事件数' }),
  missed: count.meta({ en: 'dropped by the log before they were taken', zh: '未写入即舍弃的事件数' }),
  problem: faultText.nullable().meta({ en: 'what keeps it from writing; null while all is well', zh: '无法写入的原因；正常时为 null' }),
}));
export type SinkView = z.infer<typeof SinkView>;

const Config = component('Config', 'what became of a changed configuration file', '配置文件改动的处理结果', CONFIG_STATE);

export const StatusView = component('Status', 'the path of a sample with live counts', '样本全程的实时计数', z.object({
  gateway: z.string(),
  centre: z.string(),
  name: z.exactOptional(WORDS).meta({ en: 'what people call this centre, where someone has said so', zh: '治理中心的名称（若已配置）' }),
  exercise: z.boolean(),
  now: time,
  startedAt: time,
  evaluatedTo: time.nullable().meta({ en: 'rules have seen everything up to this event time', zh: '规则已计算至此事件时间' }),
  devices: z.object({
    total: count,
    fresh: count,
    lost: count.meta({ en: 'do not answer', zh: '设备无应答' }),
    unobserved: count.meta({ en: 'their edge is away', zh: '所属边缘节点离线' }),
  }),
  edges: z.array(EdgeView),
  plaintext: z
    .exactOptional(
      z.object({
        until: time.nullable().meta({ en: 'null: for ever', zh: 'null 表示始终允许' }),
        edges: z.array(z.string()),
      }),
    )
    .meta({
      en: 'edges connected without TLS from beyond this machine, and until when they are let in; left out where they are not',
      zh: '来自本机以外、未用 TLS 连接的边缘节点，以及允许到何时；不允许时省略',
    }),
  path: z.object({
    edgeDepth: count,
    accepted: count,
    duplicates: count,
    refused: count,
    stored: count,
    storeLag: count,
    rulesLag: count,
    warningsOpen: count,
    /** Newest measurement's ms from occurredAt: to the gateway, to the store, and to a warning. */
    acceptMs: milliseconds.nullable(),
    storeMs: milliseconds.nullable(),
    warnMs: milliseconds.nullable(),
  }),
  sinks: z.exactOptional(z.array(SinkView)).meta({ en: 'other places events go; left out where there are none', zh: '数据转发；没有时省略' }),
  config: z.exactOptional(Config).meta({ en: 'left out where nobody watches the file', zh: '未监视配置文件时省略' }),
}));
export type StatusView = z.infer<typeof StatusView>;

export const STATUS_EXAMPLE: StatusView = {
  gateway: 'town-01',
  centre: '500112001',
  exercise: true,
  now: EXAMPLE_AT + 200,
  startedAt: EXAMPLE_AT - 25_000,
  evaluatedTo: EXAMPLE_AT,
  devices: { total: 3, fresh: 3, lost: 0, unobserved: 0 },
  edges: [{ id: 'pump-07', centre: '500112001', online: true, version: '0.1.0', logDepth: 4, clockOffsetMs: -2, seenAt: EXAMPLE_AT }],
  path: {
    edgeDepth: 4,
    accepted: 1200,
    duplicates: 0,
    refused: 0,
    stored: 1200,
    storeLag: 0,
    rulesLag: 0,
    warningsOpen: 1,
    acceptMs: 31,
    storeMs: 58,
    warnMs: 64,
  },
};
