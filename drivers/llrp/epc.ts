/** What an EPC names (GS1 EPC Tag Data Standard, 14): SGTIN-96 and GIAI-96; all others go by their hexadecimal digits. */

/** By partition: bits of the company's prefix, its digits; the item has the rest. */
const COMPANY: readonly (readonly [bits: number, digits: number])[] = [[40, 12], [37, 11], [34, 10], [30, 9], [27, 8], [24, 7], [20, 6]];
const SGTIN_HEADER = 0x30;
const GIAI_HEADER = 0x34;
/** Company prefix and item reference together. */
const SGTIN_BITS = 44;
const SGTIN_DIGITS = 13;
const GIAI_BITS = 82;

/** @returns `urn:epc:tag:…`, or null where the scheme is another or its digits do not fit it */
export function epcUri(epc: string): string | null {
  if (!/^3[04][0-9A-F]{22}$/.test(epc)) return null;
  const bits = BigInt(`0x${epc}`);
  const take = (from: number, count: number) => (bits >> BigInt(96 - from - count)) & ((1n << BigInt(count)) - 1n);
  const header = Number(take(0, 8));
  const filter = take(8, 3);
  const company = COMPANY[Number(take(11, 3))];
  if (!company) return null;
  const [companyBits, companyDigits] = company;
  const prefix = String(take(14, companyBits));
  if (prefix.length > companyDigits) return null;
  const name = prefix.padStart(companyDigits, '0');
  if (header === GIAI_HEADER) return `urn:epc:tag:giai-96:${filter}.${name}.${take(14 + companyBits, GIAI_BITS - companyBits)}`;
  if (header !== SGTIN_HEADER) return null;
  const itemDigits = SGTIN_DIGITS - companyDigits;
  const item = String(take(14 + companyBits, SGTIN_BITS - companyBits));
  if (item.length > itemDigits) return null;
  return `urn:epc:tag:sgtin-96:${filter}.${name}.${item.padStart(itemDigits, '0')}.${take(14 + SGTIN_BITS, 38)}`;
}
