/** What is repeated to make an input: for every cutter, and at random from a cutter's own words. */
import type { LinearTarget } from './targets.ts';

export const LINEAR_FAMILIES: Readonly<Record<string, Buffer>> = {
  zeros: Buffer.from([0]),
  ones: Buffer.from([0xff]),
  hashes: Buffer.from('#'),
  ampersands: Buffer.from('&'),
  'line ends': Buffer.from('\r\n'),
};

const GENERATED = 6;
const WORDS = 12;

/** Sequences of a target's words, each the same for the same seed. */
export function generateInputs(seed: number, { name, words }: LinearTarget): [string, Buffer][] {
  let state = (seed * 2_654_435_761 + name.length) >>> 0;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
  return Array.from({ length: GENERATED }, (_, at) => [
    `generated ${seed}.${at}`,
    Buffer.concat(Array.from({ length: WORDS }, () => words[next(words.length)] as Buffer)),
  ]);
}
