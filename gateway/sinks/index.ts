/** The registry: one line a sink. What a sink needs (libraries) is loaded only when a configuration uses it. */
import type { Sink } from '../../core/sink.ts';

export interface SinkEntry {
  id: string;
  load(): Promise<Sink>;
}

export const SINKS: readonly SinkEntry[] = [
  { id: 'influxdb', load: async () => (await import('./influxdb/sink.ts')).default },
];
