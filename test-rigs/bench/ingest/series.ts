/**
 * What the ingest bench sends: 3,500 series, numbers only, from 35 senders with 100 devices each. The k-th event of a
 * sender belongs to its device k % 100 and its value follows from k, so what is read back can be checked to the last
 * point without remembering any of it.
 */
export const SENDERS = 35;
export const DEVICES_EACH = 100;
export const INDICATOR = 'BN-ING-001';
export const INGEST_CENTRE = '500112001';

export const senderName = (sender: number): string => `bench-${String(sender).padStart(2, '0')}`;
const NAMES = Array.from({ length: SENDERS * DEVICES_EACH }, (_, device) => `d${device}`);
export const deviceName = (sender: number, k: number): string => NAMES[sender * DEVICES_EACH + (k % DEVICES_EACH)] as string;

const THOUSANDTHS = Array.from({ length: 1000 }, (_, part) => String(part / 1000).slice(1));

const thousandthsOf = (sender: number, k: number): number => (sender * 1_000_003 + k * 7919) % 1_000_000;

/** Three decimals, none of them lost in a double. */
export const seriesValue = (sender: number, k: number): number => thousandthsOf(sender, k) / 1000;

/** The same as JSON has it, put together from parts, which takes a third of what writing a number does. */
export function seriesValueText(sender: number, k: number): string {
  const thousandths = thousandthsOf(sender, k);
  return Math.floor(thousandths / 1000) + (THOUSANDTHS[thousandths % 1000] as string);
}

/** The values of a sender's device, in order, when the sender has sent `sent` events. */
export function seriesValues(sender: number, device: number, sent: number): number[] {
  const values: number[] = [];
  for (let k = device; k < sent; k += DEVICES_EACH) values.push(seriesValue(sender, k));
  return values;
}
