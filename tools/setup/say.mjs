/** What set-up says: one line a step, in the language of the terminal. */
const locale = process.env.CITYVITALS_LANG ?? process.env.LC_ALL ?? process.env.LC_MESSAGES ?? process.env.LANG ?? 'en';
const chinese = locale.toLowerCase().startsWith('zh');

/** @param {{ en: string, zh: string }} words */
export const text = (words) => (chinese ? words.zh : words.en);

/** @param {{ en: string, zh: string }} words */
export function say(words) {
  process.stderr.write(`set-up: ${text(words)}\n`);
}

/** Ends a step that cannot go on; `error.remedy` (en, zh) says what to do. */
say.fail = (error) => {
  process.stderr.write(`set-up: ${error.message}\n`);
  if (error.remedy) process.stderr.write(`  → ${text(error.remedy)}\n`);
};

export class SetupError extends Error {
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}
