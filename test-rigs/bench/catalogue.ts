/** All benches: how each is run, what is to be known of its figures, and which programs took part. */
import type { BenchResult } from './result.ts';

interface BenchOptions {
  seconds: number;
  /** Only these contenders, for a quick look; null for all. */
  only: readonly string[] | null;
}

export interface BenchEntry {
  run(options: BenchOptions): Promise<BenchResult[]>;
  /** Methods and limits, a sentence or two each. */
  notes: readonly string[];
  /** Debian packages and npm packages (of .cache/peers) whose versions belong to the figures. */
  debian?: readonly string[];
  npm?: readonly string[];
}

export const BENCHES: Record<string, () => Promise<BenchEntry>> = {
  log: () => import('./log.ts').then(({ benchLog, LOG_NOTES }) => ({ run: benchLog, notes: LOG_NOTES })),
  ingest: () =>
    import('./ingest/bench.ts').then(({ benchIngest, INGEST_NOTES }) => ({
      run: benchIngest,
      notes: INGEST_NOTES,
      debian: ['mosquitto', 'victoria-metrics'],
      npm: ['node-red'],
    })),
  'ingest-tls': () =>
    import('./ingest/tls.ts').then(({ benchIngestTls, INGEST_TLS_NOTES }) => ({ run: benchIngestTls, notes: INGEST_TLS_NOTES })),
  modbus: () =>
    import('./modbus/bench.ts').then(({ benchModbus, MODBUS_NOTES }) => ({
      run: benchModbus,
      notes: MODBUS_NOTES,
      debian: ['libmodbus5', 'python3-pymodbus'],
      npm: ['node-red', 'node-red-contrib-modbus'],
    })),
  store: () =>
    import('./store.ts').then(({ benchStore, STORE_NOTES }) => ({
      run: benchStore,
      notes: STORE_NOTES,
      debian: ['victoria-metrics', 'postgresql-17', 'postgresql-17-timescaledb'],
    })),
  'at-rest': () => import('./at-rest.ts').then(({ benchAtRest, AT_REST_NOTES }) => ({ run: benchAtRest, notes: AT_REST_NOTES })),
  latency: () =>
    import('./latency/bench.ts').then(({ benchLatency, LATENCY_NOTES }) => ({
      run: benchLatency,
      notes: LATENCY_NOTES,
      debian: ['mosquitto'],
    })),
  decode: () =>
    import('./decode/bench.ts').then(({ benchDecode, DECODE_NOTES }) => ({
      run: benchDecode,
      notes: DECODE_NOTES,
      npm: ['llrpjs', 'sparkplug-payload'],
    })),
  vision: () =>
    import('./vision/bench.ts').then(({ benchVision, VISION_NOTES }) => ({
      run: benchVision,
      notes: VISION_NOTES,
      debian: ['ffmpeg', 'python3-opencv', 'python3-onnxruntime'],
    })),
  memory: () =>
    import('./memory/bench.ts').then(({ benchMemory, MEMORY_NOTES }) => ({
      run: benchMemory,
      notes: MEMORY_NOTES,
      debian: ['libmodbus5', 'mosquitto', 'victoria-metrics'],
      npm: ['node-red', 'node-red-contrib-modbus'],
    })),
};
