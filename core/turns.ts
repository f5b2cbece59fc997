/** Work that must not overlap. */

/** @returns what runs one piece of work after the other, in the order they were asked for; one that fails holds up none */
export function turns(): <T>(run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const turn = last.then(run);
    last = turn.catch(() => {});
    return turn;
  };
}
