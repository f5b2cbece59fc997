/** Names of users: two that people take for the same are the same. */
import { FaultError } from '../../core/faults.ts';
import './faults.ts';

const MAX_NAME_CHARS = 64;

/** Letters and digits of any script, and what stands in addresses; nothing invisible. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._@-]*$/u;

/**
 * By what names are compared: compatible forms (full width, ligatures) are one, and so are upper and lower case. Upper
 * case first: it makes ß and ſ what they are folded to.
 */
export const foldName = (name: string): string =>
  name
    .slice(0, 4 * MAX_NAME_CHARS)
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC');

/** @returns the name as it is kept. @throws CV_USER_NAME */
export function checkName(name: string): string {
  const kept = keptName(name);
  if (kept === null) throw new FaultError('CV_USER_NAME');
  return kept;
}

/** null where it can be no name of a user. */
export function keptName(name: string): string | null {
  const kept = name.normalize('NFC').trim();
  const scripts = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u].filter((script) => script.test(foldName(kept)));
  // A Cyrillic а in a Latin name looks like another's.
  const isName = kept.length <= MAX_NAME_CHARS && NAME.test(kept) && NAME.test(foldName(kept)) && scripts.length <= 1;
  return isName ? kept : null;
}
