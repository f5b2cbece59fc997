/** Answers questions that were not recorded with recorded answers to similar ones. Pure. */
import type { MessageNotes } from '../core/recording.ts';
import { correlateAnswer, questionKey, type RecordedQuestion } from './device-script.ts';
import type { RecordedMessage, RecordingContext } from './byte-streams.ts';

export type SimilarAnswer = (asked: Buffer, notes: MessageNotes) => Uint8Array | null;

/**
 * @param questions those of one connection
 * @returns null without a similar answer: the device stays silent
 */
export function similarAnswers(questions: readonly RecordedQuestion[], reading: RecordingContext): SimilarAnswer {
  const exchanges = questions.flatMap((question) =>
    question.answers.map((answer): [RecordedQuestion, RecordedMessage] => [question, answer]),
  );
  const { recording, settings } = reading;
  return (asked, notes) => {
    const key = questionKey(asked, notes, reading);
    for (const [question, answer] of exchanges) if (question.key === key) return correlateAnswer(asked, notes, question, answer, reading);
    for (const [question, answer] of exchanges) {
      const said = recording.partOf?.(asked, { question: question.message.bytes, answer: answer.bytes }, settings);
      if (said) return said;
    }
    return exchanges.length > 0 ? recording.refusal?.(asked, settings) ?? null : null;
  };
}
