/** A result for people: a value in columns, a fault with what to do. */
import type { FrameExchange } from '../core/driver.ts';
import type { ResultLine } from '../cases/result-lines.ts';
import type { SampleLine } from '../core/sample.ts';
import type { CommandTerminal } from './terminal.ts';

export function printResultLine(terminal: CommandTerminal, line: ResultLine): void {
  if (terminal.json) return terminal.record(line);
  if ('fault' in line) return terminal.print(`${line.fault}: ${line.message}${line.remedy ? `\n  → ${line.remedy}` : ''}`);
  const value = line.value === null ? '–' : typeof line.value === 'string' ? JSON.stringify(line.value) : String(line.value);
  terminal.print(
    `${line.point.padEnd(24)} ${value}${line.unit ? ` ${line.unit}` : ''}  ${[line.quality, ...line.flags, ...(line.origin ? [line.origin] : []), ...tagWords(terminal, line.tag)].join(' ')}${line.bytes ? `  @${line.bytes.at} ${line.bytes.hex}` : ''}`,
  );
}

/** What the edge says before and after a frame; lines of JSON have it at their values. */
export function printExchange(terminal: CommandTerminal, { question, answer }: FrameExchange): void {
  if (terminal.json) return;
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  if (question) terminal.print(terminal.text({ en: `  question: ${hex(question)}`, zh: `  查询：${hex(question)}` }));
  if (answer) terminal.print(terminal.text({ en: `  answer: ${hex(answer)}`, zh: `  应答：${hex(answer)}` }));
}

function tagWords({ text }: CommandTerminal, tag: SampleLine['tag']): string[] {
  return [
    ...(tag?.antenna === undefined ? [] : [text({ en: `antenna ${tag.antenna}`, zh: `天线 ${tag.antenna}` })]),
    ...(tag?.rssiDbm === undefined ? [] : [`${tag.rssiDbm} dBm`]),
  ];
}
