/**
 * Telemetry: what the runtime says about itself, as typed events. Code tells; sinks (metrics, the process log) listen.
 * Each row of the table says which metric an event feeds: counters add `count` (1 when absent), gauges take `value`.
 */
import type { Stream } from './event.ts';
import type { Fault } from './faults.ts';
import type { LossReason } from './losses.ts';
import type { UnknownDevice } from './wire/messages.ts';

export type TelemetryEvent =
  | { kind: 'fault'; fault: Fault; device?: string; edge?: string }
  | { kind: 'fault_cleared'; code: string; device?: string; edge?: string }
  | { kind: 'notice'; en: string; zh: string; level?: 'debug' | 'info' | 'warn' }
  | { kind: 'samples_read'; count: number; device: string }
  | { kind: 'samples_lost'; count: number; reason: LossReason; intended: boolean; device?: string; stream?: Stream; sender?: string }
  | { kind: 'exchange'; device: string; durationMs: number; ok: boolean }
  | { kind: 'device_state'; device: string; online: boolean; reason: string }
  | ({ kind: 'unknown_device' } & UnknownDevice)
  | { kind: 'unknown_device_known'; driver: string; address: string; id: string }
  | { kind: 'events_kept'; count: number; stream: Stream; urgent: boolean; durationMs: number }
  | { kind: 'events_settled'; count: number; stream: Stream }
  | { kind: 'batch_sent'; count: number; bytes: number; lane: 'up' | 'late' }
  | { kind: 'log_depth'; stream: Stream | 'all'; value: number; bytes: number }
  | { kind: 'link_state'; online: boolean; address: string }
  | { kind: 'clock_state'; trusted: boolean; source: string }
  | { kind: 'events_accepted'; count: number; sender: string; stream: Stream }
  | { kind: 'batch_refused'; code: string; sender: string }
  | { kind: 'client_dropped'; client: string; reason: string }
  | { kind: 'points_stored'; count: number; durationMs: number }
  | { kind: 'points_compacted'; count: number; durationMs: number }
  | { kind: 'compaction'; left: number }
  | { kind: 'warning_changed'; rule: string; level: number; change: string }
  | { kind: 'consumer_lag'; consumer: string; value: number }
  | { kind: 'live_viewers'; value: number }
  | { kind: 'live_dropped'; count: number }
  | { kind: 'inference'; device: string; durationMs: number }
  | { kind: 'evidence_kept'; count: number; bytes: number; device: string }
  | { kind: 'evidence_lost'; count: number; reason: LossReason; device?: string }
  | { kind: 'evidence_sent'; count: number; bytes: number }
  | { kind: 'evidence_taken'; count: number; bytes: number; sender: string }
  | { kind: 'picture_still'; device?: string }
  | { kind: 'picture_damaged'; device?: string };

export type Tell = (event: TelemetryEvent) => void;

export interface MetricRow {
  metric: string;
  type: 'counter' | 'gauge' | 'histogram';
  /** Field whose number is taken; counters default to `count`, else 1. */
  field?: string;
  labels: readonly string[];
  en: string;
  zh: string;
}

/** Event kind → the metrics it feeds. A kind with none goes to the process log alone. */
export const TELEMETRY = {
  fault: [{ metric: 'cityvitals_faults_total', type: 'counter', labels: ['code', 'device'], en: 'faults by code', zh: '按代码计的故障' }],
  fault_cleared: [],
  notice: [],
  samples_read: [{ metric: 'cityvitals_samples_read_total', type: 'counter', labels: ['device'], en: 'samples decoded', zh: '解析出的样本' }],
  samples_lost: [{ metric: 'cityvitals_samples_lost_total', type: 'counter', labels: ['reason', 'device'], en: 'samples and events that did not make it, by reason', zh: '按原因计的未到达样本与事件' }],
  exchange: [{ metric: 'cityvitals_exchange_seconds', type: 'histogram', field: 'durationMs', labels: ['device'], en: 'one request and its answer', zh: '一次请求与应答的耗时' }],
  device_state: [{ metric: 'cityvitals_device_online', type: 'gauge', field: 'online', labels: ['device'], en: '1 when the device answers', zh: '设备在线为 1' }],
  unknown_device: [{ metric: 'cityvitals_unknown_devices_total', type: 'counter', field: 'one', labels: ['driver'], en: 'times that a device spoke which nobody configured', zh: '未配置的设备发来数据的次数' }],
  unknown_device_known: [],
  events_kept: [
    { metric: 'cityvitals_events_kept_total', type: 'counter', labels: ['stream'], en: 'events durable in the log', zh: '已落盘的事件' },
    { metric: 'cityvitals_commit_seconds', type: 'histogram', field: 'durationMs', labels: ['stream'], en: 'time of one commit of the log', zh: '事件日志一次提交的耗时' },
  ],
  events_settled: [{ metric: 'cityvitals_events_settled_total', type: 'counter', labels: ['stream'], en: 'events acknowledged by the gateway', zh: '网关已确认的事件' }],
  batch_sent: [
    { metric: 'cityvitals_batches_sent_total', type: 'counter', field: 'one', labels: ['lane'], en: 'batches published', zh: '已发布的批次' },
    { metric: 'cityvitals_batch_bytes_total', type: 'counter', field: 'bytes', labels: ['lane'], en: 'bytes published', zh: '已发布的字节' },
  ],
  log_depth: [
    { metric: 'cityvitals_log_depth_events', type: 'gauge', labels: ['stream'], en: 'events in the log that are not settled', zh: '事件日志中未确认的事件' },
    { metric: 'cityvitals_log_bytes', type: 'gauge', field: 'bytes', labels: ['stream'], en: 'bytes of the log on disk', zh: '事件日志占用的磁盘字节' },
  ],
  link_state: [{ metric: 'cityvitals_uplink_online', type: 'gauge', field: 'online', labels: [], en: '1 when the gateway is connected', zh: '与网关连接时为 1' }],
  clock_state: [{ metric: 'cityvitals_clock_trusted', type: 'gauge', field: 'trusted', labels: [], en: '1 when the edge knows what time it is', zh: '边缘节点时钟可信时为 1' }],
  events_accepted: [{ metric: 'cityvitals_events_accepted_total', type: 'counter', labels: ['sender', 'stream'], en: 'events taken in, each once', zh: '已接收（去重后）的事件' }],
  batch_refused: [{ metric: 'cityvitals_batches_refused_total', type: 'counter', labels: ['code', 'sender'], en: 'batches refused by code', zh: '按代码计的拒收批次' }],
  client_dropped: [{ metric: 'cityvitals_clients_dropped_total', type: 'counter', labels: ['reason'], en: 'MQTT clients let go, by reason', zh: '按原因计的断开客户端' }],
  points_stored: [
    { metric: 'cityvitals_points_stored_total', type: 'counter', labels: [], en: 'points written to the time series', zh: '写入时序库的点' },
    { metric: 'cityvitals_store_commit_seconds', type: 'histogram', field: 'durationMs', labels: [], en: 'time of one commit of the store', zh: '时序库一次提交的耗时' },
  ],
  points_compacted: [
    { metric: 'cityvitals_points_compacted_total', type: 'counter', labels: [], en: 'points moved into compressed chunks', zh: '转入压缩数据块的点' },
    { metric: 'cityvitals_compaction_seconds', type: 'histogram', field: 'durationMs', labels: [], en: 'time of one slice of compaction', zh: '一次压缩切片的耗时' },
  ],
  compaction: [{ metric: 'cityvitals_compaction_left_points', type: 'gauge', field: 'left', labels: [], en: 'points that the compaction under way still has to move; 0 when none is', zh: '正在进行的压缩尚待转移的点；未进行时为 0' }],
  warning_changed: [{ metric: 'cityvitals_warning_changes_total', type: 'counter', labels: ['rule', 'change'], en: 'changes of warnings', zh: '预警变化' }],
  consumer_lag: [{ metric: 'cityvitals_consumer_lag_events', type: 'gauge', labels: ['consumer'], en: 'events a consumer of the log is behind', zh: '消费者落后的事件数' }],
  live_viewers: [{ metric: 'cityvitals_live_viewers', type: 'gauge', labels: [], en: 'people who watch a camera live', zh: '正在实时观看的人数' }],
  live_dropped: [{ metric: 'cityvitals_live_dropped_total', type: 'counter', labels: [], en: 'pieces of live view that a viewer or the gateway was too slow for', zh: '因观看端或网关过慢而舍弃的实时画面片段' }],
  inference: [{ metric: 'cityvitals_inference_seconds', type: 'histogram', field: 'durationMs', labels: ['device'], en: 'one run of a detector', zh: '一次模型推理的耗时' }],
  evidence_kept: [{ metric: 'cityvitals_evidence_kept_total', type: 'counter', labels: ['device'], en: 'pictures made for events', zh: '为事件生成的画面' }],
  evidence_lost: [{ metric: 'cityvitals_evidence_lost_total', type: 'counter', labels: ['reason', 'device'], en: 'pictures for events that did not make it, by reason', zh: '按原因计的未保留事件画面' }],
  evidence_sent: [{ metric: 'cityvitals_evidence_sent_total', type: 'counter', labels: [], en: 'pictures that the gateway has', zh: '网关已收到的事件画面' }],
  evidence_taken: [{ metric: 'cityvitals_evidence_taken_total', type: 'counter', labels: ['sender'], en: 'pictures taken in', zh: '已接收的事件画面' }],
  picture_damaged: [{ metric: 'cityvitals_pictures_damaged_total', type: 'counter', labels: ['device'], en: 'pictures before which the decoder or the network spoke of damage', zh: '解码器或网络报告受损的画面' }],
  picture_still: [{ metric: 'cityvitals_pictures_still_total', type: 'counter', labels: ['device'], en: 'pictures in which nothing had moved: what the last look saw holds', zh: '无变化的画面：沿用上次检测结果' }],
} as const satisfies Record<TelemetryEvent['kind'], readonly MetricRow[]>;
