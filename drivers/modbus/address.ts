/** Addresses in a Modbus device and their notations. */

const AREAS = ['holding', 'input', 'coil', 'discrete'] as const;
export type ModbusArea = (typeof AREAS)[number];

/** The function that reads each area, and the most registers or bits of one request. */
export const READ_FUNCTION = { coil: 1, discrete: 2, holding: 3, input: 4 } as const satisfies Record<ModbusArea, number>;
export const MAX_REGISTERS = 125;
export const MAX_BITS = 2000;

export interface ModbusAddress {
  area: ModbusArea;
  /** 0-based, as on the wire. */
  index: number;
  /** Bit of a register, 0 = least significant. */
  bit?: number;
}

/** First digit of a PLC address → area (Modicon's numbering: 0xxxx, 1xxxx, 3xxxx, 4xxxx, counted from 1). */
const PLC_AREA: Readonly<Record<string, ModbusArea>> = { 0: 'coil', 1: 'discrete', 3: 'input', 4: 'holding' };

/**
 * Parses `holding:100`, `holding:100.3`, or a PLC address of five or six digits (`40101` = `400101` = holding:100).
 *
 * @returns null for any other text and for addresses outside 0 to 65535
 */
export function parseAddress(text: string): ModbusAddress | null {
  const named = /^(holding|input|coil|discrete):(\d{1,5})(?:\.(\d{1,2}))?$/.exec(text);
  if (named) return checkAddress(named[1] as ModbusArea, Number(named[2]), named[3]);
  const plc = /^([0134])(\d{4,5})(?:\.(\d{1,2}))?$/.exec(text);
  const area = plc && PLC_AREA[plc[1] as string];
  return plc && area ? checkAddress(area, Number(plc[2]) - 1, plc[3]) : null;
}

function checkAddress(area: ModbusArea, at: number, bitText: string | undefined): ModbusAddress | null {
  if (at < 0 || at > 0xffff) return null;
  if (bitText === undefined) return { area, index: at };
  const bit = Number(bitText);
  return bit <= 15 && isRegister(area) ? { area, index: at, bit } : null;
}

export function isRegister(area: ModbusArea): boolean {
  return area === 'holding' || area === 'input';
}

/** `holding:100`, or `holding:100-103` for several registers or bits. */
export function formatAddress(area: ModbusArea, at: number, count = 1): string {
  return count > 1 ? `${area}:${at}-${at + count - 1}` : `${area}:${at}`;
}

export function areaOfFunction(fc: number): ModbusArea | undefined {
  return AREAS.find((area) => READ_FUNCTION[area] === fc);
}
