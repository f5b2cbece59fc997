/** What a recorded device says to a program that asks otherwise than was recorded: as it answered the like. Pure. */
import type { MessageNotes } from '../core/recording.ts';
import { answerTo, keyOf, type Question } from './script.ts';
import type { Message, Reading } from './streams.ts';

export type AnswerInKind = (asked: Buffer, notes: MessageNotes) => Uint8Array | null;

/**
 * @param questions those of one connection
 * @returns null where it says nothing: a device that answered nobody is silent to us too
 */
export function inKind(questions: readonly Question[], reading: Reading): AnswerInKind {
  const exchanges = questions.flatMap((question) => question.answers.map((answer): [Question, Message] => [question, answer]));
  const { recording, settings } = reading;
  return (asked, notes) => {
    const key = keyOf(asked, notes, reading);
    for (const [question, answer] of exchanges) if (question.key === key) return answerTo(asked, notes, question, answer, reading);
    for (const [question, answer] of exchanges) {
      const said = recording.partOf?.(asked, { question: question.message.bytes, answer: answer.bytes }, settings);
      if (said) return said;
    }
    return exchanges.length > 0 ? recording.refusal?.(asked, settings) ?? null : null;
  };
}
