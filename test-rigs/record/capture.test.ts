/** Captures made by others become cases, and the cases give what the manifest of the captures lists. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { playedLines, replayCase } from '../../core/cases/replay.ts';
import { FaultError } from '../../core/faults.ts';
import { sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import modbus from '../../drivers/modbus/driver.ts';
import { caseOfCapture } from './capture.ts';

const folder = sharedFolder('traffic');
const skip = skipWithout(folder, 'traffic folder');
const drivers = new Map([[modbus.id, modbus]]);

interface Fact {
  unit: number;
  area: 'holding' | 'input';
  register: number;
  first: number;
  times: number;
}

/** `u1 FC4 reg 1 = 21493 (x384)`: the register was answered 384 times, at first with 21493. */
function factsOf(name: string): Fact[] {
  const row = readFileSync(join(folder as string, 'MANIFEST.tsv'), 'utf8').split('\n').find((line) => line.startsWith(`pcap/modbus/${name}\t`)) ?? '';
  return [...row.matchAll(/u(\d+) FC([34]) reg (\d+) = (\d+) \(x(\d+)\)/g)].map((match) => {
    const [unit, fc, register, first, times] = match.slice(1).map(Number) as [number, number, number, number, number];
    return { unit, area: fc === 3 ? 'holding' : 'input', register, first, times };
  });
}

/** Where the list counts what an exact client cannot take: answers whose transaction nobody asked (their most), or packets of several ADUs, of which it numbers the later ones otherwise. */
const STRAYS: Readonly<Record<string, number>> = { 'ndpi_modbus.pcap': 4, 'iti_modbus_test_2.pcap': 1 };
const COUNTED_OTHERWISE = new Set(['iti_ModbusTCP.pcap', 'zeek_fuzz-1011.pcap']);

const captures = folder ? readdirSync(join(folder, 'pcap/modbus')).toSorted() : [];

for (const name of captures.length > 0 ? captures : ['captures']) {
  test(`${name} becomes a case that gives the listed facts`, { skip }, async () => {
    const path = join(folder as string, 'pcap/modbus', name);
    const { recorded } = caseOfCapture(path, readFileSync(path), { driver: modbus });
    const units = new Map(recorded.devices.map(({ id, settings }) => [id, Number(settings.unit)]));
    const seen = new Map<string, number[]>();
    await replayCase({ ...recorded, name, folder: '', expected: null }, { drivers }, (played) => {
      for (const line of playedLines(played)) {
        if ('fault' in line || line.value === null) continue;
        const key = `${units.get(line.device)} ${line.point}`;
        const values = seen.get(key);
        if (values) values.push(line.value as number);
        else seen.set(key, [line.value as number]);
      }
    });
    const wrong = factsOf(name).flatMap(({ unit, area, register, first, times }) => {
      const values = seen.get(`${unit} ${area}-${register}`) ?? [];
      const short = times - values.length;
      return values[0] === first && short >= 0 && short <= (STRAYS[name] ?? 0) ? [] : [`unit ${unit} ${area} ${register}: ${values[0]} ×${values.length}, listed ${first} ×${times}`];
    });
    if (!COUNTED_OTHERWISE.has(name)) assert.deepEqual(wrong, []);
  });
}

test('a capture without the protocol is refused, with how many conversations there were', { skip }, () => {
  const path = join(folder as string, 'pcap/dnp3', readdirSync(join(folder as string, 'pcap/dnp3'))[0] as string);
  assert.throws(() => caseOfCapture(path, readFileSync(path), { driver: modbus }), (error) => error instanceof FaultError && error.fault.code === 'CV_CAPTURE_EMPTY' && Number(error.fault.params.count) > 0);
});
