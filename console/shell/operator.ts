/** Who sits here, for what only operators may: a token of this page alone, forgotten with it. */
let token = '';

export function signInOperator(given: string): void {
  token = given.trim();
}

/** It was not taken. */
export function signOutOperator(): void {
  token = '';
}

export const asOperator = (): Record<string, string> => ({
  'accept-language': document.documentElement.lang,
  ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
});
