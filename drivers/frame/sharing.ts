/** Whether two descriptions can share a port: same framing, different `when`. Pure. */
import type { FieldCondition, ProtocolField, FrameProtocol } from './protocol.ts';

export interface SharingProblem {
  en: string;
  zh: string;
}

/** Byte order is ignored where there is a single byte. */
const ordered = <T extends { order: 'big' | 'little' }>(one: T, isOrderless: boolean) => (isOrderless ? { ...one, order: null } : one);

/** What the cutter depends on, by the keys of a description. */
const FRAMING = {
  header: ({ header }) => header.toString('hex'),
  terminator: ({ terminator }) => terminator.toString('hex'),
  length: ({ length }) => length && ordered(length, length.size === 1 || length.type.includes('digits') || length.type === 'bcd'),
  fixed: ({ fixed }) => fixed,
  max: ({ maxBytes }) => maxBytes,
  idle: ({ idle }) => idle.toString('hex'),
  escape: ({ escape }) => escape,
  checksum: ({ checksum }) => checksum && ordered(checksum, checksum.size === 1 || checksum.isText),
  tail: ({ trailerBytes }) => trailerBytes,
} as const satisfies Record<string, (protocol: FrameProtocol) => unknown>;

/** @returns the first key that differs in framing; null when both have the same */
export function framingDifference(a: FrameProtocol, b: FrameProtocol): string | null {
  return Object.entries(FRAMING).find(([, of]) => JSON.stringify(of(a)) !== JSON.stringify(of(b)))?.[0] ?? null;
}

/** @returns why frames of the two cannot be told apart on one port; null when they can */
export function sharingProblem(a: FrameProtocol, b: FrameProtocol): SharingProblem | null {
  const key = framingDifference(a, b);
  if (key !== null)
    return {
      en: `\`${key}\` differs: descriptions that share a port need the same framing`,
      zh: `${key} 不同：共用端口的描述须有相同的帧格式`,
    };
  if (conditionKey(a) !== conditionKey(b)) return null;
  return a.when.length === 0
    ? { en: 'neither has a `when`: it tells descriptions that share a port apart', zh: '两者均未写 when：共用端口的描述须以 when 区分' }
    : { en: 'both have the same `when`', zh: '两者的 when 相同' };
}

/** By position and value: fields of different heads may have other names. */
function conditionKey({ when, head, bodyAt }: FrameProtocol): string {
  return JSON.stringify(
    when
      .map((condition) => [positionOf(condition.slot, head, bodyAt), expectedOf(condition)])
      .map((one) => JSON.stringify(one))
      .toSorted(),
  );
}

function expectedOf(condition: FieldCondition): unknown[] {
  return 'values' in condition ? [condition.is, [...new Set(condition.values)].toSorted()] : [condition.is, condition.than];
}

/** Position of a field, as far as the description alone determines it. */
function positionOf(slot: number, head: readonly ProtocolField[], bodyAt: number): unknown[] {
  let at: number | null = bodyAt;
  for (const field of head) {
    const position: number | null = field.at ?? at;
    const bit = field.bits.find((one) => one.slot === slot);
    if (bit || field.slot === slot)
      return [position ?? field.name, field.type, field.size, field.size !== 1 && field.isLittle, bit ? [bit.low, bit.count] : null];
    if (field.at !== null) continue;
    at = at === null || typeof field.size !== 'number' || field.when ? null : at + field.size;
  }
  return [];
}

/** Descriptions with more conditions come first, equal ones by name: independent of the order of opening. */
export function byCondition(
  a: { protocol: FrameProtocol; description: string },
  b: { protocol: FrameProtocol; description: string },
): number {
  return b.protocol.when.length - a.protocol.when.length || (a.description < b.description ? -1 : Number(a.description > b.description));
}
