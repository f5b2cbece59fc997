/** What the doctor says: well, a remark, or a fault with its remedy. */
import type { Words } from '../../core/words.ts';
import { explain, type Fault } from '../../core/faults.ts';
import { EXIT, type Terminal } from '../terminal.ts';

export interface Finding {
  /** What was looked at: `disk`, `wear`, `clock` … */
  check: string;
  /** Well, or worth knowing; absent where there is a fault. */
  words?: Words;
  fault?: Fault;
  /** The exit code a fault asks for. */
  exit?: number;
  /** Figures behind it, for `--json`. */
  data?: Record<string, number | string | null>;
}

export const well = (check: string, en: string, zh: string, data?: Finding['data']): Finding => ({ check, words: { en, zh }, ...(data ? { data } : {}) });
export const wrong = (check: string, fault: Fault, exit: number = EXIT.found, data?: Finding['data']): Finding => ({ check, fault, exit, ...(data ? { data } : {}) });

export function tellFinding(terminal: Terminal, { check, words, fault, data }: Finding): void {
  const said = fault ? explain(fault, terminal.language) : { message: words ? terminal.text(words) : '', remedy: '' };
  if (terminal.json) return terminal.record({ check, ok: !fault, ...(fault ? { fault: fault.code } : {}), ...said, ...data });
  terminal.print(`${fault ? '✗' : '✓'} ${check.padEnd(8)} ${said.message}${fault ? ` [${fault.code}]` : ''}${said.remedy ? `\n  → ${said.remedy}` : ''}`);
}

/** Wrongly configured before a missing part before what was found. */
export function exitOf(findings: readonly Finding[]): number {
  const found = new Set(findings.flatMap(({ fault, exit }) => (fault ? [exit ?? EXIT.found] : [])));
  return [EXIT.usage, EXIT.missing, EXIT.found].find((code) => found.has(code)) ?? EXIT.ok;
}
