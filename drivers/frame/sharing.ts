/** What two descriptions must have alike, and what apart, so that their devices can share a port. Pure. */
import type { Condition, Field, Protocol } from './protocol-types.ts';

export interface SharingProblem {
  en: string;
  zh: string;
}

/** The order of a single byte says nothing. */
const ordered = <T extends { order: 'big' | 'little' }>(one: T, isOrderless: boolean) => (isOrderless ? { ...one, order: null } : one);

/** What the cutter goes by, by the keys of a description. */
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
} as const satisfies Record<string, (protocol: Protocol) => unknown>;

/** @returns the key whose frames are cut otherwise; null where both cut alike */
export function framingDifference(a: Protocol, b: Protocol): string | null {
  return Object.entries(FRAMING).find(([, of]) => JSON.stringify(of(a)) !== JSON.stringify(of(b)))?.[0] ?? null;
}

/** @returns why frames of one port could not be told apart by these two; null where they can */
export function sharingProblem(a: Protocol, b: Protocol): SharingProblem | null {
  const key = framingDifference(a, b);
  if (key !== null) return { en: `\`${key}\` differs: what shares a port has the same framing`, zh: `${key} 不同：共用端口的描述须有相同的帧格式` };
  if (conditionKey(a) !== conditionKey(b)) return null;
  return a.when.length === 0 ? { en: 'neither has a `when`: what shares a port is told apart by it', zh: '两者均未写 when：共用端口的描述须以 when 区分' } : { en: 'both have the same `when`', zh: '两者的 when 相同' };
}

/** By bytes and values: fields of different heads may have other names. */
function conditionKey({ when, head, bodyAt }: Protocol): string {
  return JSON.stringify(when.map((condition) => [placeOf(condition.slot, head, bodyAt), wantedOf(condition)]).map((one) => JSON.stringify(one)).toSorted());
}

function wantedOf(condition: Condition): unknown[] {
  return 'values' in condition ? [condition.is, [...new Set(condition.values)].toSorted()] : [condition.is, condition.than];
}

/** Where a field stands, as far as the description alone says it. */
function placeOf(slot: number, head: readonly Field[], bodyAt: number): unknown[] {
  let at: number | null = bodyAt;
  for (const field of head) {
    const place: number | null = field.at ?? at;
    const bit = field.bits.find((one) => one.slot === slot);
    if (bit || field.slot === slot) return [place ?? field.name, field.type, field.size, field.size !== 1 && field.isLittle, bit ? [bit.low, bit.count] : null];
    if (field.at !== null) continue;
    at = at === null || typeof field.size !== 'number' || field.when ? null : at + field.size;
  }
  return [];
}

/** Those with more conditions go before those with fewer; alike, by their names: no matter which device was opened first. */
export function byCondition(a: { protocol: Protocol; description: string }, b: { protocol: Protocol; description: string }): number {
  return b.protocol.when.length - a.protocol.when.length || (a.description < b.description ? -1 : Number(a.description > b.description));
}
