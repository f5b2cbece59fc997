/**
 * The closed table of faults. A row says where it happens, whether trying again helps, who acts, and, in both
 * languages, what happened and what to do. Rows that several folders raise are in `faults/`, by area; those of one
 * folder, or of a driver, are in its own `faults.ts`. docs/faults.md is generated from them.
 */
import { API_FAULTS } from './faults/api.ts';
import { CLOCK_FAULTS } from './faults/clock.ts';
import { COMMAND_FAULTS } from './faults/command.ts';
import { CONFIG_FAULTS } from './faults/config.ts';
import { DEVICE_FAULTS } from './faults/device.ts';
import { GATEWAY_FAULTS } from './faults/gateway.ts';
import { LIVE_FAULTS } from './faults/live.ts';
import { VISION_FAULTS } from './faults/vision.ts';
import { WIRE_FAULTS } from './faults/wire.ts';
import type { FaultRow } from './faults/row.ts';

const CORE_FAULTS = {
  ...CONFIG_FAULTS, ...DEVICE_FAULTS, ...VISION_FAULTS, ...CLOCK_FAULTS, ...WIRE_FAULTS, ...COMMAND_FAULTS, ...GATEWAY_FAULTS, ...API_FAULTS, ...LIVE_FAULTS,
} as const satisfies Record<`CV_${string}`, FaultRow>;

/** Tables by owner. A folder adds its own by declaring it here, and hands the rows to `defineFaults`. @public */
export interface FaultTables { core: typeof CORE_FAULTS }
export type FaultCode = { [Owner in keyof FaultTables]: keyof FaultTables[Owner] }[keyof FaultTables];

const rows: Record<string, FaultRow> = { ...CORE_FAULTS };
/** The rows of core, and of every folder whose `faults.ts` is loaded; cli/all-faults.ts loads all. */
export const FAULTS = rows as Readonly<Record<FaultCode, FaultRow>>;

/** Puts a folder's rows into the table. @throws Error where a code is taken: a code means one thing */
export function defineFaults<const Table extends Readonly<Record<`CV_${string}`, FaultRow>>>(table: Table): Table {
  for (const [code, row] of Object.entries(table)) {
    if (Object.hasOwn(rows, code)) throw new Error(`the fault ${code} is defined twice`);
    rows[code] = row;
  }
  return table;
}

export type Language = 'en' | 'zh-CN';
export type FaultParams = Readonly<Record<string, string | number>>;

/**
 * A fault that happened: a code of the table and what fills its sentences. A parameter that is itself a sentence brings
 * its Chinese as a twin: `problem` and `problemZh`.
 */
export interface Fault {
  code: FaultCode;
  params: FaultParams;
}

/** The same as something that can be thrown; callers look at `fault.code`, never at the message. */
export class FaultError extends Error {
  readonly fault: Fault;
  constructor(code: FaultCode, params: FaultParams = {}, options?: { cause?: unknown }) {
    super(explain({ code, params }, 'en').message, options);
    this.name = code;
    this.fault = { code, params };
  }
}

/** Message and remedy of a fault in one language, its parameters filled in. */
export function explain(fault: Fault, language: Language): { message: string; remedy: string } {
  const row = rows[fault.code];
  // A driver's, whose table nobody loaded: what is known of it, in place of an exception about an exception.
  if (!row) return { message: `${fault.code} ${JSON.stringify(fault.params)}`, remedy: '' };
  const [message, remedy] = language === 'en' ? row.en : row.zh;
  return { message: fill(message, fault.params, language), remedy: fill(remedy, fault.params, language) };
}

function fill(sentence: string, params: FaultParams, language: Language): string {
  return sentence.replace(/\{(\w+)\}( ?)/g, (hole, key: string, blank: string) => {
    const value = (language === 'en' ? undefined : params[`${key}Zh`]) ?? params[key];
    // The blank that sets off a Latin name has no place after a Chinese one.
    return value === undefined ? hole : String(value) + (language === 'en' || !/\p{Script=Han}$/u.test(String(value)) ? blank : '');
  });
}

/** The fault inside a caught error; anything unknown becomes `fallback` with the error's message as {detail}. */
export function faultOf(error: unknown, fallback: FaultCode, params: FaultParams = {}): Fault {
  if (error instanceof FaultError) return error.fault;
  return { code: fallback, params: { detail: error instanceof Error ? error.message : String(error), ...params } };
}
