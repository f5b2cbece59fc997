/** Pairs rows with columns so that the sum of their weights is the greatest (the Hungarian method). Pure. */

/**
 * @param weights rows × columns, none negative; 0 is as good as no pair
 * @returns the column of each row, -1 for none; of equal sums always the same one
 */
export function assignRows(weights: readonly (readonly number[])[]): number[] {
  const rows = weights.length;
  const columns = weights[0]?.length ?? 0;
  if (columns === 0) return weights.map(() => -1);
  if (rows > columns) {
    const turned = assignRows(Array.from({ length: columns }, (_, column) => weights.map((row) => row[column] as number)));
    const back = weights.map(() => -1);
    turned.forEach((row, column) => { if (row >= 0) back[row] = column; });
    return back;
  }
  const rowOf = shortestPaths(weights, rows, columns);
  const columnOf = weights.map(() => -1);
  rowOf.forEach((row, column) => { if (row >= 0 && (weights[row] as readonly number[])[column] as number > 0) columnOf[row] = column; });
  return columnOf;
}

/** One row after the other takes the cheapest way to a free column; those it drives out take others. @returns the row of each column */
function shortestPaths(weights: readonly (readonly number[])[], rows: number, columns: number): Int32Array {
  const rowOf = new Int32Array(columns).fill(-1);
  const rowPrice = new Float64Array(rows);
  const columnPrice = new Float64Array(columns);
  for (let start = 0; start < rows; start += 1) {
    const least = new Float64Array(columns).fill(Infinity);
    const before = new Int32Array(columns).fill(-1);
    const isSeen = new Uint8Array(columns);
    const seen: number[] = [];
    let row = start;
    let column = -1;
    for (;;) {
      let next = -1;
      let step = Infinity;
      for (let at = 0; at < columns; at += 1) {
        if (isSeen[at]) continue;
        const cost = -((weights[row] as readonly number[])[at] as number) - (rowPrice[row] as number) - (columnPrice[at] as number);
        if (cost < (least[at] as number)) {
          least[at] = cost;
          before[at] = column;
        }
        if ((least[at] as number) < step) {
          step = least[at] as number;
          next = at;
        }
      }
      rowPrice[start] = (rowPrice[start] as number) + step;
      for (const at of seen) {
        const owner = rowOf[at] as number;
        rowPrice[owner] = (rowPrice[owner] as number) + step;
        columnPrice[at] = (columnPrice[at] as number) - step;
      }
      for (let at = 0; at < columns; at += 1) if (!isSeen[at]) least[at] = (least[at] as number) - step;
      column = next;
      isSeen[column] = 1;
      seen.push(column);
      if (rowOf[column] === -1) break;
      row = rowOf[column] as number;
    }
    for (; column >= 0; column = before[column] as number) {
      const previous = before[column] as number;
      rowOf[column] = previous >= 0 ? rowOf[previous] as number : start;
    }
  }
  return rowOf;
}
