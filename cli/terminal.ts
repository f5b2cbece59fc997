/** How commands speak to the person or program at the terminal: language, JSON lines, faults, exit codes. */
import { explain, faultOf, FaultError, type Fault, type Language } from '../core/faults.ts';
import { faultLine } from '../cases/result-lines.ts';
import './faults.ts';

/** 0 well · 1 it ran and found something wrong · 2 called or configured wrongly · 3 a needed part is missing · 130 interrupted */
export const EXIT = { ok: 0, found: 1, usage: 2, missing: 3, interrupted: 130 } as const;

export interface Terminal {
  language: Language;
  json: boolean;
  /** Picks the sentence of the terminal's language. */
  text(words: { en: string; zh: string }): string;
  /** One line to stdout. */
  print(line: string): void;
  /** One JSON line to stdout. */
  record(value: unknown): void;
  /** To stderr: progress and remarks, never part of the result. */
  remark(line: string): void;
  /** A fault: a JSON line with --json, else message and remedy in the terminal's language. */
  fault(fault: Fault, place?: string): void;
}

/** `--lang` wins, then CITYVITALS_LANG, then LC_ALL, LC_MESSAGES, LANG. */
function languageOf(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Language {
  const at = argv.findIndex((argument) => argument === '--lang' || argument.startsWith('--lang='));
  const asked = at < 0 ? undefined : (argv[at]?.split('=')[1] ?? argv[at + 1]);
  const locale = asked ?? env.CITYVITALS_LANG ?? env.LC_ALL ?? env.LC_MESSAGES ?? env.LANG ?? 'en';
  return locale.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

export function openTerminal(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Terminal {
  const language = languageOf(argv, env);
  const json = argv.includes('--json');
  const terminal: Terminal = {
    language,
    json,
    text: (words) => (language === 'en' ? words.en : words.zh),
    print: (line) => { process.stdout.write(`${line}\n`); },
    record: (value) => { process.stdout.write(`${JSON.stringify(value)}\n`); },
    remark: (line) => { process.stderr.write(`${line}\n`); },
    fault(fault, place) {
      if (json) return terminal.record(faultLine(fault, Date.now(), language));
      const { message, remedy } = explain(fault, language);
      const arrow = remedy ? `\n  → ${remedy}` : '';
      terminal.remark(`${place ? `${place}: ` : ''}${fault.code}: ${message}${arrow}`);
    },
  };
  return terminal;
}

/** Ends a command with a fault's sentence and the exit code that fits it. */
export function fail(terminal: Terminal, error: unknown, code: number = EXIT.found): never {
  terminal.fault(faultOf(error, 'CV_COMMAND_FAILED'));
  if (!(error instanceof FaultError) && process.env.CITYVITALS_DEBUG) terminal.remark(String((error as Error).stack));
  process.exit(code);
}
