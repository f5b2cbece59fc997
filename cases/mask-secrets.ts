/**
 * Masks secrets in a recording: overwritten with the digit 0 at the same length, with checksums recomputed. Secrets in
 * the settings are masked the same way, so that both still match. Pure.
 */
import type { z } from 'zod';
import { metaOf } from '../core/config/schema-notes.ts';
import type { Driver } from '../core/driver.ts';
import type { TrafficLine } from './format.ts';
import { hasValidFrameChecksum } from './device-script.ts';
import { ByteStreams, type RecordingContext } from './byte-streams.ts';

const MASK = 0x30;
/** Shorter texts occur in traffic by chance. */
const MIN_SECRET_CHARS = 6;

export interface MaskedTraffic {
  traffic: TrafficLine[];
  /** How many were overwritten. */
  count: number;
}

export function maskSecrets(traffic: readonly TrafficLine[], readingOf: (line: TrafficLine) => RecordingContext): MaskedTraffic {
  const streams = new ByteStreams(traffic, readingOf);
  const readings = new Map(traffic.map((line) => [line.conn, readingOf(line)] as const));
  let count = 0;
  for (const { bytes, notes, direction, conn } of streams.messages) {
    if (!notes?.secrets?.length) continue;
    const reading = readings.get(conn) as RecordingContext;
    const wasWhole = hasValidFrameChecksum(bytes, direction, reading);
    for (const { at: offset, length } of notes.secrets) bytes.fill(MASK, offset, offset + length);
    if (wasWhole) reading.recording.seal?.(bytes, direction, reading.settings);
    count += notes.secrets.length;
  }
  const lines = streams.lines();
  return { traffic: traffic.map((line) => ('bytes' in line ? lines.get(line) ?? line : line)), count };
}

/** Replaces `secret` settings by zeros of the same length. */
export function maskSettings(driver: Driver, settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, isSecret(driver, key) ? zeros(value) : value]));
}

/** The name of a secret setting whose text is in the traffic; null when none. */
export function findUnmaskedSecret(driver: Driver, settings: Record<string, unknown>, traffic: readonly TrafficLine[]): string | null {
  const secrets = Object.entries(settings).filter(
    ([key, value]) => isSecret(driver, key) && typeof value === 'string' && value.length >= MIN_SECRET_CHARS && zeros(value) !== value,
  ) as [string, string][];
  if (secrets.length === 0) return null;
  const streams = new Map<string, string[]>();
  for (const line of traffic)
    if ('bytes' in line) streams.set(`${line.conn}${line.dir}`, [...(streams.get(`${line.conn}${line.dir}`) ?? []), line.bytes]);
  const texts = [...streams.values()].map((pieces) => pieces.join(''));
  const found = secrets.find(([, secret]) => texts.some((text) => holds(text, Buffer.from(secret).toString('hex'))));
  return found?.[0] ?? null;
}

/** At a whole byte. */
function holds(hex: string, wanted: string): boolean {
  for (let offset = hex.indexOf(wanted); offset >= 0; offset = hex.indexOf(wanted, offset + 1)) if (offset % 2 === 0) return true;
  return false;
}

function isSecret(driver: Driver, key: string): boolean {
  const field = driver.settings.shape[key] as z.ZodType | undefined;
  return field !== undefined && metaOf(field).secret === true;
}

function zeros(value: unknown): unknown {
  return typeof value === 'string' ? '0'.repeat(value.length) : typeof value === 'number' ? 0 : value;
}
