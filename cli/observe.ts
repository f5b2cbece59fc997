/** Telemetry output: Prometheus metrics and the process log (JSON lines). */
import { pino, type DestinationStream } from 'pino';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { explain, type Language } from '../core/faults.ts';
import { TELEMETRY, type MetricRow, type Tell, type TelemetryEvent } from '../core/telemetry.ts';

export interface TelemetryOutput {
  tell: Tell;
  /** Prometheus text. */
  metrics(): Promise<string>;
  contentType: string;
}

export interface TelemetryOutputOptions {
  /** `edge` or `gateway`, on each line of the log. */
  component: string;
  language: Language;
  nowMs(): number;
  /** Destination of log lines; null for none. */
  log: DestinationStream | null;
}

/** The same fault of a device is logged once in this time; metrics count all. */
const REPEAT_QUIET_MS = 60_000;
const DROPS_WINDOW_MS = 60_000;
const MAX_DROPS = 30;
const MAX_CLIENT_CHARACTERS = 200;
const BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function openTelemetryOutput(options: TelemetryOutputOptions): TelemetryOutput {
  const registry = new Registry();
  const feeds = new Map<string, ((event: TelemetryEvent) => void)[]>();
  for (const [kind, rows] of Object.entries(TELEMETRY)) feeds.set(kind, rows.map((row: MetricRow) => feed(row, registry)));
  const write = options.log ? logger(options, options.log) : () => {};
  return {
    tell(event) {
      for (const take of feeds.get(event.kind) ?? []) take(event);
      write(event);
    },
    metrics: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function feed(row: MetricRow, registry: Registry): (event: TelemetryEvent) => void {
  const definition = { name: row.metric, help: row.en, labelNames: [...row.labels], registers: [registry] };
  const labels = (event: TelemetryEvent) => Object.fromEntries(row.labels.map((label) => [label, labelOf(event, label)]));
  if (row.type === 'counter') {
    const counter = new Counter(definition);
    return (event) => counter.inc(labels(event), numberOf(event, row.field ?? 'count', 1));
  }
  if (row.type === 'gauge') {
    const gauge = new Gauge(definition);
    return (event) => gauge.set(labels(event), numberOf(event, row.field ?? 'value', 0));
  }
  const histogram = new Histogram({ ...definition, buckets: BUCKETS_SECONDS });
  return (event) => histogram.observe(labels(event), numberOf(event, row.field ?? 'durationMs', 0) / 1000);
}

function labelOf(event: TelemetryEvent, label: string): string {
  if (label === 'code' && event.kind === 'fault') return event.fault.code;
  return String((event as unknown as Record<string, unknown>)[label] ?? '');
}

function numberOf(event: TelemetryEvent, field: string, absent: number): number {
  const value = (event as unknown as Record<string, unknown>)[field];
  return typeof value === 'boolean' ? Number(value) : typeof value === 'number' ? value : absent;
}

function logger(options: TelemetryOutputOptions, destination: DestinationStream): (event: TelemetryEvent) => void {
  const log = pino({ base: { component: options.component }, timestamp: () => `,"at":${options.nowMs()}` }, destination);
  const written = new Map<string, number>();
  let drops = { sinceMs: -Infinity, written: 0, leftOut: 0 };
  return (event) => {
    if (event.kind === 'client_dropped') {
      // Anyone who reaches a port can cause these: limited per minute, with a count of omitted lines.
      const nowMs = options.nowMs();
      const leftOut = drops.leftOut;
      if (nowMs - drops.sinceMs >= DROPS_WINDOW_MS) drops = { sinceMs: nowMs, written: 0, leftOut: 0 };
      else if (drops.written >= MAX_DROPS) {
        drops.leftOut += 1;
        return;
      }
      drops.written += 1;
      log.info(
        {
          client: event.client.slice(0, MAX_CLIENT_CHARACTERS),
          reason: event.reason,
          ...(drops.written === 1 && leftOut > 0 ? { leftOut } : {}),
        },
        event.kind,
      );
      return;
    }
    if (event.kind === 'fault') {
      const key = `${event.fault.code}|${event.device ?? event.edge ?? ''}`;
      const nowMs = options.nowMs();
      if (nowMs - (written.get(key) ?? -Infinity) < REPEAT_QUIET_MS) return;
      written.set(key, nowMs);
      const { message, remedy } = explain(event.fault, options.language);
      log.warn({ fault: event.fault.code, device: event.device, edge: event.edge, remedy }, message);
    } else if (event.kind === 'notice') {
      log[event.level ?? 'info'](options.language === 'en' ? event.en : event.zh);
    } else if (
      event.kind === 'device_state' ||
      event.kind === 'link_state' ||
      event.kind === 'warning_changed' ||
      event.kind === 'fault_cleared'
    ) {
      const { kind, ...rest } = event;
      log.info(rest, kind);
    }
  };
}
