/** Reports tags periodically, for tests that only need some traffic. */
import type { SimulatedReader } from './simulated-reader.ts';

const EVERY_MS = 20;

/** @returns stops it */
export function reportReadsPeriodically(reader: SimulatedReader): () => void {
  let turn = 0;
  const timer = setInterval(() => {
    if (!reader.isReading()) return;
    turn += 1;
    reader.report([
      { epc: '3074257BF7194E4000001A85', antenna: (turn % 2) + 1 },
      { epc: `E28011${String(turn % 100).padStart(2, '0')}`, antenna: 1 },
    ]);
    reader.input(1, turn % 2 === 0);
    reader.antenna(2, true);
  }, EVERY_MS);
  return () => clearInterval(timer);
}
