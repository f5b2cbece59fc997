/** Where a point lies in a Modbus device, and the written forms of it. */

const AREAS = ['holding', 'input', 'coil', 'discrete'] as const;
export type Area = (typeof AREAS)[number];

/** The function that reads each area, and how many of its cells one request may ask for. */
export const READ_FUNCTION = { coil: 1, discrete: 2, holding: 3, input: 4 } as const satisfies Record<Area, number>;
export const MAX_REGISTERS = 125;
export const MAX_BITS = 2000;

export interface Address {
  area: Area;
  /** 0-based, as on the wire. */
  at: number;
  /** Bit of a register, 0 = least significant. */
  bit?: number;
}

/** First digit of a paper number → area (Modicon's numbering: 0xxxx, 1xxxx, 3xxxx, 4xxxx, counted from 1). */
const PAPER_AREA: Readonly<Record<string, Area>> = { 0: 'coil', 1: 'discrete', 3: 'input', 4: 'holding' };

/**
 * Reads `holding:100`, `holding:100.3`, or a paper number of five or six digits (`40101` = `400101` = holding:100).
 *
 * @returns null when the text is none of these or lies outside 0 to 65535
 */
export function parseAddress(text: string): Address | null {
  const named = /^(holding|input|coil|discrete):(\d{1,5})(?:\.(\d{1,2}))?$/.exec(text);
  if (named) return checked(named[1] as Area, Number(named[2]), named[3]);
  const paper = /^([0134])(\d{4,5})(?:\.(\d{1,2}))?$/.exec(text);
  const area = paper && PAPER_AREA[paper[1] as string];
  return paper && area ? checked(area, Number(paper[2]) - 1, paper[3]) : null;
}

function checked(area: Area, at: number, bitText: string | undefined): Address | null {
  if (at < 0 || at > 0xffff) return null;
  if (bitText === undefined) return { area, at };
  const bit = Number(bitText);
  return bit <= 15 && isRegister(area) ? { area, at, bit } : null;
}

export function isRegister(area: Area): boolean {
  return area === 'holding' || area === 'input';
}

/** `holding:100` or, for more than one cell, `holding:100-103`. */
export function placeName(area: Area, at: number, count = 1): string {
  return count > 1 ? `${area}:${at}-${at + count - 1}` : `${area}:${at}`;
}

export function areaOf(fc: number): Area | undefined {
  return AREAS.find((area) => READ_FUNCTION[area] === fc);
}
