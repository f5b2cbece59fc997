/** Results of the doctor's checks: passed, or a fault with its remedy. */
import type { BilingualText } from '../../core/bilingual-text.ts';
import { explain, type Fault } from '../../core/faults.ts';
import { EXIT, type CommandTerminal } from '../terminal.ts';

export interface CheckResult {
  /** What was checked: `disk`, `wear`, `clock` … */
  check: string;
  /** Absent with a fault. */
  text?: BilingualText;
  fault?: Fault;
  /** Exit code of the fault. */
  exit?: number;
  /** Figures for `--json`. */
  data?: Record<string, number | string | null>;
}

export const passed = (check: string, en: string, zh: string, data?: CheckResult['data']): CheckResult => ({
  check,
  text: { en, zh },
  ...(data ? { data } : {}),
});
export const failed = (check: string, fault: Fault, exit: number = EXIT.found, data?: CheckResult['data']): CheckResult => ({
  check,
  fault,
  exit,
  ...(data ? { data } : {}),
});

export function printCheckResult(terminal: CommandTerminal, { check, text, fault, data }: CheckResult): void {
  const said = fault ? explain(fault, terminal.language) : { message: text ? terminal.text(text) : '', remedy: '' };
  if (terminal.json) return terminal.record({ check, ok: !fault, ...(fault ? { fault: fault.code } : {}), ...said, ...data });
  terminal.print(
    `${fault ? '✗' : '✓'} ${check.padEnd(8)} ${said.message}${fault ? ` [${fault.code}]` : ''}${said.remedy ? `\n  → ${said.remedy}` : ''}`,
  );
}

/** Wrongly configured before a missing part before what was found. */
export function exitCodeOf(findings: readonly CheckResult[]): number {
  const found = new Set(findings.flatMap(({ fault, exit }) => (fault ? [exit ?? EXIT.found] : [])));
  return [EXIT.usage, EXIT.missing, EXIT.found].find((code) => found.has(code)) ?? EXIT.ok;
}
