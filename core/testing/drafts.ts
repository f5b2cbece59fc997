/** Drafts for tests: realistic enough in size and shape, each with a value of its own. */
import type { Draft, Kind, Level } from '../event.ts';

export const TEST_CENTRE = '500112001';

/** A draft whose value is `value`; measurements by default. */
export function testDraft(value: number, more: Partial<Draft> = {}): Draft {
  const atMs = Date.UTC(2026, 0, 1) + value * 50;
  return {
    device: `pump-${value % 7}`,
    point: 'level',
    indicator: 'YJ-FLD-001',
    subject: 'pump-07',
    centre: TEST_CENTRE,
    kind: 'measurement',
    value,
    unit: 'm',
    occurredAt: atMs,
    clock: 'device',
    observedAt: atMs + 12,
    quality: 'good',
    origin: 'live',
    ...more,
  };
}

export function testDrafts(from: number, count: number, more: Partial<Draft> = {}): Draft[] {
  return Array.from({ length: count }, (_, index) => testDraft(from + index, more));
}

export function testWarning(value: number, level: Level = 2): Draft {
  return testDraft(value, {
    kind: 'occurrence',
    warning: { id: String(value), rule: 'flood', version: 1, subject: 'pump-07', level, change: 'raised', onsetAt: 0 },
  });
}

/** An event of at least so many bytes that hardly shrink: for filling logs. */
export function bulkyDraft(value: number, bytes: number, random: () => number, kind: Kind = 'measurement'): Draft {
  let text = '';
  while (text.length < bytes) text += Math.floor(random() * 2 ** 32).toString(36);
  return testDraft(value, { kind, subject: text });
}
