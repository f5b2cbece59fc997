/** Captures made by others become cases, and the cases give what the manifest of the captures lists. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Case } from '../../cases/case.ts';
import { replayCaseLines } from '../../cases/replay.ts';
import { bytesRecordingOf } from '../../cases/replay-bytes.ts';
import { ByteStreams, type RecordedMessage } from '../../cases/byte-streams.ts';
import type { Driver } from '../../core/driver.ts';
import { FaultError } from '../../core/faults.ts';
import type { ResultLine } from '../../cases/result-lines.ts';
import { listedFacts, sharedFolder, skipWithout } from '../../core/testing/shared.ts';
import llrp from '../../drivers/llrp/driver.ts';
import { parseAccessReport } from '../../drivers/llrp/access-report.ts';
import modbus from '../../drivers/modbus/driver.ts';
import { caseOfCapture } from './capture.ts';
import { answeredCells, pointsInOrder, functionsOf } from './modbus-answers.ts';

const folder = sharedFolder('traffic');
const skip = skipWithout(folder, 'traffic folder');

function captured(driver: Driver, ...path: string[]): Case {
  const file = join(folder as string, 'pcap', ...path);
  return { ...caseOfCapture(file, readFileSync(file), { driver }).recorded, name: path.join('/'), folder: '', expected: null };
}

const replayed = (driver: Driver, recorded: Case): Promise<ResultLine[]> =>
  replayCaseLines(recorded, { drivers: new Map([[driver.id, driver]]) });

function messagesOf(driver: Driver, recorded: Case): RecordedMessage[] {
  const reading = { recording: bytesRecordingOf(driver), settings: driver.settings.parse(recorded.devices[0].settings) };
  return new ByteStreams(recorded.traffic, () => reading).messages.filter(({ notes }) => notes);
}

/** Two connections to one device may answer within one millisecond. */
const inAnyOrder = (seen: ReadonlyMap<string, readonly number[]>) =>
  new Map([...seen].map(([key, values]) => [key, values.toSorted((a, b) => a - b)]));

/** `u1 FC4 reg 1 = 21493 (x384)`: counted 384 times, at first with 21493. */
const registersIn = (facts: string) =>
  [...facts.matchAll(/u(\d+) FC(\d+) reg (\d+) = (\d+) \(x(\d+)\)/g)].map(([, unit, fc, register, first, times]) => ({
    key: `${unit} ${fc} ${register}`,
    first: Number(first),
    times: Number(times),
  }));

for (const name of folder ? readdirSync(join(folder, 'pcap/modbus')).toSorted() : ['captures']) {
  test(
    `${name}: every exception that is listed is told with its code, and every function that gives no points is named`,
    { skip },
    async () => {
      const recorded = captured(modbus, 'modbus', name);
      const told = (await replayed(modbus, recorded)).flatMap((line) => ('fault' in line ? [line.fault] : []));
      assert.ok(!told.includes('CV_CASE_STRAY'));
      const count = (codes: readonly string[]) => told.filter((code) => codes.includes(code)).length;
      for (const [, code, times] of (/exceptions: ([^;]*)/.exec(listedFacts(`pcap/modbus/${name}`))?.[1] ?? '').matchAll(
        /code (\d+) x(\d+)/g,
      )) {
        assert.ok(
          count(EXCEPTIONS[Number(code)] ?? []) >= Number(times),
          `exception ${code}: ${count(EXCEPTIONS[Number(code)] ?? [])}, listed ${times}`,
        );
      }
      const others = exchangesWith(recorded, (fc) => ![1, 2, 3, 4, 5, 6, 15, 16, 23].includes(fc));
      assert.ok(count(['CV_MODBUS_NOT_A_READ']) >= others, `${count(['CV_MODBUS_NOT_A_READ'])} named, ${others} answered`);
    },
  );
}

/** Of one unit that was asked and answered at once. */
function exchangesWith(recorded: Case, isWanted: (fc: number) => boolean): number {
  const messages = messagesOf(modbus, recorded);
  return messages.filter(({ direction, bytes }, index) => {
    const next = messages[index + 1];
    return (
      direction === 'out' &&
      next?.direction === 'in' &&
      isWanted(bytes[7] as number) &&
      next.bytes[7] === bytes[7] &&
      next.conn === messages[index]?.conn &&
      next.bytes[6] === bytes[6] &&
      Buffer.from(next.bytes).readUInt16BE(0) === Buffer.from(bytes).readUInt16BE(0)
    );
  }).length;
}

const EXCEPTIONS: Readonly<Record<number, string[]>> = {
  1: ['CV_MODBUS_ILLEGAL_FUNCTION', 'CV_MODBUS_UNKNOWN_FUNCTION'],
  2: ['CV_MODBUS_ILLEGAL_ADDRESS'],
  3: ['CV_MODBUS_ILLEGAL_VALUE', 'CV_MODBUS_ILLEGAL_WRITE', 'CV_MODBUS_ILLEGAL_REQUEST'],
  4: ['CV_MODBUS_DEVICE_FAILURE'],
  10: ['CV_MODBUS_GATEWAY_PATH'],
  11: ['CV_MODBUS_GATEWAY_TARGET'],
};

for (const name of folder ? readdirSync(join(folder, 'pcap/modbus')).toSorted() : ['captures']) {
  test(`${name} becomes a case that gives the listed facts`, { skip }, async () => {
    const recorded = captured(modbus, 'modbus', name);
    const messages = messagesOf(modbus, recorded);
    const facts = listedFacts(`pcap/modbus/${name}`);
    const functions = functionsOf(messages);
    // tshark leaves out what came for the first time in a repeated segment, and connections that begin with something else.
    for (const [, fc, count] of facts.matchAll(/FC(\d+)x(\d+)/g))
      assert.ok((functions.get(Number(fc)) ?? 0) >= Number(count), `function ${fc}: ${functions.get(Number(fc))}, listed ${count}`);
    const counted = pointsInOrder(messages);
    for (const { key, first, times } of registersIn(facts))
      assert.deepEqual([counted.get(key)?.[0], counted.get(key)?.length], [first, times], key);
    const places = new Map(recorded.devices.map(({ id, settings: { host, port, unit } }) => [id, { place: `${host}:${port}`, unit }]));
    const devices = new Map(recorded.traffic.map(({ conn, device }) => [conn, places.get(device as string)?.place as string]));
    const seen = new Map<string, number[]>();
    for (const line of await replayed(modbus, recorded)) {
      if ('fault' in line || line.value === null) continue;
      const { place, unit } = places.get(line.device) ?? {};
      const key = `${place} ${unit} ${line.point}`;
      const values = seen.get(key);
      if (values) values.push(Number(line.value));
      else seen.set(key, [Number(line.value)]);
    }
    assert.deepEqual(
      inAnyOrder(seen),
      inAnyOrder(answeredCells(messages, devices)),
      'each cell of each answer to a question, and no other',
    );
  });
}

test('a reader\'s capture becomes a case that gives the listed facts, though another program asked the reader', { skip }, async () => {
  const recorded = captured(llrp, 'llrp', 'wireshark_llrp.cap');
  const facts = listedFacts('pcap/llrp/wireshark_llrp.cap');
  const messages = messagesOf(llrp, recorded);
  const types = (conn: number, direction: 'in' | 'out') =>
    messages.filter((one) => one.conn === conn && one.direction === direction).map(({ bytes }) => bytes.readUInt16BE(0) & 0x3ff);
  const conns = [...new Set(messages.map(({ conn }) => conn))];
  assert.equal(conns.length, Number(/(\d+) TCP connections/.exec(facts)?.[1]));
  const [SET_CONFIG, GET_CONFIG, REPORT, KEEPALIVE, EVENT, ACK, ERROR] = [3, 2, 61, 62, 63, 72, 100];
  for (const conn of conns) {
    const [said, asked] = [types(conn, 'in'), types(conn, 'out')];
    if (conn > 1 && conn < 8) {
      assert.deepEqual([said, asked.length], [[EVENT], 8], `connection ${conn} is answered nothing`);
      continue;
    }
    const count = (list: number[], type: number | undefined) => list.filter((one) => one === type).length;
    assert.deepEqual(
      [
        count(said, KEEPALIVE),
        count(asked, ACK),
        count(said, REPORT),
        count(said, ERROR),
        count(asked, GET_CONFIG),
        count(asked, SET_CONFIG),
      ],
      [3, 3, 1, 1, 1, 2],
    );
  }
  const tags = messages.flatMap(({ bytes, direction }) =>
    direction === 'in' && (bytes.readUInt16BE(0) & 0x3ff) === REPORT ? parseAccessReport(bytes).reads : [],
  );
  const lines = await replayed(llrp, recorded);
  const reads = lines.flatMap((line) => ('fault' in line ? [] : [line]));
  assert.equal(reads.length, Number(/(\d+) TagReportData/.exec(facts)?.[1]));
  assert.deepEqual(reads.map(({ value }) => value), tags.map(({ epc }) => epc));
  const epcs = /EPCs ([0-9A-F, ]+);/.exec(facts)?.[1]?.split(', ');
  assert.deepEqual([...new Set(reads.map(({ value }) => value))].toSorted(), epcs?.toSorted());
  // Their own times count from nowhere that is known, so they have ours.
  assert.ok(reads.every(({ at, flags }) => new Date(at).getUTCFullYear() === 2007 && flags.includes('skewed')));
  assert.deepEqual(
    lines.flatMap((line) => ('fault' in line ? [line.fault] : [])),
    Array.from({ length: 6 }, () => 'CV_LINK_TIMEOUT'),
    'six sessions that a silent reader never began',
  );
});

test('a capture without the protocol is refused, with how many conversations there were', { skip }, () => {
  const name = readdirSync(join(folder as string, 'pcap/dnp3'))[0] as string;
  assert.throws(
    () => captured(modbus, 'dnp3', name),
    (error) => error instanceof FaultError && error.fault.code === 'CV_CAPTURE_EMPTY' && Number(error.fault.params.count) > 0,
  );
});
