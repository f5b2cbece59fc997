/** The nearest right name to a wrong one, for "did you mean". */

/** Edits (insert, delete, replace, swap of neighbours) between two words. */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= from.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      let best = Math.min(
        cell(rows, row - 1, column) + 1,
        (line[column - 1] as number) + 1,
        cell(rows, row - 1, column - 1) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) best = Math.min(best, cell(rows, row - 2, column - 2) + 1);
      line.push(best);
    }
    rows.push(line);
  }
  return cell(rows, from.length, to.length);
}

const cell = (rows: number[][], row: number, column: number): number => (rows[row] as number[])[column] as number;

const bare = (word: string): string => word.toLowerCase().replace(/[-_. ]/g, '');

/** The known word closest to `word`, case, dashes and underscores set aside; null when none is close enough to be meant. */
export function nearestName(word: string, known: Iterable<string>): string | null {
  const asked = bare(word).slice(0, 64);
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const name of known) {
    const candidate = bare(name);
    let distance = editDistance(asked, candidate);
    // A word cut short or grown long ("dead" for deadband, "hostname" for host) is meant too.
    if (asked.length >= 3 && candidate.length >= 3 && (candidate.startsWith(asked) || asked.startsWith(candidate)))
      distance = Math.min(distance, 1.5);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return bestDistance <= Math.max(1, Math.floor(asked.length / 3) + 0.5) ? best : null;
}
