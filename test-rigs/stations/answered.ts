/** What stations were told to forget, read from their packets by the letter of HJ 212 and by nothing of its driver; and whether the gateway has it. */
import type { Event } from '../../core/event.ts';

/** One value of an upload that was answered. */
export interface AnsweredValue {
  mn: string;
  factor: string;
  /** ms UTC of its DataTime. */
  at: number;
  text: string;
  mark: string;
}

/** @param line of the file that `replay --serve --acknowledged` writes */
export function answeredValues(line: string): AnsweredValue[] {
  const packet = Buffer.from((JSON.parse(line) as { bytes: string }).bytes, 'hex').toString('latin1');
  const field = (name: string) => new RegExp(`[;&]${name}=([^;&]*)`).exec(packet)?.[1] ?? '';
  const at = stampMs(field('DataTime'));
  return [...packet.matchAll(/[;,&]([a-z]\d+)-Rtd=([^,;&]*),\1-Flag=(\w)/g)].map(([, factor = '', text = '', mark = '']) => ({
    mn: field('MN'),
    factor,
    at,
    text,
    mark,
  }));
}

/** `YYYYMMDDhhmmss` in UTC+8. */
const stampMs = (stamp: string) => Date.parse(stamp.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6+08:00'));

/** By station, point and time. */
export type StoredRow = Map<string, { value: Event['value']; times: number }>;

export const reportKey = (device: string, point: string, at: number) => `${device} ${point} ${at}`;

/** Whether it stands there as it was sent; a text that is no number stands there as none. */
export function isStored({ text, mark }: AnsweredValue, found: { value: Event['value'] } | undefined): boolean {
  if (!found) return false;
  const isGood = 'NTS'.includes(mark.toUpperCase()) && text !== '' && Number.isFinite(Number(text));
  return isGood ? found.value === Number(text) : found.value === null || found.value === Number(text);
}
