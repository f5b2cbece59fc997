/**
 * What the ingest bench sends: 3,500 series, numbers only, from 35 senders with 100 devices each. The k-th event of a
 * sender belongs to its device k % 100 and its value follows from k, so what is read back can be checked to the last
 * point without remembering any of it.
 */
export const SENDERS = 35;
export const DEVICES_EACH = 100;
export const INDICATOR = 'BN-ING-001';
export const CENTRE = '500112001';

export const senderName = (sender: number): string => `bench-${String(sender).padStart(2, '0')}`;
export const deviceName = (sender: number, k: number): string => `d${sender * DEVICES_EACH + (k % DEVICES_EACH)}`;

/** Three decimals, none of them lost in a double. */
export function valueOf(sender: number, k: number): number {
  return ((sender * 1_000_003 + k * 7919) % 1_000_000) / 1000;
}

/** The values of a sender's device, in order, when the sender has sent `sent` events. */
export function valuesOf(sender: number, device: number, sent: number): number[] {
  const values: number[] = [];
  for (let k = device; k < sent; k += DEVICES_EACH) values.push(valueOf(sender, k));
  return values;
}
