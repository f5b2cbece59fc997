/** The devices that a packet capture shows behind an address: one per unit, with a point for each register or bit read. Pure. */
import type { SurveyedDevice, SurveyedMessage } from '../../core/recording.ts';
import { areaOfFunction, type ModbusArea } from './address.ts';
import { isException, type ModbusAdu } from './adu.ts';
import { readPartOfFunction23 } from './frame-reader.ts';
import { valueBytes } from './requests.ts';

export function surveyCapture(
  messages: readonly SurveyedMessage[],
  { host, port }: { host: string; port: number },
  read: (message: Uint8Array) => ModbusAdu | null,
): SurveyedDevice[] {
  const units = new Map<number, Set<string>>();
  const asked = new Map<number, ModbusAdu>();
  for (const { direction, bytes } of messages) {
    const adu = read(bytes);
    if (!adu || adu.transaction === undefined) continue;
    if (direction === 'out') {
      asked.set(adu.transaction, adu);
      // A unit that was asked and did not answer is a device too.
      if (!units.has(adu.unit)) units.set(adu.unit, new Set());
      continue;
    }
    const question = asked.get(adu.transaction);
    if (!question || question.unit !== adu.unit || isException(adu.pdu)) continue;
    const cells = units.get(adu.unit) ?? new Set();
    for (const cell of cellsOf(question, adu)) cells.add(cell);
    units.set(adu.unit, cells);
  }
  return [...units].toSorted(([a], [b]) => a - b).map(([unit, cells]) => ({
    id: `unit-${unit}`,
    settings: { host, port, unit },
    points: [...cells].toSorted(byAddress).map((address) => ({ id: address.replace(':', '-'), address })),
  }));
}

/** `input:7` for each register or bit in an answer. */
function cellsOf(question: ModbusAdu, reply: ModbusAdu): string[] {
  const read = readPartOfFunction23(question, reply) ?? { asked: question, answer: reply };
  const [asked, answer] = [read.asked.pdu, read.answer.pdu];
  const area: ModbusArea | undefined = areaOfFunction(asked[0] as number);
  if (!area || asked.length !== 5 || answer[0] !== asked[0]) return [];
  const [start, count] = [((asked[1] as number) << 8) | (asked[2] as number), ((asked[3] as number) << 8) | (asked[4] as number)];
  if (answer.length !== 2 + valueBytes(asked[0] as number, count) || start + count > 0x10000) return [];
  return Array.from({ length: count }, (_, at) => `${area}:${start + at}`);
}

function byAddress(a: string, b: string): number {
  const [[areaA, atA], [areaB, atB]] = [a.split(':'), b.split(':')] as [[string, string], [string, string]];
  return areaA < areaB ? -1 : areaA > areaB ? 1 : Number(atA) - Number(atB);
}
