/**
 * Progress on stderr: a live line on a terminal, occasional lines elsewhere, JSON lines with `--json`. Short tasks print
 * nothing except on a terminal; stdout is never touched.
 */
import { formatBytes } from '../core/quantity.ts';
import type { CommandTerminal } from './terminal.ts';

export interface ProgressTask {
  /** Names it in JSON lines. */
  id: string;
  en: string;
  zh: string;
  /** What is counted; a plain number without it. */
  unit?: 'bytes' | 'ms';
}

export interface Progress {
  /**
   * @param of the total; null when unknown
   * @param note the current item
   */
  update(done: number, of: number | null, note?: string): void;
  /** Makes room on a terminal for a line of the result; the next `tell` draws it again. */
  clear(): void;
  /** Clears the line of a terminal; says the end elsewhere when the beginning was said. */
  end(): void;
}

/** Where progress goes. */
export interface ProgressOutput {
  isTerminal: boolean;
  columns: number;
  nowMs(): number;
  write(text: string): void;
}

const REDRAW_MS = 100;
const LINE_MS = 3000;
const BAR_CELLS = 20;

const stderr: ProgressOutput = {
  get isTerminal() { return process.stderr.isTTY; },
  get columns() { return process.stderr.columns || 80; },
  nowMs: () => performance.now(),
  write: (text) => { process.stderr.write(text); },
};

export function openProgress(terminal: Pick<CommandTerminal, 'json' | 'text'>, task: ProgressTask, out: ProgressOutput = stderr): Progress {
  const isLive = out.isTerminal && !terminal.json;
  const words = terminal.text(task);
  let nextMs = out.nowMs() + (isLive ? 0 : LINE_MS);
  let last: { done: number; of: number | null; note: string } | null = null;
  let isShown = false;

  function show(now: { done: number; of: number | null; note: string }, hasEnded = false): void {
    isShown = true;
    const line = `${words}${terminal.text({ en: ': ', zh: '：' })}${sentence(task, now)}`;
    if (terminal.json)
      out.write(
        `${JSON.stringify({ progress: task.id, done: now.done, of: now.of, ...(now.note && { note: now.note }), ...(hasEnded && { ended: true }) })}\n`,
      );
    else if (isLive) out.write(`\r${fitted(line, out.columns - 1)}\x1b[K`);
    else out.write(`${line}\n`);
  }

  return {
    update(done, of, note = '') {
      last = { done, of, note };
      if (out.nowMs() < nextMs) return;
      nextMs = out.nowMs() + (isLive ? REDRAW_MS : LINE_MS);
      show(last);
    },
    clear() {
      if (!isShown || !isLive) return;
      out.write('\r\x1b[K');
      isShown = false;
      nextMs = out.nowMs();
    },
    end() {
      if (!isShown || !last) return;
      if (isLive) out.write('\r\x1b[K');
      else show({ ...last, note: '' }, true);
      isShown = false;
    },
  };
}

function sentence({ unit }: ProgressTask, { done, of, note }: { done: number; of: number | null; note: string }): string {
  const amount = (value: number): string =>
    unit === 'bytes' ? formatBytes(Math.round(value)) : unit === 'ms' ? `${Math.round(value / 1000)} s` : value.toLocaleString('en-US');
  const tail = note === '' ? '' : ` · ${note}`;
  if (of === null || of <= 0) return `${amount(done)}${tail}`;
  const share = Math.min(1, done / of);
  const cells = Math.round(share * BAR_CELLS);
  return `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${String(Math.floor(share * 100)).padStart(3)} %  ${amount(done)} / ${amount(of)}${tail}`;
}

/** Cut to a width; Chinese characters take two columns. */
function fitted(line: string, columns: number): string {
  let width = 0;
  let text = '';
  for (const character of line) {
    width += WIDE.test(character) ? 2 : 1;
    if (width > columns) return text;
    text += character;
  }
  return text;
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;
